"""`cordwood send`: against a server that behaves as told, and against the real one."""

import base64
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from cordwood.model.zstd import compress as zstd
from tests.support.processes import Cordwood
from tests.support.scripted import Answer, Request, Scripted, drop, refuse, take, take_and_drop
from tests.support.servers import free_port
from tests.support.waiting import wait_until

HOSTILE_LINES = [
    b"plain",
    "größe 🪵 \u2028".encode(),
    b"latin-1 caf\xe9 and \xff\xfe\x00",
    b"NUL \x00 ESC \x1b[31m BEL \x07 DEL \x7f",
    b"  leading and trailing  ",
    b'"quoted" \\ {"a": }',
    b"10%\r20%",
    b"x" * 300_000,
]


def send(*arguments: object, server: Scripted | Cordwood | None = None) -> Result:
    where = [] if server is None else ["--url", server.url]
    return CliRunner().invoke(app_of(["send"]), ["send", *where, *map(str, arguments)])


def counts(output: str) -> dict[str, int]:
    """The final line's numbers, which must add up."""
    found = {name: int(number.replace(",", "")) for name, number in re.findall(r"(\w+) ([\d,]+)(?=  )", output)}
    assert set(found) == {"read", "accepted", "rejected", "failed"}, output
    assert found["read"] == found["accepted"] + found["rejected"] + found["failed"]
    return found


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def ndjson(first: int, last: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % number for number in range(first, last + 1))


def numbers(server: Scripted) -> list[int]:
    return sorted(json.loads(event)["n"] for event in server.events)


class TestWhatIsSent:
    def test_files_of_all_kinds_arrive_whole(self, tmp_path):
        files = [
            write(tmp_path / "a.ndjson", ndjson(1, 10)),
            write(tmp_path / "b.gz", gzip.compress(ndjson(11, 20))),
            write(tmp_path / "no-suffix", zstd(ndjson(21, 30))),
            write(tmp_path / "array.json", json.dumps([{"n": n} for n in range(31, 41)], indent=2).encode()),
            write(tmp_path / "object.json", b'{\n  "n": 41\n}\n'),
            write(tmp_path / "empty", b""),
        ]
        with Scripted() as server:
            result = send(*files, server=server)
        assert result.exit_code == 0, result.output
        assert numbers(server) == list(range(1, 42))
        assert counts(result.stdout) == {"read": 41, "accepted": 41, "rejected": 0, "failed": 0}

    @pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
    def test_ndjson_travels_byte_for_byte(self, tmp_path, encoding):
        lines = [b'{"a": 1.0e0,  "a":2}', b'{"big":1234567890123456789012345678901234567890}', b' {"s":"\\u0000"} ']
        file = write(tmp_path / "f", b"\n".join(lines))
        with Scripted() as server:
            assert send(file, "--compress", encoding, server=server).exit_code == 0
        assert server.events == lines
        assert server.requests[0].headers.get("content-encoding", "identity") == encoding

    def test_a_request_holds_no_more_than_asked(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 1000))
        with Scripted() as server:
            assert send(file, "--batch-events", 64, server=server).exit_code == 0
        assert numbers(server) == list(range(1, 1001))
        assert max(len(request.lines) for request in server.requests) == 64

    def test_the_key_is_sent(self, tmp_path):
        with Scripted() as server:
            send(write(tmp_path / "f", b"x"), "--api-key", "secret", server=server)
        assert server.requests[0].headers["authorization"] == "Bearer secret"

    def test_access_logs_are_read_when_asked(self, tmp_path):
        line = b'192.0.2.1 - - [01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'
        with Scripted() as server:
            result = send(write(tmp_path / "f", line + b"\nother\n"), "--parse", "combined", server=server)
        assert "1 line was not as --parse has it, and became a message alone; first" in result.output
        assert "f:2" in result.output
        assert result.exit_code == 0
        first, second = map(json.loads, server.events)
        assert first["status"] == 200
        assert second == {"message": "other"}


