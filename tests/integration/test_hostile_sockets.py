"""Clients that dribble, flood, fall silent or speak something else: each is ended in time, the others are served."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until
from tests.support.wire import Wire, connections, exchange, forget_peak, memory_mib, statuses_in

HEAD_S, IDLE_S, WRITE_S, BODY_S = 1.0, 1.5, 1.5, 1.5
SLACK_S = 4.0
"""Beyond a bound, on a busy machine; the bounds themselves are a few times longer than what they are told from."""
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /log HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b'POST /log?wait=stored HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"smuggled":"1"}'


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    settings = {
        "http_head_timeout_s": f"{HEAD_S}",
        "http_idle_timeout_s": f"{IDLE_S}",
        "http_write_timeout_s": f"{WRITE_S}",
        "http_body_timeout_s": f"{BODY_S}",
    }
    with Cordwood("up", tmp_path_factory.mktemp("sockets") / "data", **settings) as process:
        yield process


@pytest.fixture(autouse=True)
def alive_and_bounded(up: Cordwood) -> Iterator[None]:
    """Whatever a test does: others are served meanwhile and after it, and memory stays where it was."""
    forget_peak(up)
    before = memory_mib(up)
    yield
    assert up.post("/log", b'{"alive":true}')[0] == 202
    assert memory_mib(up, "VmHWM") < before + 300
    assert "request_failed" not in up.log()


def refused(up: Cordwood, reason: str) -> float:
    for line in up.get("/metrics")[1].decode().splitlines():
        if line.startswith(f'cordwood_http_refused_total{{reason="{reason}"}}'):
            return float(line.split()[-1])
    return 0.0


def smuggled(up: Cordwood) -> int:
    return int(up.json("/api/v1/query/count?filter=smuggled:1")["count"])


def ended_within(wire: Wire, bound_s: float) -> bytes:
    """All that was said until the server closed, which must not have been before half of the bound."""
    began = time.monotonic()
    said = wire.until_closed(bound_s + SLACK_S)
    assert time.monotonic() - began > bound_s / 2
    return said


# --- slow


def test_a_silent_connection_is_ended(up: Cordwood) -> None:
    before = refused(up, "silent")
    with Wire(up) as wire:
        assert ended_within(wire, HEAD_S) == b""
    assert refused(up, "silent") == before + 1


@pytest.mark.parametrize("first", [b"", GET], ids=["first request", "second request"])
def test_a_head_that_dribbles_is_408(up: Cordwood, first: bytes) -> None:
    with Wire(up) as wire:
        wire.send(first)
        wait_until(lambda: len(wire.statuses()) == bool(first), 10)
        wire.send(b"GET /health HTTP/1.1\r\nX: ")
        wire.dribble(b"y", HEAD_S + SLACK_S)
        assert wire.statuses()[-1] == 408
        assert b"slow_head" in wire.received


def test_a_connection_between_requests_is_ended(up: Cordwood) -> None:
    with Wire(up) as wire:
        wire.send(GET)
        wait_until(lambda: wire.statuses() == [200], 10)
        ended_within(wire, IDLE_S)
        assert wire.statuses() == [200]


def test_blank_lines_keep_no_connection_open(up: Cordwood) -> None:
    with Wire(up) as wire:
        wire.send(GET)
        wait_until(lambda: wire.statuses() == [200], 10)
        wire.dribble(b"\r\n", IDLE_S + SLACK_S)


def test_a_body_that_dribbles_without_end_is_408(up: Cordwood) -> None:
    with Wire(up) as wire:
        wire.send(CHUNKED)
        wire.dribble(b"1\r\n \r\n", 2 * BODY_S + SLACK_S)
        assert wire.statuses()[:1] == [408]


def test_a_body_that_nobody_asked_for_is_not_read_without_end(up: Cordwood) -> None:
    before = refused(up, "slow_rest")
    with Wire(up) as wire:
        wire.send(b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.dribble(b"400\r\n" + b"x" * 1024 + b"\r\n", BODY_S + SLACK_S)
        assert wire.statuses() == [200]
    assert refused(up, "slow_rest") == before + 1


def test_a_body_without_end_is_refused_before_memory_grows(up: Cordwood) -> None:
    with Wire(up) as wire:
        wire.send(CHUNKED)
        wire.dribble(b"800000\r\n" + b" " * (8 << 20) + b"\r\n", 30)
        assert wire.statuses()[:1] in ([408], [413])  # it is read on for a moment, so that the sender hears the answer


def test_clients_that_do_not_read_their_answer_do_not_keep_others_waiting(tmp_path: Path) -> None:
    stream = b"GET /api/v1/query HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n"
    line = b'{"pad":"' + b"x" * 4000 + b'"}\n'
    with Cordwood("up", tmp_path / "data", http_write_timeout_s=f"{WRITE_S}") as up, ExitStack() as opened:
        assert up.post("/log?wait=stored", line * 5000)[0] == 202
        for _ in range(8):  # as many as questions are answered at once
            opened.enter_context(Wire(up, receive_bytes=4096)).send(stream)
        wait_until(lambda: refused(up, "stalled") == 8, WRITE_S + SLACK_S + 10, "stalled clients to be ended")
        assert up.count() == 5000
        assert memory_mib(up, "VmHWM") < 1024  # the store's engine alone may take half of it


# --- floods

MANY = b"".join(b"X-%d: y\r\n" % n for n in range(101))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\n" + MANY + b"\r\n",
        b"GET /health HTTP/1.1\r\n" + b"x:\r\n" * 200_000,
        b"GET /health HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"y" * 40_000 + b": x\r\n\r\n",
        b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /api/v1/query?filter=a:" + b"y" * 40_000 + b" HTTP/1.1\r\n\r\n",
        GET + b"GET /health HTTP/1.1\r\nX: " + b"y" * 600_000,
    ],
    ids=["many", "very many", "long value", "long name", "long path", "long query", "long, pipelined"],
)
def test_a_head_beyond_the_limits_is_431(up: Cordwood, head: bytes) -> None:
    assert statuses_in(exchange(up, head))[-1:] == [431]


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /health HTTP/1.1\r\nX: ", b"y" * 4096),
        (b"GET /", b"y" * 4096),
        (b"GET /health HTTP/1.1\r\n", b"X: y\r\n" * 50),
        (CHUNKED + b"1;", b"y" * 4096),
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 50),
        (CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"y" * 4096),
    ],
    ids=["a header", "a path", "headers", "a chunk's extension", "trailers", "a trailer"],
)
def test_what_never_ends_is_431_long_before_memory_grows(up: Cordwood, begin: bytes, more: bytes) -> None:
    with Wire(up) as wire:
        wire.send(begin)
        assert wire.dribble(more, 10).startswith(b"HTTP/1.1 431 ")


def test_heads_within_the_limits_are_taken(up: Cordwood) -> None:
    lines = MANY.split(b"\r\n")[:98]
    for head in (b"\r\n".join(lines) + b"\r\n", b"X: " + b"y" * 32_000 + b"\r\n"):
        request = b"GET /health HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n"
        assert exchange(up, request).startswith(b"HTTP/1.1 200 ")
    body = b'{"n":"' + b"x" * 200_000 + b'"}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    for framed in (b"Content-Length: %d\r\n\r\n" % len(body) + body, b"Transfer-Encoding: chunked\r\n\r\n" + chunks):
        assert exchange(up, POST + b"Connection: close\r\n" + framed).startswith(b"HTTP/1.1 202 ")


def test_pipelined_requests_are_answered_in_order(up: Cordwood) -> None:
    paths = [b"/health", b"/nowhere", b"/ready", b"/log"] * 20
    with Wire(up) as wire:
        wire.send(b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths))
        wait_until(lambda: len(wire.statuses()) == len(paths), 10)
        assert wire.statuses() == [200, 404, 200, 405] * 20


def test_countless_pipelined_requests_end_the_connection(up: Cordwood) -> None:
    with Wire(up) as wire:
        wire.send(GET * 20_000)
        wire.until_closed(10)
        assert 100 <= len(wire.statuses()) < 20_000
        assert set(wire.statuses()) == {200}


# --- what is no request, or two in one


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 2, 90\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Content-Length: -2\r\n\r\n{}",
        b"Content-Length: 0x2\r\n\r\n{}",
        b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        b"Content-Length : 2\r\n\r\n{}",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\rchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        b"X: a\rY: b\r\nContent-Length: 2\r\n\r\n{}",
        b"X: a\nContent-Length: 2\n\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_no_request_hides_in_another(up: Cordwood, head: bytes) -> None:
    said = exchange(up, POST + head + SMUGGLED)
    assert statuses_in(said) == [400]
    assert b"application/problem+json" in said
    assert smuggled(up) == 0


@pytest.mark.parametrize(
    "request_", [b"GET /health HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED), b"GET /health HTTP/1.0\r\n\r\n"]
)
def test_a_body_is_not_taken_for_a_request(up: Cordwood, request_: bytes) -> None:
    assert statuses_in(exchange(up, request_ + SMUGGLED)) == [200]
    assert smuggled(up) == 0


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 4,
        bytes.fromhex("16030100a5010000a1") + bytes(160),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT /health HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
        b"GET http://example.org HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x00" * 100_000,
        b"EHLO example.org\r\n",
    ],
    ids=[
        "every byte",
        "TLS",
        "HTTP/2",
        "CONNECT",
        "CONNECT with a path",
        "no path",
        "NUL",
        "8 bit",
        "HTTP/9.9",
        "NULs",
        "SMTP",
    ],
)
def test_what_is_no_request_is_400(up: Cordwood, data: bytes) -> None:
    before = refused(up, "malformed") + refused(up, "bad_request")
    said = exchange(up, data)
    assert statuses_in(said) == [400]
    assert refused(up, "malformed") + refused(up, "bad_request") == before + 1


def test_garbage_behind_a_request_is_not_its_answer(up: Cordwood) -> None:
    request = b"POST /log?wait=stored HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    assert statuses_in(exchange(up, request * 3 + b"\x00garbage\r\n\r\n")) == [202] * 3


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
def test_an_upgrade_is_declined_and_the_body_taken(up: Cordwood, upgrade: bytes) -> None:
    asked = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\nUpgrade: " + upgrade + b"\r\n"
    with Wire(up) as wire:
        for part in (POST, asked + b"Content-Length: 9\r\n\r", b"\n", b'{"up', b'":1}\n', GET):
            wire.send(part)
        wait_until(lambda: wire.statuses() == [202, 200], 10)
        assert b'"accepted":1' in wire.received


def test_a_half_closed_connection_is_a_closed_one(up: Cordwood) -> None:
    for data in (b"", b"GET /hea", GET, POST + b"Content-Length: 100\r\n\r\n{", CHUNKED + b"2\r\n{}"):
        with Wire(up) as wire:
            wire.send(data)
            wire.half_close()
            wire.until_closed(10)


def test_nothing_of_all_this_is_left_open(up: Cordwood) -> None:
    """Whatever was sent before: no connection outlives its bounds."""
    with ExitStack() as opened:
        for _ in range(50):
            opened.enter_context(Wire(up))
        wait_until(lambda: connections(up) >= 50, 10)
        wait_until(lambda: connections(up) < 5, IDLE_S + WRITE_S + SLACK_S + 10, "connections to be ended")
