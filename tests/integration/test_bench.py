"""The load generator counts what it sends. How fast anything is, no test says."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from bench import bare_copy, data
from bench.target import Target, await_count

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
        timeout=60,
    )


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
