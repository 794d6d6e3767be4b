"""The README's quick start, run as printed (on a free port)."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def commands(heading: str) -> list[str]:
    """The shell lines below a heading."""
    section = (ROOT / "README.md").read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_quick_start(tmp_path: Path) -> None:
    lines = commands("Quick start")
    assert len(lines) == 4
    binaries = Path(sys.executable).parent
    with Cordwood("up", tmp_path / "data") as up:
        env = {**os.environ, "CORDWOOD_URL": up.url}
        said: list[str] = []
        for line in lines:
            line = line.replace("http://127.0.0.1:8080", up.url).replace(".venv/bin/", f"{binaries}/")
            sent = (0, 1, 1, 2)[len(said)]
            wait_until(lambda sent=sent: up.count() >= sent, 10, "what was sent to be visible")  # type: ignore[misc]
            done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, check=True)
            said.append(done.stdout + done.stderr)
    assert '"accepted":1' in said[0]
    assert '"message":"hello"' in said[1]
    assert "card declined" in said[3]


def test_make_up(tmp_path: Path) -> None:
    """`make up` itself, in the foreground of its own terminal: ready, used, stopped by Ctrl-C."""
    up = Cordwood("up", tmp_path / "data")
    up.start_with(["make", "up", f"ARGS=--port {up.port} --data-dir {tmp_path / 'data'}"], cwd=ROOT)
    assert up.post("/log?wait=stored", b'{"message":"hello"}')[0] == 202
    assert [event["data"] for event in up.events()] == [{"message": "hello"}]
    up.interrupt()
    assert "ready at" in up.log()


def test_the_commands_of_moving_logs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "moving.md").read_text()
    lines = [line for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 4
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "a.log").write_text("one\ntwo\n")
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(b"three\n"))
    (tmp_path / "events.parquet").write_bytes(b"")
    with Cordwood("up", tmp_path / "data") as up:
        env = {**os.environ, "CORDWOOD_URL": up.url, "XDG_STATE_HOME": str(tmp_path / "state")}
        for line in lines:
            line = line.replace("cordwood ", f"{Path(sys.executable).parent}/cordwood ", 1)
            line = line.replace("/var/log/archive", str(archive))
            subprocess.run(["sh", "-c", line], env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
            wait_until(lambda: up.count() == 3, 10, "what was imported to be visible")
    assert (tmp_path / "everything.parquet").read_bytes()[:4] == b"PAR1"
    assert (tmp_path / "checkout.ndjson.zst").exists()
    assert len(list(tmp_path.glob("cordwood-*.csv"))) == 1
