"""The platform's own logs on their way into a Cordwood: in a circle, and nothing grows."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from structlog.typing import EventDict

from cordwood.client.http import Api, Taken
from cordwood.client.own_logs import OwnLogs
from tests.support.metering import counted
from tests.support.waiting import wait_until

EVERY_S = 0.05


class Taker:
    """An api that takes logs, or answers `status`; each request makes it `say` something first."""

    def __init__(self, say: Callable[[], None]) -> None:
        self.status = 202
        self.bodies: list[list[dict[str, object]]] = []
        self.keys: list[str] = []
        self.came: list[float] = []
        """When, by a clock that only goes forward."""
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
                taker.came.append(time.monotonic())
                say()
                taker.bodies.append([json.loads(line) for line in lines])
                taker.keys.append(self.headers["idempotency-key"])
                answer = json.dumps({"accepted": len(lines), "rejected": 0, "receipt": "r"}).encode()
                self.send_response(taker.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.api = Api(f"http://127.0.0.1:{self._server.server_port}")
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.api.close()
        self._server.shutdown()
        self._server.server_close()

    def messages(self) -> list[object]:
        return [line["message"] for body in self.bodies for line in body]


@pytest.fixture
def own() -> Iterator[OwnLogs]:
    made = OwnLogs("api", EVERY_S)
    yield made
    made.stop()


@pytest.fixture
def taker() -> Iterator[Taker]:
    made = Taker(lambda: None)
    yield made
    made.close()


def line(message: str, **more: object) -> EventDict:
    return {"event": message, "level": "warning", "timestamp": "2026-11-26T12:00:00Z", **more}


def outcome(name: str) -> float:
    return counted("cordwood_own_log_lines_total", outcome=name)


def test_a_line_is_an_event_of_the_platform(own: OwnLogs, taker: Taker) -> None:
    event = line("store_unavailable", reason="away", service="api", error=ValueError("x"))
    event["message"] = "said"
    before = dict(event)
    own.note(event)
    own.start(taker.api)
    wait_until(lambda: taker.bodies, 10, "the line to arrive")
    ((sent,),) = taker.bodies
    assert (sent["service"], sent["process"], sent["level"]) == ("cordwood", "api", "warning")
    assert (sent["message"], sent["reason"], sent["error"]) == ("store_unavailable", "away", "x")
    assert sent["timestamp"] == "2026-11-26T12:00:00Z"
    assert event == before, "it is written to standard error, too"


def test_what_taking_lines_in_makes_it_say_makes_no_more_requests() -> None:
    """Each request makes ten lines: sent at once, they would be ten requests, which make a hundred lines."""
    own = OwnLogs("api", 0.2)

    def say() -> None:
        for _ in range(10):
            own.note(line("request_failed"))

    taker = Taker(say)
    own.note(line("first"))
    own.start(taker.api)
    wait_until(lambda: len(taker.bodies) >= 5, 30, "it to go round")
    own.stop()
    taker.close()
    pauses = [later - sooner for sooner, later in pairwise(taker.came[:5])]
    assert min(pauses) >= 0.19
    assert [len(body) for body in taker.bodies][:5] == [1, 10, 10, 10, 10]


def test_what_sending_itself_makes_it_say_is_not_sent(own: OwnLogs) -> None:
    class Telling(Api):
        calls = 0

        def ingest(self, body: bytes, encoding: str | None, key: str) -> Taken:
            own.note(line("connection_broke"))
            type(self).calls += 1
            return super().ingest(body, encoding, key)

    taker = Taker(lambda: None)
    own.note(line("first"))
    own.start(Telling(taker.api.url))
    wait_until(lambda: taker.bodies, 10, "the line to arrive")
    own.note(line("second"))
    wait_until(lambda: len(taker.bodies) == 2, 10, "the other one to arrive")
    taker.close()
    assert taker.messages() == ["first", "second"]


def test_lines_wait_for_a_server_that_is_away_and_come_once(own: OwnLogs, taker: Taker) -> None:
    taker.status = 503
    own.note(line("first"))
    own.start(taker.api)
    wait_until(lambda: len(taker.bodies) >= 2, 10, "it to be tried again")
    own.note(line("second"))
    taker.status = 202
    wait_until(lambda: "second" in taker.messages(), 10, "both to arrive")
    first = [key for key, body in zip(taker.keys, taker.bodies, strict=True) if body[0]["message"] == "first"]
    assert len(first) >= 3
    assert len(set(first)) == 1, "a repetition is known by its key"


def test_what_is_refused_is_not_sent_again(own: OwnLogs, taker: Taker) -> None:
    taker.status = 401
    before = outcome("refused")
    own.note(line("first"))
    own.start(taker.api)
    wait_until(lambda: outcome("refused") == before + 1, 10, "it to be counted")
    own.note(line("second"))
    wait_until(lambda: outcome("refused") == before + 2, 10, "it to be counted")
    assert taker.messages() == ["first", "second"]


def test_what_finds_no_room_is_dropped_and_counted(own: OwnLogs) -> None:
    before = outcome("no_room")
    for _ in range(10_500):
        own.note(line("x"))
    assert outcome("no_room") - before == 500
    big = OwnLogs("api")
    before = outcome("no_room")
    for _ in range(200):
        big.note(line("x", text="y" * 60_000))
    assert outcome("no_room") - before == 200 - (8 << 20) // 60_190


def test_a_line_without_end_is_cut(own: OwnLogs, taker: Taker) -> None:
    own.note(line("x" * 100_000, exception="y" * 1_000_000))
    own.start(taker.api)
    wait_until(lambda: taker.bodies, 10, "the line to arrive")
    ((sent,),) = taker.bodies
    assert sent["message"] == "x" * 1000
    assert int(str(sent["cut"])) > 1_000_000


@pytest.mark.parametrize("strange", ["\udc80", {1: {(2, 3): 4}}, object(), float("nan"), b"\xff", 2**90])
def test_nothing_that_is_said_can_fail_whoever_says_it(own: OwnLogs, taker: Taker, strange: object) -> None:
    own.note(line("first", strange=strange))
    own.start(taker.api)
    wait_until(lambda: taker.bodies, 10, "the line to arrive")
    (message,) = taker.messages()
    assert "first" in str(message)
