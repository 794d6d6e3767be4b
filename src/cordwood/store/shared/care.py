"""Segments that PostgreSQL names, as `cordwood store` looks at them and merges them: one of many processes that may."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cordwood.clock import SystemClock
from cordwood.db.postgres import Conflict, Database
from cordwood.model.tenant import Tenant
from cordwood.store.care import Merged, Survey, Surveyor
from cordwood.store.postgres.surveying import survey_rows
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.compaction import Compactor, next_or_rest
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.looking import SegmentLook
from cordwood.store.segments.room import Room
from cordwood.store.settings import StoreSettings
from cordwood.store.shared.catalog import SharedCatalog
from cordwood.store.shared.claim import Claim
from cordwood.store.shared.place import Place
from cordwood.store.shared.turn import Turn

_ATTEMPTS = 4
"""Of a merge that others were in the way of, as they may be where a connection, and with it the turn, was lost."""


class _Parts(Struct, frozen=True):
    database: Database
    place: Place
    catalog: SharedCatalog
    engine: Engine


@contextlib.asynccontextmanager
async def look_into(url: str, place: Place, spill: Path, settings: StoreSettings) -> AsyncIterator[SegmentLook]:
    """A look at segments in `place`. Raises Unavailable, also for a place of something else."""
    async with _opened(url, place, spill, settings) as parts:
        yield SegmentLook(parts.place, parts.catalog, parts.engine)


@contextlib.asynccontextmanager
async def survey_of(url: str, place: Place, spill: Path, settings: StoreSettings) -> AsyncIterator[Surveyor]:
    """A look at the segments, and where `store.keep` is both, at the rows too. Raises as `look_into`."""
    async with _opened(url, place, spill, settings) as parts:
        look = SegmentLook(parts.place, parts.catalog, parts.engine)
        yield LookAtBoth(look, parts.database) if settings.keep == "both" else look


@contextlib.asynccontextmanager
async def merging(url: str, place: Place, spill: Path, settings: StoreSettings) -> AsyncIterator["SharedMerger"]:
    """What merges segments in `place`, beside others. Raises as `look_into`."""
    async with _opened(url, place, spill, settings) as parts:
        compactor = Compactor(parts.place, parts.catalog, parts.engine, SystemClock())
        executor = ThreadPoolExecutor(1, "segment-merge")
        try:
            yield SharedMerger(compactor, Turn(parts.database), Room(place.root), executor)
        finally:
            parts.engine.stop()
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)


@contextlib.asynccontextmanager
async def _opened(url: str, place: Place, spill: Path, settings: StoreSettings) -> AsyncIterator[_Parts]:
    """Makes nothing, and marks no place: where nothing was written yet, there is nothing to look at."""
    database = Database(url)
    try:
        await asyncio.to_thread(place.open)
        await Claim(database, place, is_writer=False).ensure()
        engine = Engine(spill / str(SystemClock().batch_id()), settings.memory_bytes)
        try:
            yield _Parts(database, place, SharedCatalog(database, place), engine)
        finally:
            await asyncio.to_thread(engine.close)
    finally:
        await database.close()
        await asyncio.to_thread(place.close)


class LookAtBoth:
    """A `Surveyor` of segments with rows beside them."""

    def __init__(self, segments: Surveyor, database: Database) -> None:
        self._segments = segments
        self._database = database

    async def survey(self, tenant: Tenant | None) -> Survey:
        """See `store.care.Surveyor.survey`. What tells of events is told of the segments, as questions are answered
        from those."""
        segments = await self._segments.survey(tenant)
        rows = await survey_rows(self._database, tenant)
        return replace(
            segments,
            kind="both",
            rows=rows.rows,
            bytes=segments.bytes + rows.bytes,
            parts=[*segments.parts, *rows.parts],
            partitions=rows.partitions,
        )


class SharedMerger:
    """A `Merger` that takes turns with the workers, and with whoever removes events."""

    def __init__(self, compactor: Compactor, turn: Turn, room: Room, executor: Executor) -> None:
        """`executor` runs one piece of work at a time."""
        self._compactor = compactor
        self._turn = turn
        self._room = room
        self._executor = executor
        self._mine: set[str] | None = None

    async def merge_rest(self) -> Merged | None:
        """See `store.care.Merger.merge_rest`: the rest is what there was at the first call. Raises Unavailable, also
        when others keep it too long from its turn."""
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(Conflict):
                return await self._merge_in_turn()
        return await self._merge_in_turn()

    async def _merge_in_turn(self) -> Merged | None:
        async with self._turn.awaited():
            merged = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._compactor.merge_one, self._choose
            )
        if merged is not None and merged.into is not None and self._mine is not None:
            self._mine.add(merged.into)
        return merged

    def _choose(self, segments: Sequence[Segment]) -> list[Segment] | None:
        """Not among those that came later: while others write there are always some, and each would be merged with all
        the rest again."""
        if self._mine is None:
            self._mine = {segment.path for segment in segments}
        group = next_or_rest([segment for segment in segments if segment.path in self._mine])
        if group is not None:
            self._room.require()
        return group
