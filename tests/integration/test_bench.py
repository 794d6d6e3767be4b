"""The load generator counts what it sends. How fast anything is, no test says."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench import bare_copy, data
from bench.endless import Endless
from bench.goals import GOALS
from bench.soak import growth
from bench.suite import record
from bench.target import Target, await_count

from cordwood.model.event import parse_timestamp
from tests.support.processes import Cordwood

BASE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rising(Target):
    """Holds a thousand events for each second since it was first asked."""

    moments: list[float] = field(default_factory=list)

    def count(self) -> int:
        self.moments.append(time.monotonic())
        return int((self.moments[-1] - self.moments[0]) * 1000)


def bench(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def run_alone(out: Path, command: str, *arguments: object) -> dict[str, Any]:
    """What `bench query`, `people`, `soak` or `scale` records."""
    done = bench(command, *arguments, "--out", out)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads((out / "results.json").read_text())["embedded"][command]
    assert figures["missing"] == 0
    assert f"## embedded: {command}" in (out / "RESULTS.md").read_text()
    return figures


def test_the_same_arguments_give_the_same_events_of_four_shapes():
    first, again = (b"".join(data.generate(25_000, BASE)) for _ in range(2))
    assert first == again
    events = [json.loads(line) for line in first.splitlines()]
    assert len(events) == 25_000
    assert len({tuple(event) for event in events}) == 4
    assert 230 < len(first) / len(events) < 290


def test_waiting_for_events_asks_for_their_count_a_few_times_only():
    # Counting costs the system that is measured: with the pause of 50 ms that a first answer gets it would be 20 times.
    rising = Rising("http://127.0.0.1", "/")
    assert await_count(rising, 1000, timeout_s=10.0) >= 1000
    assert len(rising.moments) <= 12


def test_ingest_counts_what_became_queryable(tmp_path):
    report = tmp_path / "report.json"
    with Cordwood("up", tmp_path / "data") as server:
        assert server.process is not None
        watched = ["--pid", server.process.pid, "--data-dir", tmp_path / "data"]
        done = bench("ingest", "--url", server.url, "--events", "2e3", "--batch", 300, *watched, "--json", report)
        assert done.returncode == 0, done.stderr
        assert server.count() == 2000
    (figures,) = json.loads(report.read_text()).values()
    assert (figures["queryable"], figures["missing"]) == (2000, 0)
    assert figures["server_cpu_us_per_event"] > 0
    assert figures["peak_memory_bytes"] > 1e6
    assert figures["disk_bytes_per_event"] > 0


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_ingest_can_compress(tmp_path, encoding):
    with Cordwood("up", tmp_path / "data") as server:
        done = bench("ingest", "--url", server.url, "--events", 2000, "--encoding", encoding)
        assert done.returncode == 0, done.stderr
        assert server.count() == 2000


def test_single_and_visible_find_every_event_they_sent(tmp_path):
    with Cordwood("up", tmp_path / "data") as server:
        done = bench("single", "--url", server.url, "--connections", 4, "--seconds", 0.2)
        assert done.returncode == 0, done.stderr
        done = bench("single", "--url", server.url, "--connections", 4, "--seconds", 0.2, "--runs", 1)
        assert done.returncode == 0, done.stderr
        assert "share of constant" in done.stdout
        done = bench("visible", "--url", server.url, "--samples", 3)
        assert done.returncode == 0, done.stderr


def test_a_server_that_is_away_is_said_so():
    done = bench("ingest", "--url", "http://127.0.0.1:1", "--events", 10)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_the_bare_copy_writes_the_rows_that_the_platform_would(tmp_path, postgres_url):
    with Cordwood("up", tmp_path / "data", store_url=postgres_url) as server:
        assert bench("ingest", "--url", server.url, "--events", 400).returncode == 0
    bare_copy.measure(postgres_url, 400, connections=2)
    query = "SELECT data, ts, level, service FROM logs WHERE tenant = %s ORDER BY ts, data"
    with psycopg.connect(postgres_url) as connection:
        ours = connection.execute(query, ["default"]).fetchall()
        bare = connection.execute(query, [bare_copy.TENANT]).fetchall()
    assert len(bare) == 400
    assert bare == ours


def test_events_without_end_are_the_same_ones_later():
    endless = Endless(24_000, 4_000, block=8_000)
    events = [json.loads(line) for body in endless.bodies(0, 24_000) for line in bytes(body).splitlines()]
    stamps = [
        next(event[name] for name in ("timestamp", "@timestamp", "ts", "time") if name in event) for event in events
    ]
    times_us = [parse_timestamp(str(stamp)) for stamp in stamps]
    assert times_us == [endless.moment_ms(number) * 1000 for number in range(24_000)]
    assert len({tuple(event) for event in events}) == 4
    assert [event.get("trace_id") for event in events[:8_000]] == [
        event.get("trace_id") for event in events[8_000:16_000]
    ]
    (later,) = endless.bodies(12_000, 4_000)
    assert [json.loads(line) for line in bytes(later).splitlines()] == events[12_000:16_000]


def test_memory_that_grows_is_told_from_memory_that_fills_once():
    filling = [(sent, 100_000_000 + min(sent, 10) * 5_000_000) for sent in range(100)]
    assert growth(filling, 100)["memory_growth_percent"] == pytest.approx(0)
    growing = [(sent, 100_000_000 + sent * 1_000_000) for sent in range(100)]
    found = growth(growing, 100)
    assert found["memory_growth_bytes_per_event"] == pytest.approx(1_000_000)
    assert 40 < found["memory_growth_percent"] < 60
    # What comes after the last event is no growth.
    assert growth([*filling, (100, 900_000_000)], 100)["memory_growth_percent"] == pytest.approx(0)
    assert "memory_growth_percent" not in growth([(0, 1)], 100)


def test_what_was_measured_alone_stands_beside_the_rest_and_its_goals_only_when_large_enough(tmp_path):
    (tmp_path / "results.json").write_text(
        json.dumps(
            {
                "measured_at": "then",
                "machine": {"processor": "p", "memory": "m", "system": "s", "python": "3"},
                "embedded": {"idle": {"up_memory_bytes": 100e6}},
            }
        )
    )
    record(tmp_path, "embedded", "query", {"events": 1_000, "newest_100_p50_ms": 5.0})
    page = (tmp_path / "RESULTS.md").read_text()
    assert "embedded: idle memory" in page
    assert "## embedded: query" in page
    assert "| 10 M events: newest 100, ms" not in page
    record(tmp_path, "embedded", "query", {"events": 10_000_000, "newest_100_p50_ms": 5.0, "trace_id_p50_ms": 7.0})
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| 10 M events: newest 100, ms | < 10 | 5 | met |" in page
    assert "| 10 M events: a trace id, ms | < 6 | 7 | **not met** |" in page


def test_query_asks_every_question_of_its_goals(tmp_path):
    figures = run_alone(tmp_path, "query", "--events", 60_000, "--runs", 2)
    assert figures["events"] == 60_000
    for goal in GOALS:
        if goal.part == "query":
            assert figures[goal.figure] > 0, goal.text
    assert all(figures[name] <= figures[name.replace("p50", "p95")] for name in figures if "p50" in name)


def test_soak_watches_memory(tmp_path):
    figures = run_alone(tmp_path, "soak", "--events", 40_000, "--batch", 4_000, "--every", 0.05, "--rate", 20_000)
    assert figures["samples"] > 3
    assert figures["peak_memory_bytes"] > 1e6
    assert "memory_growth_percent" in figures


def test_scale_compares_each_step_with_the_first(tmp_path):
    figures = run_alone(tmp_path, "scale", "--events", 40_000, "--step", 16_000, "--first", 8_000, "--batch", 4_000)
    # 8,000 to 16,000, to 32,000, to 40,000.
    assert len(figures["events_per_s_by_step"].split(" · ")) == 3
    for goal in GOALS:
        if goal.part == "scale":
            assert figures[goal.figure] > 0, goal.text


def test_people_ask_while_events_come_in(tmp_path):
    arguments = ["--events", 60_000, "--people", 5, "--pause", 0.05, "--seconds", 1, "--rate", 20_000]
    figures = run_alone(tmp_path, "people", *arguments)
    assert figures["errors"] == 0
    assert min(figures["idle_questions"], figures["busy_questions"]) > 5
    assert figures["rate_share"] > 0.1


def test_tracing_is_compared_with_none(tmp_path):
    figures = run_alone(tmp_path, "tracing", "--events", 4_000, "--runs", 1, "--seconds", 0.3)
    assert figures["spans"] == figures["off_again_spans"] == 0
    assert figures["every_spans"] > 0
    assert min(figures["off_again_ingest_events_per_s_ratio"], figures["every_single_cpu_us_ratio"]) > 0
