"""`GET /api/v1/histogram`, asked of the real server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.processes import Cordwood

PATH = "/api/v1/histogram"
EVENTS = [
    {"time": f"2026-01-01T00:{minute:02}:30Z", "level": level, "service": "pay", "n": minute}
    for minute, level in enumerate(["info", "error", "info", "warn", "error", "info"])
] + [{"time": "2026-01-01T00:00:40Z", "n": 9}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("histogram") / "data") as running:
        put(running, EVENTS)
        yield running


def put(server: Cordwood, events: list[dict[str, Any]]) -> None:
    body = "\n".join(map(json.dumps, events))
    status, answer = server.post("/api/v1/ingest?wait=stored", body.encode())
    assert status == 202, answer


def test_events_are_counted_by_span_and_value(server: Cordwood) -> None:
    told = server.json(f"{PATH}?start=2026-01-01T00:00:00Z&end=2026-01-01T00:06:00Z&span=3m&by=level")
    assert [(each["start"][11:19], each["value"], each["count"]) for each in told["counts"]] == [
        ("00:00:00", "error", 1),
        ("00:00:00", "info", 2),
        ("00:00:00", None, 1),
        ("00:03:00", "error", 1),
        ("00:03:00", "info", 1),
        ("00:03:00", "warn", 1),
    ]
    assert told["total"] == sum(each["count"] for each in told["totals"]) == 7
    assert told["span_s"] == 180
    assert told["complete"] is True


def test_without_a_span_the_range_tells_one(server: Cordwood) -> None:
    told = server.json(f"{PATH}?start=2026-01-01T00:00:00Z&end=2026-01-01T02:00:00Z&query=level:error")
    assert (told["span_s"], told["by"], told["total"]) == (60, None, 2)


def test_an_answer_is_kept_until_something_is_written(server: Cordwood) -> None:
    path = f"{PATH}?start=2026-03-01&end=2026-03-02&by=service"
    assert server.json(path)["cached"] is False
    assert server.json(path)["cached"] is True
    assert server.json(path.replace("service", "level"))["cached"] is False
    put(server, [{"time": "2026-03-01T10:00:00Z", "service": "new"}])
    told = server.json(path)
    assert (told["cached"], told["totals"]) == (False, [{"value": "new", "count": 1}])


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ("span=0s", "span"),
        ("span=fast", "span"),
        ("span=367d", "span"),
        ("by=host", "host"),
        ("limit=3", "limit"),
        ("by=level&by=level", "by"),
        ("start=2026-01-02&end=2026-01-01", "start"),
    ],
)
def test_what_cannot_be_answered_is_named(server: Cordwood, parameters: str, named: str) -> None:
    status, body = server.get(f"{PATH}?{parameters}")
    assert status == 400
    assert named in json.loads(body)["detail"]


def test_more_counts_than_an_answer_takes_are_refused(server: Cordwood) -> None:
    begin = 1_769_904_000_000_000  # 2026-02-01
    put(server, [{"time": begin + n * 1000, "m": 1} for n in range(50_001)])
    status, body = server.get(f"{PATH}?query=m:1&span=1ms")
    assert status == 400
    assert "50,000" in json.loads(body)["detail"]
    assert server.json(f"{PATH}?query=m:1&span=1m")["total"] == 50_001


def test_a_moment_in_the_first_span_of_all_has_a_beginning(server: Cordwood) -> None:
    put(server, [{"time": "0001-01-01T00:00:00Z", "first": 1}])
    assert server.json(f"{PATH}?query=first:1&span=7d")["counts"] == [
        {"start": "0001-01-01T00:00:00.000000Z", "value": None, "count": 1}
    ]
