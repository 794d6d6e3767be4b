"""Retention and deletion from outside: by the worker, by HTTP, by the command line; partitions are dropped."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cordwood.clock import SystemClock
from cordwood.model.ledger import DAY_US, judge
from cordwood.model.retention import Retention
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import load
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

TODAY = time.time_ns() // 1000 // DAY_US
KEY = "a" * 20


def at_noon(days_ago: int) -> int:
    """Milliseconds."""
    return ((TODAY - days_ago) * DAY_US + DAY_US // 2) // 1000


def partitions(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'logs'::regclass"
        )
        return {row[0] for row in rows}


async def test_a_partition_goes_when_all_of_its_tenants_are_done_with_it(postgres_url: str) -> None:
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=6)) as store:
        await store.migrate()
        await store.write([load([{"timestamp": at_noon(day), "n": day} for day in range(6)])])
    before = partitions(postgres_url)
    async with PostgresStore(postgres_url, StoreSettings(retention_days=2)) as store:
        assert await store.expire(Retention(2)) == 3
        await store.tend()
        after = partitions(postgres_url)
        assert len(before - after) == 3
        assert after < before, "what was dropped is not made again"
        accounts = await store.accounts(None, is_counted=True)
        assert not [each for each in judge(accounts, SystemClock().now_us()) if each.is_fault]
        assert sum(holding.expired for holding in accounts.holdings) == 3


@pytest.fixture(params=["embedded", "services"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cordwood]:
    settings = {"store_retention_days": "3", "tenancy_api_keys": KEY, "worker_tend_interval_s": "0.2"}
    if request.param == "services":
        settings["store_url"] = request.getfixturevalue("postgres_url")
    with Cordwood("up", tmp_path / "data", **settings) as up:
        for day in (0, 1, 2, 30):
            body = b"\n".join(b'{"timestamp":%d,"n":%d}' % (at_noon(day), n) for n in range(10))
            status, answer = up.post("/api/v1/ingest?wait=stored", body, Authorization=f"Bearer {KEY}")
            assert (status, json.loads(answer)["stored"]) == (202, True)
        yield up


def count(server: Cordwood) -> int:
    status, body = server.get("/api/v1/query/count", Authorization=f"Bearer {KEY}")
    assert status == 200
    return int(json.loads(body)["count"])


def restarted(server: Cordwood) -> None:
    """The first round of expiry comes with the start."""
    assert server.stop() == 0
    server.start()


def test_the_worker_expires_and_people_delete(server: Cordwood) -> None:
    assert count(server) in (30, 40)
    restarted(server)
    wait_until(lambda: count(server) == 30, 20, "old events to expire")

    def delete(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cordwood", "delete", *arguments],
            env={**os.environ, "CORDWOOD_URL": server.url, "CORDWOOD_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    assert delete().returncode == 1, "nothing narrows it down"
    assert delete("--filter", "n:7", "--dry-run").stdout == "3 events would be removed\n"
    asked = delete("--filter", "n:7")
    assert (asked.returncode, count(server)) == (2, 30)
    assert "--yes" in asked.stderr
    assert delete("--filter", "n:7", "--yes").stdout == "3 events were removed\n"
    assert count(server) == 27
    assert delete("n:8", "--start", "-36h", "--yes").returncode == 0
    every = delete("*", "--yes")
    assert (every.returncode, "would remove every event" in every.stderr) == (1, True)
    assert count(server) == 25
    assert delete("--all", "--yes").returncode == 0
    assert count(server) == 0
    status, body = server.get("/api/v1/ledger?count=true", Authorization=f"Bearer {KEY}")
    assert (status, json.loads(body)["is_balanced"]) == (200, True)
    audit = subprocess.run(
        [sys.executable, "-m", "cordwood", "audit"],
        env=server.full_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_deleting_needs_the_right_to(server: Cordwood) -> None:
    status, _ = server.post("/api/v1/delete", b'{"all":true}', **{"Content-Type": "application/json"})
    assert status == 401
    status, _ = server.post("/api/v1/delete", b'{"all":true}', Authorization=f"Bearer {KEY}")
    assert status == 415
