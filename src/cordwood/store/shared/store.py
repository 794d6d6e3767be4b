"""Segments named in PostgreSQL, as their callers see them; its books are those of rows."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from cordwood.clock import SystemClock
from cordwood.db.postgres import Conflict, Connection
from cordwood.model.answer import Block, Coverage, Row, StoredEvent
from cordwood.model.census import Asked, Census
from cordwood.model.histogram import By, Histogram
from cordwood.model.plan import Plan, Position
from cordwood.model.retention import Retention
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.care import Survey, Surveyor
from cordwood.store.postgres.books import Held, held_rows
from cordwood.store.postgres.gauges import PostgresGauges
from cordwood.store.postgres.rows import RowKeeper
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.compaction import Choose, Compactor, next_large_group
from cordwood.store.segments.counting import count
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.erasing import SegmentEraser
from cordwood.store.segments.exploring import SegmentExplorer
from cordwood.store.segments.priority import answer, give_way
from cordwood.store.segments.quiet import Quiet
from cordwood.store.segments.room import Room
from cordwood.store.segments.scrub import Scrubber
from cordwood.store.segments.sql_reader import SegmentSql
from cordwood.store.segments.survey_turn import SurveyTurn
from cordwood.store.segments.sweep import remove_old
from cordwood.store.selecting import Question, Rows
from cordwood.store.settings import StoreSettings
from cordwood.store.shared import names
from cordwood.store.shared.care import LookAtBoth
from cordwood.store.shared.catalog import SharedCatalog
from cordwood.store.shared.claim import Claim, answer_from_segments, prepared
from cordwood.store.shared.keeper import BothKeeper, SegmentKeeper
from cordwood.store.shared.listing import SharedListing
from cordwood.store.shared.place import Place
from cordwood.store.shared.row_expiry import RowExpirer
from cordwood.store.shared.sweep import SharedSweeper
from cordwood.store.shared.turn import Turn

T = TypeVar("T")

_GRACE_S = 60.0
"""Beyond the longest query: replaced files stay this much longer."""
_WRITES_AT_ONCE, _READS_AT_ONCE = 4, 8
_ATTEMPTS = 4
"""Of a deletion that merging was in the way of."""


class SharedStore(PostgresStore):
    """Segments in a place, and a database. Any number of processes write and read."""

    def __init__(self, url: str, place: Place, spill: Path, settings: StoreSettings, *, is_writer: bool) -> None:
        """`spill` is a directory of this machine."""
        super().__init__(url, settings)
        self._place = place
        self._spill = spill
        self._is_writer = is_writer
        self._clock = SystemClock()
        limits = [days for days in (settings.retention_days, settings.rows_days) if days]
        self._kept_days = min(limits, default=0)
        self._room = Room(place.root)
        self._gauges = PostgresGauges(self._database, "both" if settings.keep == "both" else "segments")
        self._stack = AsyncExitStack()
        self._quiet = Quiet()

    async def __aenter__(self) -> "SharedStore":
        """Raises ConfigError: no directory for what does not fit into memory, or for copies."""
        place, settings, database = self._place, self._settings, self._database
        spill = await asyncio.to_thread(prepared, self._spill)
        grace_s = settings.query_timeout_s + _GRACE_S
        await asyncio.to_thread(remove_old, spill, grace_s)
        await asyncio.to_thread(place.open)
        self._later(place.close)
        self._stack.push_async_callback(database.close)
        self._engine = engine = Engine(spill / str(self._clock.batch_id()), settings.memory_bytes)
        self._later(engine.close)
        # As of `SegmentStore`: long reads and merges never take the threads that writes wait for.
        writing = self._pool(_WRITES_AT_ONCE, "segment-write")
        reading = self._pool(_READS_AT_ONCE, "segment-read", answer)
        self._merging = self._pool(1, "segment-merge", give_way)
        surveying = self._pool(1, "segment-survey", give_way)
        self._later(engine.stop)
        self._claim = Claim(database, place, is_writer=self._is_writer)
        segments = SegmentKeeper(place, self._claim, self._room, self._clock, writing)
        self._keep_in(BothKeeper(RowKeeper(database), segments) if settings.keep == "both" else segments, self._count)
        listing = SharedListing(database, self._books)
        self._segments = SegmentExplorer(place, listing, engine, reading, settings.query_timeout_s)
        self._sql = SegmentSql(place, listing, self._segments.damages, spill, reading, self._clock, settings)
        catalog = SharedCatalog(database, place)
        look = SurveyTurn(place, catalog, engine, surveying)
        self._surveyor: Surveyor = LookAtBoth(look, database) if settings.keep == "both" else look
        self._compactor = Compactor(place, catalog, engine, self._clock)
        self._segment_eraser = SegmentEraser(place, catalog, engine, self._clock)
        self._scrubber = Scrubber(place, catalog, engine, self._clock)
        self._sweeper = SharedSweeper(place, database, grace_s)
        self._turn = Turn(database)
        self._rows = RowExpirer(database, settings.rows_days)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stops reads and merges, lets writes finish."""
        await self._stack.aclose()

    def _later(self, work: Callable[[], object]) -> None:
        self._stack.push_async_callback(asyncio.to_thread, work)

    def _pool(self, threads: int, name: str, begin: Callable[[], None] | None = None) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(threads, name, begin)
        self._later(functools.partial(pool.shutdown, cancel_futures=True))
        return pool

    async def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncGenerator[Block, None]:
        await self._claim.ensure()
        async with contextlib.aclosing(self._segments.read(plan, tenant, seen)) as blocks:
            async for block in blocks:
                yield block

    async def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        await self._claim.ensure()
        async with contextlib.aclosing(self._segments.rows(plan, pipes, tenant)) as blocks:
            async for block in blocks:
                yield block

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        await self._claim.ensure()
        return await self._segments.find(event, tenant)

    async def count(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> int:
        await self._claim.ensure()
        return await self._segments.count(plan, tenant, seen)

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        await self._claim.ensure()
        return await self._segments.histogram(plan, tenant, span_us, by, most)

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        await self._claim.ensure()
        return await self._segments.census(plan, tenant, asked)

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        await self._claim.ensure()
        return await self._segments.following(position, plan, tenant)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        await self._claim.ensure()
        return await self._segments.coverage(plan, tenant)

    async def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        await self._claim.ensure()
        async with contextlib.aclosing(self._sql.ask(question, tenant)) as blocks:
            async for rows in blocks:
                yield rows

    async def survey(self, tenant: Tenant | None) -> Survey:
        await self._claim.ensure()
        return await self._surveyor.survey(tenant)

    async def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        await self._claim.ensure()
        erased = functools.partial(self._segment_eraser.delete, plan, tenant, actor, dry_run=dry_run)
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(Conflict):
                return await self._delete(erased)
        return await self._delete(erased)

    async def _delete(self, erased: Callable[[], int]) -> int:
        async with self._turn.awaited():
            return await self._merge(erased)

    async def expire(self, retention: Retention) -> int:
        await self._claim.ensure()
        async with self._turn.if_free() as is_ours:
            if not is_ours:
                return 0
            removed = await self._merge(functools.partial(self._segment_eraser.expire, retention))
            await self._rows.expire(retention, self._clock.now_us(), self._days()[-1])
        return removed

    async def check(self) -> None:
        await super().check()
        await self._claim.ensure()
        await asyncio.to_thread(self._place.check)
        if self._is_writer:
            await asyncio.to_thread(self._room.require)

    async def migrate(self) -> Sequence[str]:
        """Raises ConfigError while the database holds events as rows only."""
        steps = await super().migrate()
        is_new = await answer_from_segments(self._database)
        return [*steps, f"store.keep {self._settings.keep}"] if is_new else steps

    async def tend(self) -> None:
        await super().tend()
        await self._claim.ensure()
        is_quiet = self._quiet.is_here()
        while await self._tend_one(functools.partial(self._merge_one, None)):
            pass
        if is_quiet:
            await self._tend_one(functools.partial(self._merge_one, next_large_group))
        async with self._turn.if_free() as is_ours:
            if is_ours:
                await self._sweeper.tend()
                await self._merge(self._scrubber.tend)
        self._quiet.begin()

    async def _tend_one(self, work: Callable[[], bool]) -> bool:
        """One merge a turn, so that a deletion gets its own."""
        async with self._turn.if_free() as is_ours:
            return is_ours and await self._merge(work)

    async def _merge(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._merging, work)

    def _merge_one(self, choose: Choose | None) -> bool:
        """A merge takes room before it gives some back: not the last."""
        return self._room.has_some() and self._compactor.merge_one(choose) is not None

    async def _count(self, connection: Connection, tenant: Tenant | None) -> Held:
        """Files are counted as of the connection's snapshot: they never change, and stay for a while."""
        await self._claim.ensure()
        segments = await names.every(connection, tenant)
        rollups = await names.all_rollups(connection, tenant)
        counted, damaged = await asyncio.to_thread(count, self._engine, self._place, segments, rollups)
        # Whatever this process keeps: others may keep rows, and this one may have.
        return Held(counted, damaged, await held_rows(connection, tenant))
