"""From a request to an answer, in both set-ups, as processes."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from cordwood.model.zstd import compress
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


class Platform:
    """One set-up: where to send, where to ask."""

    def __init__(self, ingest: Cordwood, query: Cordwood, processes: dict[str, Cordwood]) -> None:
        self.ingest = ingest
        self.query = query
        self.processes = processes

    def send(self, body: bytes, path: str = "/api/v1/ingest?wait=stored", **headers: str) -> dict[str, object]:
        status, answer = self.ingest.post(path, body, **headers)
        assert status == 202, answer
        return dict(json.loads(answer))


@pytest.fixture(params=["embedded", "services"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    data = tmp_path / "data"
    with ExitStack() as stack:
        if request.param == "embedded":
            up = stack.enter_context(Cordwood("up", data))
            yield Platform(up, up, {"up": up})
            return
        urls = {
            "broker_url": request.getfixturevalue("amqp_url"),
            "broker_queue": request.getfixturevalue("queue_name"),
            "store_url": request.getfixturevalue("postgres_url"),
            "cache_url": request.getfixturevalue("redis_url"),
        }
        migrated = Cordwood("migrate", data, **urls).run()
        assert migrated.returncode == 0, migrated.stderr
        processes = {name: Cordwood(name, data, **urls).start(wait=False) for name in ("api", "worker", "query")}
        for process in processes.values():
            stack.push(process.__exit__)
            wait_until(process.is_ready, 20, "the services to be ready")
        yield Platform(processes["api"], processes["query"], processes)


def test_the_seed_scenario(platform: Platform, request: pytest.FixtureRequest) -> None:
    body = b'{"level":"info","message":"testing the platform"}'
    answer = platform.send(body, "/log?wait=stored", **{"Content-Type": "application/json"})
    assert (answer["accepted"], answer["rejected"], answer["errors"]) == (1, 0, [])
    (event,) = platform.query.json("/api/v1/query")["events"]
    assert event["data"] == json.loads(body)
    assert event["level"] == "info"
    assert event["id"] in str(answer["receipt"])
    assert platform.query.json(f"/api/v1/events/{event['id']}") == event
    if "services" in request.node.name:
        with psycopg.connect(request.getfixturevalue("postgres_url")) as connection:
            ((row_id, data, inserted_at),) = connection.execute("SELECT id, data, inserted_at FROM logs").fetchall()
        assert (row_id, data) == (UUID(event["id"]), json.loads(body))
        assert inserted_at is not None


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", compress)],
)
def test_every_shape_and_encoding_is_taken(platform: Platform, encoding: str, encode: object) -> None:
    shapes = [
        b'{"n":1}',
        b'[{"n":2},\n {"n":3}]',
        b'{"n":4}\r\n\r\n{"n":5}\n{"n":6}',
        b'\xef\xbb\xbf  {\n  "n": 7\n}\n',
    ]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if encoding:
        headers["Content-Encoding"] = encoding
    assert callable(encode)
    taken = [platform.send(encode(shape), **headers)["accepted"] for shape in shapes]
    assert taken == [1, 2, 3, 1]
    assert sorted(event["data"]["n"] for event in platform.query.events()) == [1, 2, 3, 4, 5, 6, 7]


def test_filters_pages_and_the_cache_tell_the_truth(platform: Platform) -> None:
    lines = [{"n": n, "level": "error" if n % 3 else "info", "ts": 1795435200 + n} for n in range(30)]
    platform.send(b"\n".join(json.dumps(line).encode() for line in lines))
    question = "/api/v1/query?filter=level:error&limit=7"
    first, again = platform.query.json(question), platform.query.json(question)
    assert (first["cached"], again["cached"]) == (False, True)
    assert first["events"] == again["events"]
    found, page = list(first["events"]), first
    while page["next"]:
        page = platform.query.json(f"{question}&cursor={page['next']}")
        found += page["events"]
    expected = [line["n"] for line in reversed(lines) if line["level"] == "error"]
    assert [event["data"]["n"] for event in found] == expected
    platform.send(b'{"n":99,"level":"error","ts":1795435999}')
    fresh = platform.query.json(question)
    assert (fresh["cached"], fresh["events"][0]["data"]["n"]) == (False, 99)
    assert platform.query.json("/api/v1/query/count?filter=level:error")["count"] == 21
    within = platform.query.json("/api/v1/query?start=1795435205&end=2026-11-23T12:00:08Z")
    assert [event["data"]["n"] for event in within["events"]] == [7, 6, 5]


def test_a_large_request_is_split_and_nothing_is_lost(platform: Platform) -> None:
    events = 30_000
    body = b"".join(b'{"n":%d,"padding":"%s"}\n' % (n, b"x" * 200) for n in range(events))
    answer = platform.send(body)
    assert answer["accepted"] == events
    assert str(answer["receipt"]).count(".") > 1
    assert {event["data"]["n"] for event in platform.query.events()} == set(range(events))
    assert platform.query.count() == events


def test_metrics_tell_each_hop(platform: Platform) -> None:
    platform.send(b'{"n":1}\n{"n":2}')
    platform.query.json("/api/v1/query")
    told = "".join(process.get("/metrics")[1].decode() for process in platform.processes.values())
    for metric in (
        "cordwood_http_requests_total{",
        'cordwood_ingest_events_total{outcome="accepted",protocol="json"} 2.0',
        "cordwood_ingest_bytes_total",
        "cordwood_broker_confirm_seconds_count",
        "cordwood_broker_backlog_batches",
        "cordwood_broker_backlog_age_seconds",
        "cordwood_batch_events_bucket",
        "cordwood_store_commit_seconds_count",
        'cordwood_store_events_total{outcome="stored"} 2.0',
        "cordwood_accept_to_visible_seconds_count",
    ):
        assert metric in told, metric


def test_ctrl_c_stops_cleanly_and_a_second_start_goes_on(platform: Platform) -> None:
    for n in range(20):
        platform.send(b'{"n":%d}' % n, "/log")
    for process in platform.processes.values():
        assert process.stop() == 0, process.log()
    for process in platform.processes.values():
        process.start()
    wait_until(lambda: platform.query.count() == 20, 10, "all events to be there after the restart")
    platform.send(b'{"n":20}')
    assert sorted(event["data"]["n"] for event in platform.query.events()) == list(range(21))