class TestTrouble:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_busy_server_gets_the_same_body_again(self, tmp_path, status):
        file = write(tmp_path / "f", ndjson(1, 100))
        with Scripted([refuse(status)] * 2) as server:
            result = send(file, server=server)
        assert result.exit_code == 0, result.output
        assert numbers(server) == list(range(1, 101))
        assert len({request.body for request in server.requests}) == 1
        assert len({request.headers["idempotency-key"] for request in server.requests}) == 1

    def test_retry_after_is_honoured(self, tmp_path):
        with Scripted([refuse(429, retry_after="1")]) as server:
            assert send(write(tmp_path / "f", b"x"), server=server).exit_code == 0
        first, second = server.requests
        assert second.at_s - first.at_s >= 1.0

    @pytest.mark.parametrize("answer", [drop, take_and_drop])
    def test_a_dropped_connection_loses_nothing_and_doubles_nothing(self, tmp_path, answer):
        file = write(tmp_path / "f", ndjson(1, 1000))
        with Scripted([answer, take, answer, answer]) as server:
            result = send(file, "--batch-events", 100, server=server)
        assert result.exit_code == 0, result.output
        assert numbers(server) == list(range(1, 1001))
        assert counts(result.stdout)["accepted"] == 1000

    def test_patience_ends_and_what_was_not_sent_is_named(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 10))
        result = send(file, "--retry-for", 0, "--url", f"http://127.0.0.1:{free_port()}")
        assert result.exit_code == 1
        assert counts(result.stdout) == {"read": 10, "accepted": 0, "rejected": 0, "failed": 10}
        assert f"not sent: {file}:1 to {file}:10" in result.stderr
        assert "Connection refused" in result.stderr
        assert "may be stored" not in result.stderr

    @pytest.mark.parametrize("answer", [drop, take_and_drop, refuse(503)])
    def test_what_may_have_come_through_is_not_called_unsent(self, tmp_path, answer):
        file = write(tmp_path / "f", ndjson(1, 300))
        with Scripted([answer, answer, answer], otherwise=refuse(429)) as server:
            result = send(file, "--retry-for", 0.5, "--batch-events", 100, "--concurrency", 1, server=server)
        assert result.exit_code == 1
        assert f"no answer, so it may be stored, or not: {file}:1 to {file}:100" in result.stderr
        assert "cordwood import" in result.stderr

    def test_stretches_that_follow_each_other_are_one(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 300))
        with Scripted(otherwise=refuse(429)) as server:
            result = send(file, "--retry-for", 0, "--batch-events", 100, server=server)
        stretches = [line for line in result.stderr.splitlines() if "not sent: " in line]
        assert len(stretches) == 1
        assert stretches[0].startswith(f"cordwood: not sent: {file}:1 to ")

    def test_after_giving_up_the_rest_is_not_even_read(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 200_000))
        with Scripted(otherwise=refuse(503)) as server:
            result = send(file, "--retry-for", 0, "--batch-events", 100, server=server)
        assert result.exit_code == 1
        assert counts(result.stdout)["read"] < 100_000
        assert "what follows was not sent" in result.stderr

    @pytest.mark.parametrize("status", [401, 403, 404, 415])
    def test_what_trying_again_cannot_mend_ends_it_at_once(self, tmp_path, status):
        with Scripted(otherwise=refuse(status, "not like this")) as server:
            result = send(write(tmp_path / "f", b"x"), server=server)
        assert result.exit_code == 1
        assert len(server.requests) == 1
        assert "not like this" in result.stderr
        assert "a hint" in result.stderr
        assert counts(result.stdout)["failed"] == 1

    def test_a_server_that_comes_late_gets_everything(self, tmp_path):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with started("--url", url, "-") as process:
            assert process.stdin is not None
            process.stdin.write(ndjson(1, 10))
            process.stdin.close()
            process.stdin = None
            assert b"trying again" in read_line(process.stderr)
            with Scripted(port=port) as server:
                output, _ = process.communicate()
        assert process.returncode == 0
        assert counts(output.decode())["accepted"] == 10
        assert numbers(server) == list(range(1, 11))

    def test_an_answer_that_leaves_events_out_is_no_success(self, tmp_path):
        def half(_: Scripted, request: Request) -> None:
            request.answer(202, {"accepted": 5, "rejected": 0, "errors": []})

        with Scripted(otherwise=half) as server:
            result = send(write(tmp_path / "f", ndjson(1, 10)), server=server)
        assert result.exit_code == 1
        assert counts(result.stdout) == {"read": 10, "accepted": 5, "rejected": 0, "failed": 5}

    def test_a_page_that_is_no_answer_of_ours_is_no_success(self, tmp_path):
        def hello(_: Scripted, request: Request) -> None:
            request.answer(200, "hello")

        with Scripted(otherwise=hello) as server:
            result = send(write(tmp_path / "f", ndjson(1, 10)), server=server)
        assert result.exit_code == 1
        assert counts(result.stdout)["failed"] == 10


