"""The worker's loop over a real queue and every store: poison, damage, and stopping."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.model.batch import Batch
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.interface import Load, Store, Written
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from cordwood.worker.isolate import isolated
from cordwood.worker.loop import Loop
from cordwood.worker.settings import WorkerSettings
from tests.support.builders import batch, load
from tests.support.waiting import eventually

LONE_SURROGATE = b'{"n":"\\ud800"}'
"""No ingest check lets it pass: what a defect there, or another publisher, might put into the queue."""


@pytest.fixture(params=["segments", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0)
    made: Store = (
        SegmentStore(tmp_path / "store", settings, is_writer=True)
        if request.param == "segments"
        else PostgresStore(request.getfixturevalue("postgres_url"), settings)
    )
    async with made as opened:
        await opened.migrate()
        yield opened


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[SqliteBroker]:
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings()) as opened:
        yield opened


@asynccontextmanager
async def working(broker: SqliteBroker, store: Store) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(Loop(broker, store, SystemClock(), WorkerSettings(drain_timeout_s=2)).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def settled(broker: SqliteBroker) -> None:
    async def is_empty() -> bool:
        return (await broker.backlog()).batches == 0

    await eventually(is_empty, 20, "the queue to be empty")


async def stored(store: Store) -> int:
    return await store.count(Plan(), DEFAULT_TENANT)


async def test_bad_events_stand_alone_and_the_others_are_stored(
    broker: SqliteBroker, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    poisoned = batch([{"n": 0}, LONE_SURROGATE, {"n": 2}, {"n": 3}, LONE_SURROGATE])
    for each in (batch([{"n": 10}]), poisoned, batch([{"n": 11}])):
        await broker.publish(each)
    async with broker.watch(poisoned.header.id) as outcome, working(broker, store):
        await settled(broker)
        assert await stored(store) == 5
        del outcome
    if isinstance(store, PostgresStore):
        with psycopg.connect(request.getfixturevalue("postgres_url")) as connection:
            letters = connection.execute("SELECT ordinal, body, reason FROM dead_letters ORDER BY 1").fetchall()
            ((counted,),) = connection.execute("SELECT sum(dead_lettered) FROM batches").fetchall()
    else:
        import sqlite3

        catalog = sqlite3.connect(tmp_path / "store" / "catalog.sqlite")
        letters = catalog.execute("SELECT ordinal, body, reason FROM dead_letters ORDER BY 1").fetchall()
        ((counted,),) = catalog.execute("SELECT sum(dead_lettered) FROM batches").fetchall()
        catalog.close()
    assert [(ordinal, body) for ordinal, body, _ in letters] == [(1, LONE_SURROGATE), (4, LONE_SURROGATE)]
    assert all(reason for *_, reason in letters)
    assert counted == 2


async def test_a_damaged_batch_is_kept_aside_and_stops_nobody(broker: SqliteBroker, store: Store) -> None:
    good = batch([{"n": 1}])
    damaged = batch([{"n": 2}])
    await broker.publish(Batch(damaged.header, damaged.body[:-3]))
    await broker.publish(good)
    async with broker.watch(damaged.header.id) as outcome, working(broker, store):
        await settled(broker)
        assert await stored(store) == 1
        del outcome


async def test_isolating_finds_each_bad_event_among_many(store: Store) -> None:
    lines: list[bytes] = [b'{"n":%d}' % n for n in range(300)]
    for place in (0, 150, 299):
        lines[place] = LONE_SURROGATE
    mended = await isolated(store, load(lines))
    assert [letter.ordinal for letter in mended.dead] == [0, 150, 299]


class _Away:
    """A store whose writes fail until it is back. The rest is the real one's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_back = False
        self.attempts = 0

    async def write(self, loads: list[Load]) -> list[Written]:
        self.attempts += 1
        if not self.is_back:
            raise Unavailable("gone for a test")
        return list(await self._store.write(loads))

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def test_a_store_that_is_away_is_waited_for(broker: SqliteBroker, store: Store) -> None:
    away = _Away(store)
    for n in range(10):
        await broker.publish(batch([{"n": n}]))
    async with working(broker, away):  # type: ignore[arg-type]  # passes on what it does not have

        async def has_tried() -> bool:
            return away.attempts >= 2

        await eventually(has_tried, 10, "the worker to try again")
        assert (await broker.backlog()).batches == 10
        away.is_back = True
        await settled(broker)
    assert await stored(store) == 10


async def test_stopping_while_the_store_is_away_gives_everything_back(broker: SqliteBroker, store: Store) -> None:
    away = _Away(store)
    for n in range(10):
        await broker.publish(batch([{"n": n}]))
    async with working(broker, away):  # type: ignore[arg-type]  # passes on what it does not have

        async def has_tried() -> bool:
            return away.attempts >= 1

        await eventually(has_tried, 10)
    assert (await broker.backlog()).batches == 10
    async with working(broker, store):
        await settled(broker)
    assert await stored(store) == 10
