"""`cordwood tail`: against the real server, also one that goes away and comes back."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.support.processes import Cordwood
from tests.support.tails import send
from tests.support.waiting import wait_until

HOSTILE = "\x1b[2J\x9b31m \u202e \x07"


class Command:
    """`with Command(server, "level:error") as tail`: what it printed so far."""

    def __init__(self, server: Cordwood, directory: Path, *arguments: str) -> None:
        self._out, self._err = directory / "out.txt", directory / "err.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cordwood", "tail", "--url", server.url, *arguments], stdout=out, stderr=err
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def wait_for(self, count: int) -> list[str]:
        wait_until(lambda: len(self.lines) >= count, 60, f"{count} lines; {self.errors}")
        return self.lines

    def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)

    def ended(self) -> int:
        return self._process.wait(30)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path / "data") as running:
        yield running


def test_events_are_printed_as_they_are_stored_until_ctrl_c(up: Cordwood, tmp_path: Path) -> None:
    send(up, 1, 2, level="error", time="2026-11-23T10:00:00Z", message=HOSTILE)
    with Command(up, tmp_path, "level:error", "--history", "1") as tail:
        assert tail.wait_for(1) == ["2026-11-23T10:00:00.000000Z ERROR \\x1b[2J\\x9b31m \\u202e \\x07 n=2"]
        send(up, 3, level="info")
        send(up, 4, level="error", time="2026-11-23T10:00:01Z", message="declined")
        assert tail.wait_for(2)[1:] == ["2026-11-23T10:00:01.000000Z ERROR declined n=4"]
        assert tail.interrupt() == 130
        assert tail.errors == ""


def test_a_server_that_comes_back_is_watched_on_each_event_once(up: Cordwood, tmp_path: Path) -> None:
    send(up, 1)
    with Command(up, tmp_path, "--json", "-n", "5") as tail:
        tail.wait_for(1)
        send(up, 2)
        tail.wait_for(2)
        up.kill()
        wait_until(lambda: "interrupted: " in tail.errors, 20)
        up.start()
        send(up, 3)
        tail.wait_for(3)
        send(up, 4)
        lines = tail.wait_for(4)
        assert [json.loads(line)["data"]["n"] for line in lines] == [1, 2, 3, 4]
        assert tail.interrupt() == 130


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [(["level:"], 2, "a value is missing"), (["--filter", "nocolon"], 2, "is not FIELD:VALUE")],
)
def test_wrong_usage_is_2(up: Cordwood, tmp_path: Path, arguments: list[str], status: int, told: str) -> None:
    with Command(up, tmp_path, *arguments) as tail:
        assert tail.ended() == status
        assert told in tail.errors


def test_no_server_is_told_at_once(tmp_path: Path) -> None:
    with Command(Cordwood("up", tmp_path / "data"), tmp_path) as tail:
        assert tail.ended() == 1
        assert "is the server running" in tail.errors
