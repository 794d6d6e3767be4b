"""`cordwood ready` says what the health check of a container needs to know."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.processes import Cordwood
from tests.support.servers import free_port
from tests.support.waiting import wait_until


def ready(port: int, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return Cordwood("ready", Path("/nowhere/data"), **settings).run("ready", "--port", str(port), *arguments)


def test_a_service_that_answers_is_ready(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as running:
        done = ready(running.port)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
        assert ready(running.port, "up", "--alive").stdout == "alive\n"
        assert ready(running.port, http_host="0.0.0.0").returncode == 0


def test_a_service_without_its_broker_is_alive_but_not_ready(tmp_path: Path) -> None:
    away = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    api = Cordwood("api", tmp_path / "data", broker_url=away)
    api.start(wait=False)
    try:
        wait_until(lambda: ready(api.port, "--alive").returncode == 0, 30, "the api to answer")
        done = ready(api.port)
        assert done.returncode == 1
        assert "not ready: broker:" in done.stderr
    finally:
        api.kill()


def test_nobody_there_is_not_ready() -> None:
    done = ready(free_port())
    assert done.returncode == 1
    assert "nothing listens on port" in done.stderr


def test_over_tls_the_certificate_is_for_others(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue()
    tls = {"http_tls_cert": str(issued.cert), "http_tls_key": str(issued.key)}
    running = Cordwood("up", tmp_path / "data", **tls)
    running.trust = ssl.create_default_context(cafile=issued.authority)
    with running:
        assert ready(running.port, **tls).returncode == 0
        assert ready(running.port).returncode == 1


@pytest.fixture
def mute() -> Iterator[int]:
    """A port whose listener takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_one_that_hangs_is_not_ready(mute: int) -> None:
    done = ready(mute, "--timeout", "0.2")
    assert done.returncode == 1
    assert "no answer: timed out" in done.stderr


def test_wrong_usage_is_told_apart() -> None:
    assert Cordwood("ready", Path("/nowhere/data")).run("ready", "nobody").returncode == 2
    assert ready(1, http_hst="x").returncode == 2
