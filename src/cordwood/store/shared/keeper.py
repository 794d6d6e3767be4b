"""Events kept as segments, or as rows and segments at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import TypeVar

from cordwood.clock import Clock
from cordwood.db.postgres import Conflict, Connection
from cordwood.errors import Refused
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load
from cordwood.store.postgres.keeping import Added, Answers, Entry, Keeper, Kept
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.files import Files
from cordwood.store.segments.making import make_segment
from cordwood.store.segments.room import Room
from cordwood.store.segments.tables import Made, tables_of
from cordwood.store.segments.writer import try_out
from cordwood.store.shared import names
from cordwood.store.shared.claim import Claim
from cordwood.store.slices import slices_of

T = TypeVar("T")


class SegmentKeeper:
    """See `store.postgres.keeping.Keeper`. A file is complete and synced before the commit that names it."""

    answers: Answers = "segments"

    def __init__(self, files: Files, claim: Claim, room: Room, clock: Clock, executor: Executor) -> None:
        self._files = files
        self._claim = claim
        self._room = room
        self._clock = clock
        self._executor = executor

    @contextlib.asynccontextmanager
    async def keeping(self, loads: Sequence[Load], now_us: int) -> "AsyncIterator[KeptSegments]":
        await self._claim.ensure()
        await self.run(self._room.require)
        kept = KeptSegments(self, loads, await self.run(lambda: _tables(loads, now_us)), now_us)
        try:
            yield kept
        except BaseException as error:
            # Whether a file is named may be unknown: then it stays, and the sweep finds out.
            if not kept.may_be_named or isinstance(error, Refused | Conflict):
                await kept.undo()
            raise

    async def probe(self, load: Load, now_us: int, first: int, count: int) -> None:
        await self.run(lambda: try_out(load, now_us, first, count))

    async def run(self, work: Callable[[], T]) -> T:
        """In a thread of those that write."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._files.remove(path)

    def write(self, tables: Mapping[Tenant, Made], now_us: int) -> list[Segment]:
        """A file for each tenant; none when this fails. Raises Refused, Unavailable."""
        segments: list[Segment] = []
        with ExitStack() as undo:
            for tenant, made in tables.items():
                name = self._files.new_segment(tenant, now_us, self._clock.batch_id())
                undo.callback(self._files.remove, name)
                segments.append(make_segment(self._files, name, tenant, made.tables))
            undo.pop_all()
        return segments


class KeptSegments:
    """See `store.postgres.keeping.Kept`."""

    def __init__(
        self, keeper: SegmentKeeper, loads: Sequence[Load], tables: Mapping[Tenant, Made], now_us: int
    ) -> None:
        self.entries = [_entry(load, tables) for load in loads]
        self.may_be_named = False
        self._keeper = keeper
        self._tables = tables
        self._now_us = now_us
        self._paths: list[str] = []

    async def put(self, connection: Connection, places: Sequence[int]) -> Added:
        await self.undo()
        tables = self._tables
        if len(places) < len(self.entries):  # some are duplicates
            loads = [self.entries[place].load for place in places]
            tables = await self._keeper.run(lambda: _tables(loads, self._now_us))
        segments = await self._keeper.run(lambda: self._keeper.write(tables, self._now_us))
        self._paths = [segment.path for segment in segments]
        if segments:
            self.may_be_named = True
            await names.insert(connection, segments)
        held: Counter[tuple[Tenant, int]] = Counter()
        touched: set[tuple[Tenant, int]] = set()
        for tenant, made in tables.items():
            held.update({(tenant, day): count for day, count in made.days.items()})
            touched |= {(tenant, hour) for hour in slices_of(made.hours, self._now_us)}
        return Added(held, touched)

    async def undo(self) -> None:
        """Remove what no transaction names, nor will."""
        paths, self._paths, self.may_be_named = self._paths, [], False
        if paths:
            await self._keeper.run(lambda: self._keeper.remove(paths))


class BothKeeper:
    """See `store.postgres.keeping.Keeper`. Questions are answered from the segments."""

    answers: Answers = "segments"

    def __init__(self, rows: Keeper, segments: Keeper) -> None:
        self._rows = rows
        self._segments = segments

    @contextlib.asynccontextmanager
    async def keeping(self, loads: Sequence[Load], now_us: int) -> "AsyncIterator[KeptTwice]":
        async with self._rows.keeping(loads, now_us) as rows, self._segments.keeping(loads, now_us) as segments:
            yield KeptTwice(rows, segments)

    async def probe(self, load: Load, now_us: int, first: int, count: int) -> None:
        await self._segments.probe(load, now_us, first, count)
        await self._rows.probe(load, now_us, first, count)


class KeptTwice:
    """See `store.postgres.keeping.Kept`."""

    def __init__(self, rows: Kept, segments: Kept) -> None:
        self.entries = segments.entries
        self._rows = rows
        self._segments = segments

    async def put(self, connection: Connection, places: Sequence[int]) -> Added:
        rows = await self._rows.put(connection, places)
        segments = await self._segments.put(connection, places)
        return Added(segments.held, segments.touched, rows=rows.held)


def _tables(loads: Sequence[Load], now_us: int) -> dict[Tenant, Made]:
    """What is alive of the loads, by tenant. Raises Refused."""
    owned: dict[Tenant, list[Load]] = {}
    for load in loads:
        if _alive(load):
            owned.setdefault(load.batch.header.tenant, []).append(load)
    return {tenant: tables_of(some, now_us) for tenant, some in owned.items()}


def _entry(load: Load, tables: Mapping[Tenant, Made]) -> Entry:
    if not _alive(load):
        return Entry(load, 0, None, None)
    first, last = tables[load.batch.header.tenant].spans[load.batch.header.id]
    return Entry(load, _alive(load), first, last)


def _alive(load: Load) -> int:
    return load.batch.header.events - load.dead_events