class TestRejects:
    def test_bad_lines_are_named_by_file_and_line_and_the_others_are_kept(self, tmp_path):
        lines = ndjson(1, 10_000).splitlines()
        lines[5_000] = b"{broken"
        lines[7_777] = b"[1]"
        file = write(tmp_path / "f", b"\n\n" + b"\n".join(lines))
        with Scripted() as server:
            result = send(file, "--batch-events", 999, server=server)
        assert result.exit_code == 1
        assert counts(result.stdout) == {"read": 10_000, "accepted": 9_998, "rejected": 2, "failed": 0}
        assert f"{file}:5003: rejected: not a JSON object" in result.stderr
        assert f"{file}:7780: rejected:" in result.stderr

    def test_an_array_in_front_of_a_body_does_not_take_the_others_with_it(self, tmp_path):
        file = write(tmp_path / "f", b'{"n":1}\n[1]\n[2]\n{"n":2}\n')
        with Cordwood("up", tmp_path / "data") as server:
            result = send(file, "--batch-events", 1, server=server)
        assert counts(result.stdout) == {"read": 4, "accepted": 2, "rejected": 2, "failed": 0}

    def test_only_the_first_rejects_are_shown(self, tmp_path):
        with Scripted() as server:
            result = send(write(tmp_path / "f", b"{\n" * 500), server=server)
        assert counts(result.stdout)["rejected"] == 500
        assert result.stderr.count("rejected: ") == 10
        assert "and 490 more" in result.stderr

    def test_control_codes_of_the_input_do_not_reach_the_terminal(self, tmp_path):
        def curse(_: Scripted, request: Request) -> None:
            errors = [{"index": 0, "error": "bad \x1b[2J byte"}]
            request.answer(400, {"accepted": 0, "rejected": 1, "errors": errors})

        with Scripted(otherwise=curse) as server:
            result = send(write(tmp_path / "f\x1b[31m", b"{"), server=server)
        assert "\x1b" not in result.stderr
        assert "\\x1b[2J" in result.stderr

    def test_a_body_that_is_too_large_is_halved_until_it_fits(self, tmp_path):
        def at_most_three(server: Scripted, request: Request) -> None:
            answer: Answer = take if len(request.lines) <= 3 else refuse(413)
            answer(server, request)

        with Scripted(otherwise=at_most_three) as server:
            result = send(write(tmp_path / "f", ndjson(1, 20)), server=server)
        assert result.exit_code == 0
        assert numbers(server) == list(range(1, 21))

    def test_an_event_that_no_request_can_hold_is_rejected_alone(self, tmp_path):
        def no_fives(server: Scripted, request: Request) -> None:
            answer: Answer = refuse(413, "too large") if b'{"n":5}' in request.lines else take
            answer(server, request)

        file = write(tmp_path / "f", ndjson(1, 9))
        with Scripted(otherwise=no_fives) as server:
            result = send(file, server=server)
        assert counts(result.stdout) == {"read": 9, "accepted": 8, "rejected": 1, "failed": 0}
        assert f"{file}:5: rejected" in result.stderr


class TestSources:
    def test_what_cannot_be_read_is_named_and_the_others_are_sent(self, tmp_path):
        good = write(tmp_path / "good", ndjson(1, 3))
        with Scripted() as server:
            result = send(tmp_path / "missing", tmp_path, good, server=server)
        assert result.exit_code == 1
        assert numbers(server) == [1, 2, 3]
        assert f"{tmp_path / 'missing'}: No such file" in result.stderr
        assert f"{tmp_path}: Is a directory" in result.stderr

    def test_a_truncated_file_gives_what_it_has(self, tmp_path):
        file = write(tmp_path / "f.gz", gzip.compress(os.urandom(50_000).hex().encode() + b"\n" + ndjson(1, 9))[:-12])
        with Scripted() as server:
            result = send(file, server=server)
        assert result.exit_code == 1
        assert f"{file}: the compressed data ends early" in result.stderr
        assert counts(result.stdout)["accepted"] >= 1

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_an_error_of_our_own_while_reading_is_no_success(self, tmp_path, monkeypatch):
        def broken(*_: object) -> bytes:
            raise AssertionError("a bug")

        monkeypatch.setattr("cordwood.client.source.event_of", broken)
        others = set(threading.enumerate())  # one may wait for a silent standard input for ever
        with Scripted() as server:
            result = send(write(tmp_path / "f", b"x"), server=server)
        assert result.exit_code == 1
        assert "reading broke down" in result.stderr
        # What the thread died of is reported when it has ended: in this test, and not in the next one.
        wait_until(lambda: all(thread.name != "feed" for thread in set(threading.enumerate()) - others), 10)

    @pytest.mark.parametrize(
        "arguments",
        [[], ["-", "-"], ["f", "--url", "localhost"], ["f", "--parse", "csv"], ["f", "--batch-events", "0"]],
    )
    def test_wrong_usage_is_2(self, arguments):
        assert send(*arguments).exit_code == 2

    def test_standard_input_is_sent_while_it_is_open(self):
        with Scripted() as server, started("--url", server.url, "-") as process:
            assert process.stdin is not None
            for text, arrived in ((b"one\nhalf a li", 1), (b"ne\ntwo\n", 3)):
                process.stdin.write(text)
                process.stdin.flush()
                wait_until(lambda: len(server.events) == arrived, 10, "the lines to arrive")  # noqa: B023
            output, _ = process.communicate()
        assert process.returncode == 0
        # Two connections: what was read first may arrive last.
        assert {json.loads(event)["message"] for event in server.events} == {"one", "half a line", "two"}
        assert counts(output.decode())["accepted"] == 3

    def test_an_endless_input_takes_bounded_memory(self):
        with Scripted() as server, started("--url", server.url, "-") as process:
            assert process.stdin is not None
            block = (b"y" * 999 + b"\n") * 1000
            for _ in range(200):
                process.stdin.write(block)
            # Not the rusage at its end: that begins with the memory of the process that forked it.
            peak_kb = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            output, _ = process.communicate()
        assert process.returncode == 0
        assert counts(output.decode())["accepted"] == 200_000
        assert peak_kb is not None
        assert int(peak_kb[1]) < 180 * 1024


