"""`cordwood search`: against the real server, and against one whose answers break off."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from tests.support.processes import Cordwood
from tests.support.servers import free_port

HOSTILE = "\x1b[2J\x9b31m \u202e \x07"
EVENTS = [
    {
        "time": f"2026-01-01T00:00:{number:02}Z",
        "level": level,
        "service": "pay",
        "message": f"event {number}",
        "n": number,
    }
    for number, level in enumerate(["info", "error", "info", "warn", "error"])
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("search") / "data") as running:
        body = "\n".join(
            json.dumps(event) for event in [*EVENTS, {"time": "2025-01-01", "message": HOSTILE, HOSTILE: "x"}]
        )
        status, answer = running.post("/api/v1/ingest?wait=stored", body.encode())
        assert status == 202, answer
        yield running


def search(*arguments: object, url: str) -> Result:
    return CliRunner().invoke(app_of(["search"]), ["search", "--url", url, *map(str, arguments)])


def test_the_newest_events_are_printed_last(server):
    result = search("--limit", 2, url=server.url)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "2026-01-01T00:00:03.000000Z WARN  pay event 3 n=3",
        "2026-01-01T00:00:04.000000Z ERROR pay event 4 n=4",
    ]


def test_all_streams_the_newest_first(server):
    result = search("--all", "-o", "raw", url=server.url)
    assert [json.loads(line).get("n") for line in result.stdout.splitlines()] == [4, 3, 2, 1, 0, None]


def test_filters_and_times_choose(server):
    both = ["--filter", "level:error", "--filter", "service:pay"]
    result = search(*both, "--start", "2026-01-01T00:00:02Z", "-o", "raw", url=server.url)
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == [4]
    result = search("--end", "2026-01-01T00:00:01Z", "--start", "2026-01-01T00:00:00Z", "-o", "raw", url=server.url)
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == [0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level:error", [1, 4]),
        ("event service:pay n:>=3", [3, 4]),
        ('"event 2"', [2]),
        ("ev* -level:info -3", [1, 4]),
        ("timestamp:2026-01-01T00:00:02Z OR n:0", [0, 2]),
        ("nothing", []),
    ],
)
def test_a_query_chooses(server, query, found):
    result = search(query, "-o", "raw", url=server.url)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == found


def test_a_query_that_is_not_understood_is_shown_where(server):
    result = search("level:error (n:3", url=server.url)
    assert result.exit_code == 2
    assert "level:error (n:3" in result.stderr
    assert result.stderr.splitlines()[-1].strip() == "^"
    piped = search("level:error | stat count()", url=server.url)
    assert piped.exit_code == 2
    assert 'did you mean "stats"?' in piped.stderr


def test_raw_gives_back_what_was_sent(server):
    result = search("-o", "raw", url=server.url)
    assert [json.loads(line) for line in result.stdout.splitlines()][1:] == EVENTS


def test_json_is_one_array_and_ndjson_one_object_a_line(server):
    array = json.loads(search("-o", "json", "--limit", 3, url=server.url).stdout)
    lines = [json.loads(line) for line in search("-o", "ndjson", "--limit", 3, url=server.url).stdout.splitlines()]
    assert array == lines
    assert [event["data"] for event in array] == EVENTS[2:]
    assert set(array[0]) == {"id", "timestamp", "inserted_at", "level", "service", "data"}


def test_nothing_found_is_no_error(server):
    for output, expected in (("text", ""), ("ndjson", ""), ("raw", "")):
        result = search("--filter", "level:fatal", "-o", output, url=server.url)
        assert (result.exit_code, result.stdout) == (0, expected)
    assert json.loads(search("--filter", "level:fatal", "-o", "json", url=server.url).stdout) == []


def test_control_codes_do_not_get_through(server):
    result = search("--limit", 100, url=server.url)
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert "\\x1b[2J\\x9b31m \\u202e \\x07" in result.stdout


@pytest.mark.parametrize("output", ["text", "json", "ndjson", "raw"])
def test_a_terminal_gets_no_control_codes_of_the_log(server, output):
    shown = on_terminal("--url", server.url, "-o", output, "--color", "never", "--limit", "100")
    assert "event 4" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_terminal_gets_colours(server):
    assert "\x1b[31mERROR" in on_terminal("--url", server.url, "--limit", "1")
    assert "\x1b[31mERROR" not in on_terminal("--url", server.url, "--limit", "1", "--color", "never")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--start", "yesterday"],
        ["--filter", "nocolon"],
        ["--limit", "0"],
        ["-o", "xml"],
        ["--start", "2026-01-02", "--end", "2026-01-01"],
    ],
)
def test_wrong_usage_is_2(server, arguments):
    result = search(*arguments, url=server.url)
    assert result.exit_code == 2
    assert result.stderr


def test_a_server_that_is_away_is_said_so():
    result = search(url=f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "Connection refused" in result.stderr


def test_a_wrong_key_is_said_so(tmp_path):
    with Cordwood("up", tmp_path / "data", tenancy_api_keys="the-right-key-of-this-test") as guarded:
        result = search("--api-key", "wrong", url=guarded.url)
    assert result.exit_code == 1
    assert "401" in result.stderr


EVENT = (
    b'{"id":"00000000-0000-7000-8000-000000000001","timestamp":"2026-01-01T00:00:00.000000Z",'
    b'"inserted_at":"2026-01-01T00:00:00.000000Z","level":null,"service":null,"data":{"message":"whole"}}\n'
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n"


@pytest.mark.parametrize(
    "cut",
    [
        HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(EVENT), EVENT),
        HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s" % (len(EVENT) * 2, EVENT),
        HEAD + b"content-length: %d\r\n\r\n%s" % (len(EVENT) * 2, EVENT),
    ],
    ids=["between chunks", "in a chunk", "short of its length"],
)
@pytest.mark.parametrize("is_all", [True, False])
def test_an_answer_that_breaks_off_is_an_error(cut, is_all):
    with answering(cut) as url:
        result = search(*(["--all"] if is_all else []), url=url)
    assert result.exit_code == 1
    assert "the answer is not complete" in result.stderr
    assert "whole" in result.stdout


def test_a_broken_json_array_stays_open():
    with answering(HEAD + b"content-length: 9999\r\n\r\n" + EVENT) as url:
        result = search("-o", "json", url=url)
    assert result.exit_code == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


def test_another_server_is_told_apart():
    with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>") as url:
        result = search(url=url)
    assert result.exit_code == 1
    assert "is this the address of a Cordwood server?" in result.stderr


def test_a_reader_that_stops_early_ends_it_quietly():
    with answering(HEAD + b"content-length: %d\r\n\r\n" % (len(EVENT) * 20_000) + EVENT * 20_000) as url:
        command = f"{sys.executable} -m cordwood search --all --url {url} | head -1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == b"141"
    assert done.stderr == b""


def on_terminal(*arguments: str) -> str:
    """What `cordwood search` prints when its standard output is a terminal."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([sys.executable, "-m", "cordwood", "search", *arguments], stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 1 << 16):
            shown += block
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    assert process.returncode == 0
    return shown.decode()


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A server that answers one request with these bytes and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):
                connection.recv(1 << 16)
                connection.sendall(raw)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(("in_flight", "said"), [(b"1234", "1,234 more accepted events"), (b"0", ""), (b"x", "")])
def test_a_terminal_is_told_what_is_not_stored_yet(in_flight: bytes, said: str) -> None:
    answer = HEAD + b"cordwood-in-flight: %s\r\ncontent-length: %d\r\n\r\n%s" % (in_flight, len(EVENT), EVENT)
    ours, theirs = os.openpty()
    with answering(answer) as url:
        command = [sys.executable, "-m", "cordwood", "search", "--url", url, "-o", "raw"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=False)
    os.write(theirs, b"\n")
    shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b'{"message":"whole"}\n')
    assert shown.strip().startswith(said) if said else not shown.strip()
