"""What a worker tells of what it has stored: over a real queue and store, and tails that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.model.batch import Batch, event_id
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.query.matching import matched, stored_events, stored_lines
from cordwood.store.interface import Store
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from cordwood.tail.interface import Missed, News, Stored, Tail
from cordwood.tail.memory import MemoryTail
from cordwood.worker.announcer import Announcer
from cordwood.worker.loop import Loop
from cordwood.worker.settings import WorkerSettings
from tests.support.builders import batch
from tests.support.waiting import eventually

ROOM = 1 << 20
LONE_SURROGATE = b'{"n":"\\ud800"}'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with SegmentStore(tmp_path / "store", StoreSettings(), is_writer=True) as opened:
        await opened.migrate()
        yield opened


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[SqliteBroker]:
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings()) as opened:
        yield opened


@asynccontextmanager
async def working(broker: SqliteBroker, store: Store, tail: Tail, room: int = ROOM) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with Announcer(tail, room) as announcer:
        loop = Loop(broker, store, SystemClock(), WorkerSettings(drain_timeout_s=2), announcer)
        task = asyncio.create_task(loop.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def settled(broker: SqliteBroker) -> None:
    async def is_empty() -> bool:
        return (await broker.backlog()).batches == 0

    await eventually(is_empty, 20, "the queue to be empty")


async def heard(news: AsyncIterator[News], count: int) -> list[News]:
    async with asyncio.timeout(20):
        return [await anext(news) for _ in range(count)]


async def test_it_tells_what_is_stored_and_neither_duplicates_nor_dead_letters(
    broker: SqliteBroker, store: Store
) -> None:
    poisoned = batch([{"n": 0}, LONE_SURROGATE, {"n": 2}])
    last = batch([{"n": 3}])
    async with MemoryTail(ROOM) as tail, tail.subscribe(DEFAULT_TENANT) as news:
        for each in (poisoned, poisoned, Batch(batch().header, b"damaged")):
            await broker.publish(each)
        async with working(broker, store, tail):
            await settled(broker)
            await broker.publish(last)
            first, second = await heard(news, 2)
    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert (first.batch, first.dead, first.events) == (poisoned, (1,), 2)
    assert second.batch == last
    told = {line.id: line.json for each in (first, second) for line in lines_of(each)}
    assert set(told) == {event_id(poisoned.header.id, 0), event_id(poisoned.header.id, 2), event_id(last.header.id, 0)}
    stored = [event async for block in store.read(Plan(), DEFAULT_TENANT) for event in block]
    assert {event.id: event.inserted_at_us for event in stored} == {
        line.id: line.inserted_at_us for each in (first, second) for line in lines_of(each)
    }


def lines_of(stored: Stored):
    return matched(stored_events(stored, stored_lines(stored)), [None])[0]


class _Failing:
    """A tail that is away, stuck, or broken, until it is well."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.is_well = False
        self.calls = 0
        self.told: list[News] = []

    async def publish(self, news: Mapping[Tenant, Sequence[News]]) -> None:
        self.calls += 1
        if self.is_well:
            self.told += [item for items in news.values() for item in items]
        elif self._kind == "away":
            raise Unavailable("gone for a test")
        elif self._kind == "broken":
            raise ZeroDivisionError
        else:
            await asyncio.Event().wait()


@pytest.mark.parametrize("kind", ["away", "broken", "stuck"])
async def test_a_tail_that_fails_harms_no_storing_and_is_told_the_number(
    broker: SqliteBroker, store: Store, kind: str
) -> None:
    failing = _Failing(kind)
    async with working(broker, store, failing):  # type: ignore[arg-type]  # nobody subscribes
        for n in range(30):
            await broker.publish(batch([{"n": n}, {"n": n}]))
        await settled(broker)
        assert await store.count(Plan(), DEFAULT_TENANT) == 60
        assert failing.calls >= 1
        failing.is_well = True

        async def are_all_told() -> bool:
            return sum(item.events or 0 for item in failing.told) == 60

        await eventually(are_all_told, 20, "the tail to hear of all, told or missed")
        assert isinstance(failing.told[0], Missed)


async def test_what_waits_for_a_stuck_tail_is_bounded_and_counted(broker: SqliteBroker, store: Store) -> None:
    failing = _Failing("stuck")
    async with working(broker, store, failing, room=200):  # type: ignore[arg-type]
        for n in range(50):
            await broker.publish(batch([{"n": n, "x": "x"}]))
            if n == 0:
                await settled(broker)
        await settled(broker)
        failing.is_well = True

        async def are_all_told() -> bool:
            return sum(item.events or 0 for item in failing.told) == 50

        await eventually(are_all_told, 20, "the tail to hear of all")
    assert sum(isinstance(item, Stored) for item in failing.told) < 10