class TestInterruption:
    def test_what_was_read_is_sent_and_the_rest_is_named(self, tmp_path):
        with Scripted() as server, started("--url", server.url, "-", str(tmp_path / "later")) as process:
            assert process.stdin is not None
            process.stdin.write(b"one\ntwo\n")
            process.stdin.flush()
            wait_until(lambda: len(server.events) == 2, 10, "the lines to arrive")
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
        assert process.returncode == 130
        assert counts(output.decode())["accepted"] == 2
        assert b"interrupted: read up to <stdin>:2" in errors

    def test_a_second_time_does_not_wait_for_the_server(self, tmp_path):
        release = threading.Event()

        def hold(_: Scripted, request: Request) -> None:
            release.wait(30)

        file = write(tmp_path / "f", ndjson(1, 5))
        with Scripted(otherwise=hold) as server, started("--url", server.url, str(file)) as process:
            wait_until(lambda: server.requests, 10, "the request")
            process.send_signal(signal.SIGINT)
            assert b"sending what has been read" in read_line(process.stderr)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
            release.set()
        assert process.returncode == 130
        assert b"read 5  accepted 0" in output
        assert b"5 events were under way: whether they were accepted is not known" in errors

    def test_termination_is_told_apart(self):
        with Scripted() as server, started("--url", server.url, "-") as process:
            assert process.stdin is not None
            process.stdin.write(b"one\n")
            process.stdin.flush()
            wait_until(lambda: server.events, 10, "the line to arrive")
            process.send_signal(signal.SIGTERM)
            process.communicate()
        assert process.returncode == 128 + signal.SIGTERM


class TestTheRealServer:
    def test_every_line_comes_back(self, tmp_path):
        file = write(tmp_path / "f", b"\r\n".join(HOSTILE_LINES))
        with Cordwood("up", tmp_path / "data") as server:
            result = send(file, server=server)
            assert result.exit_code == 0, result.output
            wait_until(lambda: server.count() == len(HOSTILE_LINES), 10, "the events")
            stored = [event["data"] for event in server.events()]
        back = [
            base64.b64decode(data["message_base64"]) if "message_base64" in data else data["message"].encode()
            for data in stored
        ]
        assert sorted(back) == sorted(HOSTILE_LINES)

    def test_what_it_rejects_is_named(self, tmp_path):
        lines = [b'{"n":1}', b'{"n":', b'{"s":"\xff"}', b'{"long":"' + b"x" * (2 << 20) + b'"}', b'{"n":2}']
        file = write(tmp_path / "f", b"\n".join(lines))
        with Cordwood("up", tmp_path / "data") as server:
            result = send(file, server=server)
        assert counts(result.stdout) == {"read": 5, "accepted": 2, "rejected": 3, "failed": 0}
        for line in (2, 3, 4):
            assert f"{file}:{line}: rejected: " in result.stderr

    def test_a_wrong_key_is_said_so(self, tmp_path):
        file = write(tmp_path / "f", os.urandom(4 << 20).hex().encode() + b"\n" + ndjson(1, 5))
        with Cordwood("up", tmp_path / "data", tenancy_api_keys="the-right-key-of-this-test") as server:
            result = send(file, "--api-key", "wrong", "--retry-for", 2, server=server)
        assert result.exit_code == 1
        assert "401" in result.stderr


class started:  # noqa: N801 (reads as what it makes)
    """`cordwood send` as a process with open pipes."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cordwood", "send", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self._process

    def __exit__(self, *exc: object) -> None:
        process = self._process
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def read_line(pipe: IO[bytes] | None) -> bytes:
    assert pipe is not None
    return pipe.readline()
