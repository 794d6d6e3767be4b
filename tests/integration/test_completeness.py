"""Every answer says how complete it is."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cordwood.model.event import format_timestamp
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

QUESTIONS = {
    "events": "/api/v1/query?limit=1",
    "rows": "/api/v1/query?query=" + quote("| stats count()"),
    "patterns": "/api/v1/query?query=" + quote("| patterns"),
    "count": "/api/v1/query/count",
    "cost": "/api/v1/query/cost",
    "histogram": "/api/v1/histogram?span=1h",
    "facets": "/api/v1/facets",
    "fields": "/api/v1/fields",
}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """A server whose worker stores one batch, and then waits for others for an hour."""
    data = tmp_path_factory.mktemp("slow") / "data"
    with Cordwood("up", data, worker_pace_s="3600", worker_writers="1") as running:
        status, _ = running.post("/api/v1/ingest?wait=stored", b'{"message":"stored"}')
        assert status == 202
        wait_until(lambda: in_flight(running) == 0, 10, "the batch to be acknowledged")
        yield running


def in_flight(server: Cordwood) -> int | None:
    told: int | None = server.json(QUESTIONS["count"])["in_flight"]
    return told


def now() -> str:
    return format_timestamp(time.time_ns() // 1000)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_tells_up_to_when_everything_is_in_it(slow: Cordwood, question: str) -> None:
    before = now()
    answer = slow.json(QUESTIONS[question])
    assert (answer["complete"], answer["in_flight"]) == (True, 0)
    assert before <= answer["watermark"] <= now()
    if question != "cost":
        assert answer["exact"] is True


def test_a_kept_answer_has_the_watermark_of_now(slow: Cordwood) -> None:
    for question in ("events", "rows", "histogram", "facets"):
        slow.json(QUESTIONS[question])
        between = now()
        again = slow.json(QUESTIONS[question])
        assert again["cached"], question
        assert again["watermark"] >= between, question


def test_a_sample_is_not_exact(slow: Cordwood) -> None:
    assert slow.json("/api/v1/query?query=" + quote("| sample 1/2 | stats count()"))["exact"] is False


def test_what_is_accepted_and_not_stored_is_counted_and_holds_the_watermark_back(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", worker_pace_s="3600", worker_writers="1") as server:
        assert server.post("/api/v1/ingest?wait=stored", b'{"message":"stored"}')[0] == 202
        wait_until(lambda: in_flight(server) == 0, 10, "the batch to be acknowledged")
        before = now()
        assert server.post("/api/v1/ingest", b'{"message":"waits"}\n{"message":"waits"}')[0] == 202
        after = now()
        for question in QUESTIONS.values():
            answer: dict[str, Any] = server.json(question)
            assert answer["in_flight"] == 2, question
            assert before <= answer["watermark"] <= after, question
        request = urllib.request.Request(server.url + "/api/v1/query", headers={"accept": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=60) as stream:
            assert stream.headers["cordwood-in-flight"] == "2"
            assert before <= stream.headers["cordwood-watermark"] <= after


def test_a_service_that_runs_apart_says_that_it_does_not_know(tmp_path: Path, postgres_url: str) -> None:
    with (
        Cordwood("up", tmp_path / "data", store_url=postgres_url) as server,
        Cordwood("query", tmp_path / "query", store_url=postgres_url) as apart,
    ):
        assert server.post("/api/v1/ingest?wait=stored", b'{"message":"stored"}')[0] == 202
        answer = apart.json(QUESTIONS["events"])
        assert len(answer["events"]) == 1
        assert (answer["watermark"], answer["in_flight"], answer["complete"]) == (None, None, True)
        assert json.loads(server.get(QUESTIONS["events"])[1])["watermark"] is not None


def test_the_same_question_a_moment_later_reads_only_what_is_new(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", cache_slice_min_events="0") as server:
        hour_s = int(time.time()) // 3600 * 3600
        events = [{"timestamp": hour_s - 3600 * n, "level": "error"} for n in range(8)]
        assert server.post("/api/v1/ingest?wait=stored", json.dumps(events).encode())[0] == 202
        start, end = hour_s - 8 * 3600 + 60, hour_s + 60
        for path in (
            "query?query=" + quote("| stats count() as n"),
            "histogram?span=10m",
            "query/count?query=level:error",
        ):
            answers = [server.json(f"/api/v1/{path}&start={start + moved}&end={end + moved}") for moved in (0, 1)]
            assert not any(answer.get("cached") for answer in answers)
            if "count?" in path:
                assert [answer["count"] for answer in answers] == [8, 8]
                continue
            assert [answer["slices"] for answer in answers] == [{"kept": 0, "asked": 9}, {"kept": 7, "asked": 2}]
            found = [answer.get("total") or answer["rows"][0]["n"] for answer in answers]
            assert found == [8, 8], path
