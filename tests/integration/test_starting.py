"""Starts that cannot work end at once, with what is wrong and what to do; starts that can are quick and clean."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordwood import __version__
from cordwood.cli.app import COMMANDS, app_of
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


def failed(process: Cordwood) -> str:
    """What a start that must fail said."""
    process.start(wait=False)
    assert process.process is not None
    assert process.process.wait(15) == 2
    said = process.log()
    assert len(said.splitlines()) == 2, f"what is wrong, and what to do, and nothing else:\n{said}"
    return said


def test_the_port_is_taken(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "one") as running:
        said = failed(Cordwood("up", tmp_path / "two", running.port))
        assert f"port {running.port} on 127.0.0.1 is taken" in said
        assert "--port" in said


def test_two_on_one_data_directory(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as running:
        assert running.process is not None
        said = failed(Cordwood("up", tmp_path / "data"))
        assert f"in use by another cordwood (pid {running.process.pid})" in said
        assert running.post("/log?wait=stored", b"{}")[0] == 202


def test_there_is_no_such_port(tmp_path: Path) -> None:
    said = failed(Cordwood("up", tmp_path / "data", 65_536))
    assert "http.port (CORDWOOD_HTTP_PORT): Expected `int` <= 65535" in said


def test_the_data_directory_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = failed(Cordwood("up", tmp_path / "file" / "data"))
    assert "cannot use the directory" in said
    assert "--data-dir" in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"brokr_url": "x"}, "did you mean CORDWOOD_BROKER_URL?"),
        ({"http_max_body_bytes": "many"}, "http.max_body_bytes (CORDWOOD_HTTP_MAX_BODY_BYTES): Expected `int`"),
        ({"broker_url": "kafka://x"}, "scheme that is not known"),
        ({"store_url": "mysql://user:secret@x/"}, "scheme that is not known"),
        ({"http_host": "0.0.0.0"}, "--insecure"),
        ({"tenancy_api_keys": "short"}, "at least 16"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    said = failed(Cordwood("up", tmp_path / "data", **settings))
    assert says in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_a_start_is_quick_and_a_stop_is_clean(tmp_path: Path) -> None:
    process = Cordwood("up", tmp_path / "data")
    started = time.monotonic()
    process.start()
    assert time.monotonic() - started < 15, "not a benchmark: bench/ measures the 3 s"
    assert f"ready at {process.url}" in process.log()
    assert "curl" in process.log()
    assert process.stop() == 0
    assert "leaked" not in process.log()


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    process = Cordwood("up", tmp_path / "data").start()
    acknowledged = 0
    for n in range(200):
        assert process.post("/log", b'{"n":%d}' % n)[0] == 202
        acknowledged += 1
        if n % 67 == 66:
            process.kill()
            process.start()
    wait_until(lambda: process.count() >= acknowledged, 20, "everything acknowledged to be stored")
    assert sorted(event["data"]["n"] for event in process.events()) == list(range(acknowledged))
    process.kill()


def test_a_stop_does_not_cut_an_accepted_request(tmp_path: Path) -> None:
    process = Cordwood("up", tmp_path / "data").start()
    assert process.process is not None
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=10)) as slow:
        slow.putrequest("POST", "/log?wait=stored")
        slow.putheader("Content-Length", "7")
        slow.endheaders(b'{"n"')
        in_flight = b"cordwood_ingest_in_flight_bytes 4.0"
        wait_until(lambda: in_flight in process.get("/metrics")[1], 5, "the request to be under way")
        os.kill(process.process.pid, signal.SIGTERM)
        wait_until(lambda: _is_refused(process), 5, "the listener to close")
        slow.send(b":1}")
        response = slow.getresponse()
        assert (response.status, json.loads(response.read())["stored"]) == (202, True)
    assert process.process.wait(15) == 0


@pytest.mark.parametrize("command", ["up", "api", "query", "worker"])
def test_a_service_whose_words_nobody_takes_serves_and_stops(tmp_path: Path, command: str) -> None:
    """As where its log lies on a full disk."""
    assert Cordwood("migrate", tmp_path / "data").run().returncode == 0
    service = Cordwood(command, tmp_path / "data")
    with Path("/dev/full").open("w") as nowhere:
        service.process = subprocess.Popen(
            [sys.executable, "-m", "cordwood", command, "--port", str(service.port)],
            env=service.full_environment,
            stdin=subprocess.DEVNULL,
            stdout=nowhere,
            stderr=nowhere,
        )
    process = service.process
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(service), 30, f"cordwood {command} to be ready")
        assert process.poll() is None, "it has ended"
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()


def _is_ready(service: Cordwood) -> bool:
    try:
        return service.get("/ready")[0] == 200
    except OSError:
        return False


def _is_refused(process: Cordwood) -> bool:
    try:
        return process.get("/ready")[0] == 503
    except OSError:
        return True


def test_the_command_line_speaks_for_itself(tmp_path: Path) -> None:
    for command in COMMANDS:
        told = CliRunner().invoke(app_of([command]), [command, "--help"])
        assert (told.exit_code, "Usage" in told.output) == (0, True), told.output
    for asked in (["--version"], ["version"]):
        done = subprocess.run([sys.executable, "-m", "cordwood", *asked], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"cordwood {__version__} (Python ")
    settings = subprocess.run(
        [sys.executable, "-m", "cordwood", "config", "--json"],
        env={**os.environ, "CORDWOOD_STORE_URL": "postgresql://me:hidden@db/logs"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hidden" not in settings.stdout
    assert "postgresql://me:***@db/logs" in settings.stdout
