"""However events arrive, few segments are left, each event is there once, and answers are exact all the while.

CORDWOOD_TEST_ARRIVALS=10 sends ten times as much.
"""

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cordwood.clock import SystemClock
from cordwood.db.postgres import Database
from cordwood.model.ledger import DAY_US, judge
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.care import Merged
from cordwood.store.interface import Load, Store
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.compaction import Choose, Compactor
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.making import make_segment
from cordwood.store.segments.store import SegmentStore
from cordwood.store.segments.sweep import Sweeper
from cordwood.store.settings import StoreSettings
from cordwood.store.shared.folder import Folder
from cordwood.store.shared.sweep import SharedSweeper
from tests.interface.test_store import shared_store
from tests.support.builders import load

TIMES = int(os.environ.get("CORDWOOD_TEST_ARRIVALS", "1"))
NOON = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
Writes = Iterator[list[Load]]
Pattern = Callable[[int], Writes]
"""What is written, load by load, for a number of events that it is about."""

FAN_IN = 8


def tiers_of(events: int) -> int:
    """How many powers of eight there are up to it: segments of one power are left alone while there are fewer than
    eight, and whenever an event is written anew, it is in a segment of a higher one."""
    return (events.bit_length() + 2) // 3


def event(number: int, ts_us: int) -> dict[str, Any]:
    return {"ts": ts_us // 1000, "n": number, "level": ("info", "warn")[number % 2], "text": f"event {number}"}


def tiny(events: int) -> Writes:
    """One to three events a batch, and whatever number of batches a transaction."""
    chance = random.Random(1)
    number = 0
    while number < events:
        loads: list[Load] = []
        for _ in range(chance.randint(1, 100)):
            count = chance.randint(1, 3)
            loads.append(load([event(n, NOON + n * 1000) for n in range(number, number + count)]))
            number += count
        yield loads


def few_of_many(events: int) -> Writes:
    """Two transactions, each with a batch of every one of 500 tenants."""
    for turn in range(2):
        yield [
            load([event(turn, NOON + turn)] * max(1, events // 1000), tenant=Tenant(f"tenant-{number}"))
            for number in range(500)
        ]


def many_of_some(events: int) -> Writes:
    """Batches of 20 tenants by turns, one tenant a transaction more often than not."""
    chance = random.Random(2)
    for number in range(0, events, 5):
        owners = chance.sample(range(20), chance.choice([1, 1, 1, 5]))
        yield [
            load([event(n, NOON + n * 1000) for n in range(number, number + 5)], tenant=Tenant(f"tenant-{owner}"))
            for owner in owners
        ]


def late(events: int) -> Writes:
    """A batch has an event of each of many days of a year; some are of now only."""
    chance = random.Random(3)
    number = 0
    while number < events:
        if chance.random() < 0.3:
            yield [load([event(n, NOON + n * 1000) for n in range(number, number + 20)])]
            number += 20
            continue
        days = chance.sample(range(365), chance.randint(50, 365))
        yield [load([event(number + place, NOON - day * DAY_US + number) for place, day in enumerate(days)])]
        number += len(days)


def all_at_once(events: int) -> Writes:
    """Of everything some, one after the other."""
    running = [tiny(events // 3), many_of_some(events // 15), late(events // 3)]
    while running:
        for pattern in list(running):
            if (loads := next(pattern, None)) is None:
                running.remove(pattern)
            else:
                yield loads


class Sent:
    """What a store should hold, event by event."""

    def __init__(self) -> None:
        self.written: dict[Tenant, Counter[bytes]] = {}
        self.started: Counter[Tenant] = Counter()
        self.done: Counter[Tenant] = Counter()

    async def write(self, store: Store, loads: Sequence[Load]) -> None:
        brought: Counter[Tenant] = Counter()
        for each in loads:
            tenant = each.batch.header.tenant
            self.written.setdefault(tenant, Counter()).update(each.ndjson.splitlines())
            brought[tenant] += each.batch.header.events
        self.started += brought
        await store.write(loads)
        self.done += brought

    async def look(self, store: Store, tenant: Tenant) -> None:
        """Count, and read every event, and find what was written before, and nothing twice."""
        least = self.done[tenant]
        counted = await store.count(Plan(), tenant)
        assert least <= counted <= self.started[tenant]
        least = self.done[tenant]
        ids = [each.id async for block in store.read(Plan(), tenant) for each in block]
        assert least <= len(ids) <= self.started[tenant]
        assert len(set(ids)) == len(ids)


class Merges:
    """What was merged, as it is."""

    def __init__(self) -> None:
        self.all: list[Merged] = []

    @property
    def events(self) -> int:
        return sum(merged.events for merged in self.all)


@pytest.fixture
def merges(monkeypatch: pytest.MonkeyPatch) -> Merges:
    seen = Merges()
    merge_one = Compactor.merge_one

    def noted(self: Compactor, choose: Choose | None = None) -> Merged | None:
        merged = merge_one(self, choose)
        if merged is not None:
            seen.all.append(merged)
        return merged

    monkeypatch.setattr(Compactor, "merge_one", noted)
    return seen


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest, root: Path) -> AsyncIterator[Store]:
    if kind == "segments":
        async with SegmentStore(root / "segments", StoreSettings(), is_writer=True) as embedded:
            yield embedded
    else:
        async with shared_store(request.getfixturevalue("postgres_url"), root, "segments") as shared:
            await shared.migrate()
            yield shared


async def sweep_now(kind: str, request: pytest.FixtureRequest, root: Path) -> None:
    """As the worker does, once the grace is over."""
    clock = SystemClock()
    if kind == "segments":
        directory = Directory(root / "segments")
        catalog = Catalog(directory.catalog)
        Sweeper(directory, catalog, clock, grace_s=-1.0).tend()
        catalog.close()
        return
    database = Database(request.getfixturevalue("postgres_url"))
    sweeper = SharedSweeper(Folder(root / "segments", clock), database, -1.0)
    for _ in range(10):  # a thousand at a time
        await sweeper.tend()
    await database.close()


@pytest.mark.timeout(120 * TIMES)
@pytest.mark.parametrize(
    ("kind", "pattern", "events"),
    [
        ("segments", tiny, 20_000),
        ("segments", few_of_many, 1_000),
        ("segments", many_of_some, 1_000),
        ("segments", late, 10_000),
        ("segments", all_at_once, 6_000),
        ("shared", all_at_once, 2_000),
    ],
)
async def test_few_segments_are_left_and_every_event_once(
    kind: str, pattern: Pattern, events: int, request: pytest.FixtureRequest, tmp_path: Path, merges: Merges
) -> None:
    sent, is_over = Sent(), asyncio.Event()
    chance = random.Random(4)

    async def write(store: Store) -> None:
        for loads in pattern(events * TIMES):
            await sent.write(store, loads)

    async def tend(store: Store) -> None:
        while not is_over.is_set():
            await store.tend()
            await asyncio.sleep(0)

    async def look(store: Store) -> None:
        while not is_over.is_set():
            await sent.look(store, chance.choice([*sent.written, DEFAULT_TENANT]))

    async with opened(kind, request, tmp_path) as store:
        async with asyncio.TaskGroup() as group:
            group.create_task(tend(store))
            group.create_task(look(store))
            await write(store)
            is_over.set()
        async with asyncio.TaskGroup() as group:
            tending = group.create_task(store.tend())
            while not tending.done():
                await sent.look(store, chance.choice(list(sent.written)))
        assert sent.started == sent.done
        await sweep_now(kind, request, tmp_path)
        segments = 0
        for number, (tenant, lines) in enumerate(sent.written.items()):
            # Of hundreds of tenants, some are read; the audit below counts all.
            if number % (1 + len(sent.written) // 50) == 0:
                assert Counter([each.data async for block in store.read(Plan(), tenant) for each in block]) == lines
                assert await store.count(Plan(), tenant) == lines.total()
            left = (await store.coverage(Plan(), tenant)).read or 0
            assert left <= (FAN_IN - 1) * tiers_of(lines.total()), f"{left} segments of {lines.total()} events"
            segments += left
        assert len(list((tmp_path / "segments" / "segments").rglob("*.parquet"))) == segments
        accounts = await store.accounts(None, is_counted=True)
        assert [found.what for found in judge(accounts, SystemClock().now_us()) if found.is_fault] == []
    written = sum(lines.total() for lines in sent.written.values())
    most = max(tiers_of(lines.total()) for lines in sent.written.values())
    assert merges.events <= most * written, "each event is written anew once for each power of eight"


async def test_a_write_is_done_and_seen_while_a_merge_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_merging, may_go_on = threading.Event(), threading.Event()

    def held(*values: Any) -> Segment:
        made = make_segment(*values)
        is_merging.set()
        assert may_go_on.wait(60)
        return made

    monkeypatch.setattr("cordwood.store.segments.compaction.make_segment", held)
    sent = Sent()
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store:
        for number in range(FAN_IN):
            await sent.write(store, [load([event(number, NOON)])])
        tending = asyncio.create_task(store.tend())
        try:
            assert await asyncio.to_thread(is_merging.wait, 60)
            for number in range(20):
                await sent.write(store, [load([event(number, NOON)])])
                await sent.look(store, DEFAULT_TENANT)
            assert not tending.done()
        finally:
            may_go_on.set()
            await tending
        await sent.look(store, DEFAULT_TENANT)


async def test_a_reader_sees_all_of_a_merge_or_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at from another process's side in the middle of the swap, where the old segments are out already."""
    is_half_done, may_go_on = threading.Event(), threading.Event()
    insert_segment = Catalog._insert_segment

    def held(self: Catalog, *values: Any) -> None:
        if threading.current_thread().name.startswith("segment-merge"):
            is_half_done.set()
            assert may_go_on.wait(60)
        insert_segment(self, *values)

    monkeypatch.setattr(Catalog, "_insert_segment", held)
    sent = Sent()
    async with (
        SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store,
        SegmentStore(tmp_path, StoreSettings(), is_writer=False) as reader,
    ):
        for number in range(FAN_IN):
            await sent.write(store, [load([event(number, NOON)])])
        tending = asyncio.create_task(store.tend())
        try:
            assert await asyncio.to_thread(is_half_done.wait, 60)
            await sent.look(reader, DEFAULT_TENANT)
        finally:
            may_go_on.set()
            await tending
        await sent.look(reader, DEFAULT_TENANT)
        assert (await reader.coverage(Plan(), DEFAULT_TENANT)).read == 1


async def test_tenants_take_turns_and_a_merge_looks_at_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merges: Merges
) -> None:
    """Else the work of merging would grow with the square of the number of tenants, and one could keep the others
    waiting."""
    looked_at: list[int] = []
    small_segments = Catalog.small_segments

    def counted(self: Catalog, events: int, tenant: Tenant | None) -> list[Segment]:
        found = small_segments(self, events, tenant)
        looked_at.append(len(found))
        return found

    monkeypatch.setattr(Catalog, "small_segments", counted)
    tenants = [Tenant(f"tenant-{number:02}") for number in range(40)]
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store:
        for number in range(FAN_IN):
            await store.write([load([event(number, NOON)], tenant=tenant) for tenant in tenants])
            for size in (8, 64):  # the first has more to do
                await store.write([load([event(number, NOON)] * size, tenant=tenants[0])])
        await store.tend()
    owners = [merged.into.split("/")[1] for merged in merges.all if merged.into]
    assert set(owners[: len(tenants)]) == {f"tenant={tenant}" for tenant in tenants}
    assert len(owners) == len(tenants) + 2
    assert sum(looked_at) < 4 * FAN_IN * (len(tenants) + 2)


# Events of 170 kB that compress to a thousandth: 200 MB, in files of 10 kB.
_HEAVY = """
import asyncio, sys
from pathlib import Path
import pyarrow as pa
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import load

def event(batch, place):
    frames = "".join(f"    at com.example.Handler.handle(Handler.java:{line % 97 + place})\\n" for line in range(3000))
    return {"n": batch, "message": f"boom {batch} {place}\\n{frames}"}

async def main():
    async with SegmentStore(Path(sys.argv[1]), StoreSettings(), is_writer=True) as store:
        for batch in range(24):
            await store.write([load([event(batch, place) for place in range(48)])])
        before = pa.default_memory_pool().max_memory()
        await store.tend()
        coverage = await store.coverage(Plan(), DEFAULT_TENANT)
        print(before, pa.default_memory_pool().max_memory(), coverage.read, await store.count(Plan(), DEFAULT_TENANT))
asyncio.run(main())
"""


async def test_a_merge_takes_little_memory_however_well_its_files_are_compressed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HEAVY, str(tmp_path)]
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True
    )
    before, most, segments, events = map(int, ended.stdout.splitlines()[-1].split())
    assert events == 24 * 48
    assert 1 < segments < 12, "merged, and not into one"
    assert before < most < 256 << 20
