"""`GET /api/v1/tail`: history, then what is stored, over SSE and WebSocket, in both set-ups."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.processes import Cordwood
from tests.support.servers import Redis
from tests.support.tails import SseTail, send
from tests.support.waiting import wait_until
from tests.support.wire import Wire

ACME, OTHER = "acme-key-0123456789abcdef", "other-key-0123456789abcdef"


class Platform(NamedTuple):
    """Where to send, and every process that answers."""

    ingest: Cordwood
    queries: list[Cordwood]


@pytest.fixture(params=["embedded", "services"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """In services, with two query processes."""
    with ExitStack() as stack:
        if request.param == "embedded":
            up = stack.enter_context(Cordwood("up", tmp_path / "data"))
            yield Platform(up, [up, up])
            return
        urls = request.getfixturevalue("service_urls")
        yield services(stack, tmp_path, urls)


def services(stack: ExitStack, tmp_path: Path, urls: dict[str, str]) -> Platform:
    data = tmp_path / "data"
    migrated = Cordwood("migrate", data, **urls).run()
    assert migrated.returncode == 0, migrated.stderr
    started = [Cordwood(name, data, **urls).start(wait=False) for name in ("api", "worker", "query", "query")]
    for process in started:
        stack.push(process.__exit__)
        wait_until(process.is_ready, 30, "the services to be ready")
    return Platform(started[0], started[2:])


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path / "data") as running:
        yield running


def socket(server: Cordwood, query: str = "", **headers: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/api/v1/tail{query}", additional_headers=headers, open_timeout=20)


def said(tail: ClientConnection) -> Any:
    return json.loads(tail.recv(20))


def metric(server: Cordwood, name: str) -> float:
    text = server.get("/metrics")[1].decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_history_comes_first_then_what_is_stored_in_order(platform: Platform) -> None:
    send(platform.ingest, *range(20), level="info")
    send(platform.ingest, 100, level="error")
    with ExitStack() as stack:
        tails = [stack.enter_context(SseTail(query, history=3, query="level:info")) for query in platform.queries]
        for tail in tails:
            assert tail.numbers == [17, 18, 19]
        send(platform.ingest, 20, level="info")
        send(platform.ingest, 21, level="error")
        send(platform.ingest, 22, 23, level="info")
        for tail in tails:
            tail.wait_for([17, 18, 19, 20, 22, 23])
            assert tail.missed == []
        stored = {event["id"]: event for event in platform.queries[0].events()}
        told = [data for kind, data, _ in tails[0].told if kind == "event"]
        assert all(event == stored[event["id"]] for event in told), "to the last member"


def test_a_websocket_is_told_the_same(platform: Platform) -> None:
    send(platform.ingest, 1, 2, service="web")
    for query in platform.queries:
        with socket(query, "?query=service:web&history=1&filter=service:web") as tail:
            assert said(tail)["event"]["data"]["n"] == 2
            began = said(tail)
            assert began["type"] == "live"
            send(platform.ingest, 3, service="web")
            live = said(tail)
            assert (live["type"], live["event"]["data"]["n"]) == ("event", 3)
            assert live["position"] >= began["position"] - 1_000_000
        with socket(query, f"?after={live['position'] - 3_600_000_000}") as tail:
            assert said(tail)["event"]["data"]["service"] == "web"
        send(platform.ingest, 2, service="web")


HISTORY = 30


def is_whole(tail: SseTail, sent: int) -> bool:
    """Whether every number was told since the first of the history. Workers may store earlier ones later."""
    numbers = tail.numbers
    return len(numbers) >= HISTORY and set(range(min(numbers[:HISTORY]), sent)) <= set(numbers)


def test_the_seam_has_no_gap_and_no_double(platform: Platform) -> None:
    sent = 0
    is_over = threading.Event()

    def send_on() -> None:
        nonlocal sent
        while not is_over.is_set():
            send(platform.ingest, sent, wait=False)
            sent += 1

    sending = threading.Thread(target=send_on)
    sending.start()
    try:
        wait_until(lambda: sent > 50, 30)
        tails: list[SseTail] = []
        for turn in range(24):
            tail = SseTail(platform.queries[turn % 2], history=HISTORY)
            tails.append(tail.__enter__())
    finally:
        is_over.set()
        sending.join()
    try:
        for tail in tails:
            wait_until(partial(is_whole, tail, sent), 20, "the tail to be told the last")
            numbers = tail.numbers
            assert len(numbers) == len(set(numbers)), "each once"
            assert tail.missed == []
    finally:
        for tail in tails:
            tail.close()


def test_a_reader_that_comes_back_goes_on_where_it_was(platform: Platform) -> None:
    first, second = platform.queries
    with SseTail(first, history=0) as tail:
        send(platform.ingest, 1)
        tail.wait_for([1])
        position = tail.position
    send(platform.ingest, 2)
    send(platform.ingest, 3, time="2026-01-01")  # stored now, whatever its time: too old to be looked for
    send(platform.ingest, 4)
    with SseTail(second, headers={"last-event-id": position}, history=0) as again:
        assert again.numbers == [1, 2, 4], "what was stored just before comes twice"
        send(platform.ingest, 5)
        again.wait_for([1, 2, 4, 5])


class TestQuestions:
    @pytest.mark.parametrize(
        ("parameters", "position"),
        [("query=level:", 6), ("query=level:error+%7C+stats+count()", 12), ("query=(a", 2), ("query=level:eror", 6)],
    )
    def test_a_bad_query_is_told_its_place(self, up: Cordwood, parameters: str, position: int) -> None:
        status, body = up.get(f"/api/v1/tail?{parameters}")
        problem = json.loads(body)
        assert (status, problem["type"]) == (400, "urn:cordwood:problem:bad_query")
        assert problem["position"] == position
        with pytest.raises(InvalidStatus) as refused:
            socket(up, f"?{parameters}")
        assert refused.value.response.status_code == 400
        assert json.loads(refused.value.response.body or b"")["position"] == position

    @pytest.mark.parametrize(
        "parameters", ["history=-1", "history=x", "history=10001", "after=x", "histry=1", "filter=nocolon", "limit=1"]
    )
    def test_bad_parameters_are_400(self, up: Cordwood, parameters: str) -> None:
        assert up.get(f"/api/v1/tail?{parameters}")[0] == 400

    def test_a_filter_means_what_it_means_to_a_query(self, up: Cordwood) -> None:
        with SseTail(up, filter="http.status:502", history=0) as tail:
            odd: list[dict[str, Any]] = [{"http": {"status": [502]}}, {"http": 502}]
            events: list[dict[str, Any]] = [{"http": {"status": 502}}, {"http.status": "502"}, *odd]
            for n, event in enumerate(events):
                send(up, n, **event)
            send(up, 9, http={"status": 502.0})
            tail.wait_for([0, 1, 2, 9])
        assert sorted(event["data"]["n"] for event in up.events("?filter=http.status:502")) == [0, 1, 2, 9]

    def test_numbers_beyond_doubles_and_odd_blanks_are_passed_on(self, up: Cordwood) -> None:
        with SseTail(up, query="n:*", history=0) as tail, socket(up, "?query=n:*&history=0") as other:
            assert said(other)["type"] == "live"
            up.post("/api/v1/ingest", b'{"n":1,"big":1e400}\n{"n":2,\r"x":\r"a\\rb"}')
            tail.wait_for([1, 2])
            assert tail.told[-1][1]["data"]["x"] == "a\rb"
            assert [said(other)["event"]["data"]["n"] for _ in range(2)] == [1, 2]

    def test_head_is_answered_at_once(self, up: Cordwood) -> None:
        assert up.ask("HEAD", "/api/v1/tail") == (200, b"")


class TestBounds:
    def test_a_slow_reader_is_told_how_many_it_missed(self, tmp_path: Path) -> None:
        settings = {"tail_buffer_bytes": "100000", "tail_feed_bytes": str(64 << 20), "tail_cpu_share": "1"}
        batches, events = 30, 1000
        with Cordwood("up", tmp_path / "data", **settings) as up, Wire(up, receive_bytes=4096) as slow:
            slow.send(b"GET /api/v1/tail?history=0 HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: metric(up, "cordwood_tail_readers ") == 1, 10)
            with SseTail(up, history=0, query="last:true") as quick:
                for n in range(batches):
                    send(up, *range(n * events, (n + 1) * events), x="x" * 500)
                send(up, 1_000_000, last=True)
                quick.wait_for([1_000_000])
            told, missed = 0, 0

            def is_all() -> bool:
                nonlocal told, missed
                slow.poll()
                told = slow.received.count(b"\nevent: event\n")
                lines = slow.received.split(b"\nevent: missed\ndata: ")[1:]
                missed = sum(json.loads(line.partition(b"\n")[0])["events"] for line in lines if b"\n" in line)
                return told + missed == batches * events + 1

            wait_until(is_all, 30, "what was told and what was missed to be everything")
            assert missed > 0
            assert metric(up, "cordwood_tail_missed_events_total") == missed
            assert up.count() == batches * events + 1

    def test_there_is_an_end_to_the_number_of_tails(self, tmp_path: Path) -> None:
        with Cordwood("up", tmp_path / "data", tail_max_readers="2") as up:
            with SseTail(up), socket(up):
                refused = SseTail(up)
                assert (refused.status, refused.response.getheader("retry-after")) == (429, "10")
                assert b"CORDWOOD_TAIL_MAX_READERS" in refused.response.read()
                refused.close()
                with pytest.raises(InvalidStatus) as also:
                    socket(up)
                assert also.value.response.status_code == 429
            wait_until(lambda: metric(up, "cordwood_tail_readers ") == 0, 10, "what was closed to be free")
            with SseTail(up), SseTail(up):
                pass

    def test_a_process_that_stops_does_not_wait_for_readers(self, up: Cordwood) -> None:
        with SseTail(up) as tail, socket(up) as other:
            assert said(other)["type"] == "live"
            began = time.monotonic()
            assert up.stop() == 0
            assert time.monotonic() - began < 9, "open requests would get 10 s"
            wait_until(lambda: tail.is_over, 5)
            with pytest.raises(ConnectionClosed) as closed:
                other.recv(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012

    def test_what_a_reader_says_is_not_listened_to(self, up: Cordwood) -> None:
        with socket(up) as tail:
            assert said(tail)["type"] == "live"
            for _ in range(20):
                tail.send("x" * 1000)
            send(up, 1)
            assert said(tail)["event"]["data"]["n"] == 1
            tail.send("x" * 10_000)
            with pytest.raises(ConnectionClosed):
                tail.recv(10)


class TestBoundaries:
    @pytest.fixture
    def keyed(self, tmp_path: Path) -> Iterator[Cordwood]:
        keys = f"acme:{ACME},other:{OTHER}"
        with Cordwood("up", tmp_path / "data", tenancy_api_keys=keys) as running:
            yield running

    def test_a_tenant_is_told_nothing_of_another(self, keyed: Cordwood) -> None:
        acme, other = {"x-api-key": ACME}, {"x-api-key": OTHER}
        send(keyed, 1, headers=acme)
        send(keyed, 2, headers=other)
        with SseTail(keyed, headers=acme) as ours, SseTail(keyed, headers=other) as theirs:
            send(keyed, 3, headers=acme)
            send(keyed, 4, headers=other)
            send(keyed, 5, headers=acme)
            ours.wait_for([1, 3, 5])
            theirs.wait_for([2, 4])
        with SseTail(keyed, headers=other, after=0) as theirs:
            theirs.wait_for([2, 4])

    def test_nobody_watches_without_a_key(self, keyed: Cordwood) -> None:
        assert keyed.get("/api/v1/tail")[0] == 401
        with pytest.raises(InvalidStatus) as refused:
            socket(keyed)
        assert refused.value.response.status_code == 401

    def test_a_key_without_the_scope_watches_nothing(self, keyed: Cordwood) -> None:
        made = keyed.run("keys", "create", "--tenant", "acme", "--scope", "ingest")
        assert made.returncode == 0, made.stderr
        key = made.stdout.strip()
        wait_until(lambda: keyed.get("/api/v1/tail", **{"x-api-key": key})[0] == 403, 10)

    def test_a_key_that_is_revoked_is_told_nothing_more(self, keyed: Cordwood) -> None:
        made = keyed.run("keys", "create", "--tenant", "acme", "--scope", "query")
        assert made.returncode == 0, made.stderr
        key = made.stdout.strip()
        wait_until(lambda: keyed.get("/api/v1/query/count", **{"x-api-key": key})[0] == 200, 10)
        with SseTail(keyed, headers={"x-api-key": key}) as tail:
            revoked = keyed.run("keys", "revoke", key.split("_")[1])
            assert revoked.returncode == 0, revoked.stderr
            wait_until(lambda: keyed.get("/api/v1/query/count", **{"x-api-key": key})[0] == 401, 10)
            send(keyed, 1, headers={"x-api-key": ACME})
            wait_until(lambda: tail.is_over, 10)
            assert tail.numbers == []

    def test_a_page_of_another_origin_opens_no_websocket(self, up: Cordwood) -> None:
        with pytest.raises(InvalidStatus) as refused:
            socket(up, origin="http://evil.example")
        assert refused.value.response.status_code == 403
        with socket(up, origin=up.url) as tail:
            assert said(tail)["type"] == "live"


def test_without_redis_everything_is_stored_and_readers_hear_of_it(
    tmp_path: Path, service_urls: dict[str, str], victim_redis: Redis
) -> None:
    with ExitStack() as stack:
        platform = services(stack, tmp_path, {**service_urls, "cache_url": victim_redis.url})
        with SseTail(platform.queries[0], history=0) as tail:
            send(platform.ingest, 1)
            tail.wait_for([1])
            victim_redis.kill()
            wait_until(lambda: tail.missed == [None], 20, "the reader to be told")
            for n in range(2, 30):
                send(platform.ingest, n)  # as it waits until they are stored: writers are unharmed
            assert platform.queries[1].get("/api/v1/tail")[0] == 503
            victim_redis.start()
            wait_until(lambda: len(tail.missed) >= 2, 20, "the reader to be told how far it goes")

            def is_told() -> bool:
                send(platform.ingest, 100)
                return 100 in tail.numbers

            wait_until(is_told, 20, "the tail to go on")
            assert platform.queries[1].count() >= 30
