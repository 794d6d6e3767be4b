"""`bench cluster` counts what it sends, and bounds what it says it bounds. How fast anything is, no test says."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from bench import asking, growing, proc
from bench.scaled import platform
from bench.share import shares

from tests.chaos.set_up import SetUp
from tests.support.cluster import Cluster
from tests.support.servers import Postgres, RabbitMQ, Redis


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[SetUp]:
    """As the benchmark has them, with a cluster of one node."""
    with SetUp(tmp_path, random.Random(1)) as made:
        made.serve(postgres=Postgres(), rabbitmq=RabbitMQ(), redis=Redis())
        node = cast("RabbitMQ", made.servers["rabbitmq"])
        made.cluster = cast("Cluster", SimpleNamespace(url=node.url, nodes={"one": node}))
        yield made


def numbers(series: str) -> list[float]:
    return [float(each.replace(",", "")) for each in series.split(" · ")]


def test_growth_is_measured_worker_by_worker(servers: SetUp, tmp_path: Path) -> None:
    with platform(servers, "segments", tmp_path) as running:
        load = growing.GrowingLoad(20_000, batch=4_000, look_s=0.2)
        found: dict[str, Any] = growing.measure(running, load, None)
        asked = asking.measure(running, asking.AskingLoad(growing.newest_ms(), seconds=0.5, clients=2), None)
        # A warm-up, one at full speed, and one each for four workers, three, two and one.
        assert running.target.count() == 6 * 20_000
    assert len(numbers(found["events_per_s_by_workers"])) == 4
    assert numbers(found["share_of_linear_by_workers"])[0] == 1
    assert found["segment_bytes_per_event"] > 10
    assert 20 < found["queue_bytes_per_event"] < 100
    assert found["worker_cpu_us_per_event"] > 0
    assert asked["question_errors"] == 0, asked
    assert len(numbers(asked["questions_per_s_by_processes"])) == 2


def test_a_share_of_a_core_is_all_that_a_process_gets() -> None:
    with shares() as bound, subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            if bound is None:
                pytest.skip("this user, or this system, has no control groups of the CPU to give")
            bound.bind(busy.pid, 0.1)
            before, began = proc.cpu_s([busy.pid]), time.monotonic()
            while time.monotonic() - began < 1.0:
                busy.poll()
            used = proc.cpu_s([busy.pid]) - before
            assert used < 0.3 * (time.monotonic() - began)
        finally:
            busy.kill()
