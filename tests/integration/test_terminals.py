"""Log content is hostile: on a terminal and in our own log it steers nothing, hides nothing and forges no line."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.support.processes import Cordwood
from tests.support.scripted import Scripted, refuse

_CODES = [*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x2028, 0x2029, *range(0x202A, 0x202F), 0x2066]
CONTROL = {chr(code) for code in _CODES}
STEERING = [
    "\x1b[31mred", "\x1b]0;title\x07", "\x1b]52;c;ZWNobyBoYWNrZWQ=\x07", "\x9b31m", "\x9d0;title\x9c",
    "\x1bP+q544e\x1b\\", "\x1b[2J\x1b[H", "\r\x1b[Kforged", "\x08\x08", "\u202egnp.exe",
    "\u2066x", "a\u200bb", "\x0e", "\x1bc", "\x85next",
]  # fmt: skip


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("terminals") / "data") as process:
        yield process


@pytest.mark.parametrize("output", ["text", "json", "ndjson", "raw"])
def test_nothing_that_was_logged_steers_a_terminal(one: Cordwood, output: str) -> None:
    events = [
        {"message": text, text: text, "service": text, "level": text, "deep": [{text: text}]} for text in STEERING
    ]
    assert one.post("/log?wait=stored", json.dumps(events).encode())[0] == 202
    command = ["search", "--url", one.url, "--output", output, "--color", "never"]
    shown = on_a_terminal(command)
    assert "forged" in shown
    assert not CONTROL - {"\r", "\n"} & set(shown)
    assert not shown.replace("\r\n", "").count("\r")


def test_nothing_that_a_server_answers_steers_a_terminal(one: Cordwood, tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"a":1}\n')
    with Scripted(otherwise=refuse(403, "".join(STEERING))) as server:
        refused = on_a_terminal(["send", str(tmp_path / "log"), "--url", server.url])
    # A real one repeats the path that it does not have.
    missing = on_a_terminal(["search", "--url", f"{one.url}/{quote(''.join(STEERING))}"])
    for shown in (refused, missing):
        assert "forged" in shown
        assert not CONTROL - {"\r", "\n"} & set(shown.replace("\x1b[?25h", "").replace("\x1b[?25l", ""))


def on_a_terminal(arguments: list[str]) -> str:
    """Everything a command writes when both its outputs are a terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CORDWOOD_")}
    command = [sys.executable, "-m", "cordwood", *arguments]
    with closing(os.fdopen(ours, "rb", buffering=0)) as terminal:
        environment |= {"TERM": "dumb", "NO_COLOR": "1"}
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment):
            os.close(theirs)
            shown = b""
            while block := _read(terminal.fileno()):
                shown += block
    return shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # EIO: the last one at the other end has left
        return b""


def test_nothing_that_was_asked_steers_the_log(one: Cordwood) -> None:
    for text in STEERING:
        one.get("/" + quote(text))
        one.get("/api/v1/query?" + urlencode({"filter": text, text: text}))
        one.post("/log", text.encode())
    assert not CONTROL - {"\n"} & set(one.log())
