"""Several queues before one store: groups of api and worker processes side by side, and one ledger."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cordwood.clock import SystemClock
from cordwood.store.interface import Store
from tests.interface.test_store import opened
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

MINUTE_US = 60_000_000


def numbered(first: int, count: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % n for n in range(first, first + count))


def audit(process: Cordwood) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "cordwood", "audit", "--json"],
        env=process.full_environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("keep", ["rows", "segments"])
def test_two_queues_lead_to_one_store_and_one_ledger(
    tmp_path: Path, postgres_url: str, amqp_url: str, queue_name: str, keep: str
) -> None:
    data = tmp_path / "data"
    settings = {"broker_url": amqp_url, "store_url": postgres_url, "store_keep": keep, "ingest_heartbeat_s": "0.2"}
    first, second = ({**settings, "broker_queue": f"{queue_name}.{name}"} for name in ("one", "two"))
    assert Cordwood("migrate", data, **settings).run().returncode == 0
    with ExitStack() as stack:
        query = stack.enter_context(Cordwood("query", data, **settings))
        apis = [stack.enter_context(Cordwood("api", data, **each)) for each in (first, second)]
        worker = stack.enter_context(Cordwood("worker", data, **second))
        key = {"Idempotency-Key": "sent through both"}
        for number, api in enumerate(apis):
            assert api.post("/api/v1/ingest", numbered(number * 100, 100))[0] == 202
            assert api.post("/api/v1/ingest", numbered(200, 10), **key)[0] == 202
        wait_until(lambda: query.count() == 110, 20, "what went through the second queue to be stored")
        assert not [each for each in audit(worker)["findings"] if each["kind"] not in ("in_flight", "unverified")]
        stack.enter_context(Cordwood("worker", data, **first))
        wait_until(lambda: query.count() == 210, 20, "what waited in the first queue to be stored")
        for api in apis:
            api.stop()
        wait_until(lambda: not audit(worker)["findings"], 20, "the ledger to have nothing open")
        (account,) = audit(worker)["accounts"]["tenants"]
        assert (account["accepted"], account["stored"], account["deduplicated"]) == (220, 210, 10)
        assert sorted(event["data"]["n"] for event in query.events()) == list(range(210))


async def test_a_queue_without_workers_is_not_drained_by_those_of_another(postgres_url: str, tmp_path: Path) -> None:
    clock = SystemClock()
    async with opened("postgres", postgres_url) as store:
        before, gone, other, successor = (clock.batch_id() for _ in range(4))
        await store.report(before, "", is_drained=False)
        await store.report(gone, "one", is_drained=True)
        assert await drained_us(store) is None, "a worker of an earlier release is there, and has not told"
        an_hour_passes(postgres_url)
        await store.report(other, "two", is_drained=True)
        found = await drained_us(store)
        assert found is not None
        assert found < clock.now_us() - 59 * MINUTE_US, "queue one was last seen empty an hour ago"
        await store.report(successor, "one", is_drained=False)
        assert await drained_us(store) is None, "its new worker has found batches"
        await store.report(successor, "one", is_drained=True)
        found = await drained_us(store)
        assert found is not None
        assert found > clock.now_us() - MINUTE_US, "both are empty"


async def drained_us(store: Store) -> int | None:
    return (await store.accounts(None, is_counted=False)).drained_us


def an_hour_passes(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "UPDATE workers SET seen_at = seen_at - interval '1h', drained_at = drained_at - interval '1h'"
        )
