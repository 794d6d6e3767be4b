"""The segment store, as its callers see it."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from cordwood.clock import SystemClock
from cordwood.db.sqlite import FileLock
from cordwood.errors import ConfigError, Unavailable
from cordwood.model.action import Action
from cordwood.model.answer import Block, Coverage, Row, StoredEvent
from cordwood.model.census import Asked, Census
from cordwood.model.deadletter import KeptLetter, LetterFate, LetterGroup, LetterId, Selection
from cordwood.model.histogram import By, Histogram
from cordwood.model.ledger import DAY_US, Accounts, BatchAccount, Heartbeat, Minute
from cordwood.model.plan import Plan, Position
from cordwood.model.retention import Retention
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.care import Merged, Survey
from cordwood.store.gauges import Gauge, Latency
from cordwood.store.interface import Load, Replay, Written
from cordwood.store.segments.books import SegmentBooks
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.compaction import Choose, Compactor, next_large_group, next_or_rest
from cordwood.store.segments.deadletters import SegmentDeadLetters
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.erasing import SegmentEraser
from cordwood.store.segments.exploring import SegmentExplorer
from cordwood.store.segments.folding import SegmentFolder
from cordwood.store.segments.gauges import SegmentGauges
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.naming import ThreadedListing
from cordwood.store.segments.priority import answer, give_way
from cordwood.store.segments.quiet import Quiet
from cordwood.store.segments.room import Room
from cordwood.store.segments.scrub import Scrubber
from cordwood.store.segments.sql_reader import SegmentSql
from cordwood.store.segments.survey_turn import SurveyTurn
from cordwood.store.segments.sweep import Sweeper
from cordwood.store.segments.writer import SegmentWriter
from cordwood.store.selecting import Question, Rows
from cordwood.store.settings import StoreSettings

_GRACE_S = 60.0
"""Beyond the longest query: replaced files stay this much longer."""
_WRITES_AT_ONCE, _READS_AT_ONCE = 4, 8


class SegmentStore:
    """A directory of segments. One process writes; any number read."""

    def __init__(self, root: Path, settings: StoreSettings, *, is_writer: bool) -> None:
        self._directory = Directory(root)
        self._room = Room(root)
        self._settings = settings
        self._is_writer = is_writer
        self._clock = SystemClock()
        self._tending = asyncio.Lock()
        self._quiet = Quiet()
        self._stack = ExitStack()

    async def __aenter__(self) -> "SegmentStore":
        """Raises ConfigError: not usable, or written by another process."""
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            await asyncio.to_thread(self._stack.close)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stops reads and merges, lets writes finish."""
        await asyncio.to_thread(self._stack.close)

    def _open(self) -> None:
        directory, settings, clock = self._directory, self._settings, self._clock
        try:
            for each in (directory.segments, directory.spill, directory.orphans):
                each.mkdir(parents=True, exist_ok=True)
            if self._is_writer:
                lock = FileLock(directory.lock, f"the data directory {directory.root}")
                self._stack.callback(lock.close)
        except OSError as error:
            raise ConfigError(
                f"cannot use the directory {directory.root}: {error.strerror}",
                hint="make it writable for this user, or choose another with --data-dir or CORDWOOD_DATA_DIR",
            ) from error
        self._catalog = catalog = Catalog(directory.catalog)
        self._stack.callback(catalog.close)
        catalog.migrate()
        engine = Engine(directory.spill / str(clock.batch_id()), settings.memory_bytes)
        self._stack.callback(engine.close)
        # Pools apart, so that long reads and merges never take the threads that writes wait for. Each is waited for
        # at the end, the writers longest: what is under way in the others is interrupted.
        self._writing = self._pool(_WRITES_AT_ONCE, "segment-write")
        reading = self._pool(_READS_AT_ONCE, "segment-read", answer)
        self._merging = self._pool(1, "segment-merge", give_way)
        surveying = self._pool(1, "segment-survey", give_way)
        self._stack.callback(engine.stop)
        grace_s = settings.query_timeout_s + _GRACE_S
        self._writer = SegmentWriter(directory, catalog, clock)
        self._reader = SegmentExplorer(directory, ThreadedListing(catalog), engine, reading, settings.query_timeout_s)
        self._sql = SegmentSql(
            directory, ThreadedListing(catalog), self._reader.damages, directory.spill, reading, clock, settings
        )
        self._letters = SegmentDeadLetters(catalog, clock)
        self._eraser = SegmentEraser(directory, catalog, engine, clock)
        self._books = SegmentBooks(directory, catalog, engine)
        self._gauges = SegmentGauges(catalog)
        self._surveyor = SurveyTurn(directory, catalog, engine, surveying)
        self._compactor = Compactor(directory, catalog, engine, clock)
        self._scrubber = Scrubber(directory, catalog, engine, clock)
        self._folder = SegmentFolder(catalog, clock, settings.records_kept_s)
        self._sweeper = Sweeper(directory, catalog, clock, grace_s)
        if self._is_writer:
            self._sweeper.start()

    def _pool(self, threads: int, name: str, begin: Callable[[], None] | None = None) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(threads, name, begin)
        self._stack.callback(pool.shutdown, cancel_futures=True)
        return pool

    async def write(self, loads: Sequence[Load]) -> Sequence[Written]:
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._write, loads)

    async def hear(self, beats: Sequence[Heartbeat]) -> None:
        await asyncio.to_thread(self._catalog.hear, beats, self._clock.now_us())

    async def report(self, worker: UUID, queue: str, *, is_drained: bool) -> None:
        await asyncio.to_thread(self._catalog.report, worker, self._clock.now_us(), is_drained=is_drained)

    async def probe(self, load: Load, first: int, count: int) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writing, self._writer.probe, load, first, count)

    def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncGenerator[Block, None]:
        return self._reader.read(plan, tenant, seen)

    def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        return self._reader.rows(plan, pipes, tenant)

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        return await self._reader.find(event, tenant)

    async def count(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> int:
        return await self._reader.count(plan, tenant, seen)

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        return await self._reader.histogram(plan, tenant, span_us, by, most)

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        return await self._reader.census(plan, tenant, asked)

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        return await self._reader.following(position, plan, tenant)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        return await self._reader.coverage(plan, tenant)

    async def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Mapping[int, int]:
        return await asyncio.to_thread(self._catalog.versions, tenant, start_us, end_us)

    def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        return self._sql.ask(question, tenant)

    async def batches(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[BatchAccount]:
        return await asyncio.to_thread(self._books.batches, ids, tenant)

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        return await asyncio.to_thread(self._catalog.forgotten, tenant)

    async def dead_letters_of(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[LetterFate]:
        return await asyncio.to_thread(self._books.dead_letters_of, ids, tenant)

    async def minutes(self, tenant: Tenant, start_us: int, end_us: int) -> Sequence[Minute]:
        return await asyncio.to_thread(self._books.minutes, tenant, start_us, end_us)

    async def accounts(self, tenant: Tenant | None, *, is_counted: bool) -> Accounts:
        return await asyncio.to_thread(self._books.accounts, tenant, is_counted=is_counted)

    async def gauge(self, tenant: Tenant) -> Gauge:
        return await asyncio.to_thread(self._gauges.gauge, tenant)

    async def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        return await asyncio.to_thread(self._gauges.latency, tenant, accepted_us, recorded_us, most)

    async def survey(self, tenant: Tenant | None) -> Survey:
        return await self._surveyor.survey(tenant)

    async def letter_groups(self, tenant: Tenant) -> Sequence[LetterGroup]:
        return await asyncio.to_thread(self._letters.groups, tenant)

    async def letters(
        self, tenant: Tenant, selection: Selection, limit: int, after: LetterId | None = None
    ) -> Sequence[KeptLetter]:
        return await asyncio.to_thread(self._letters.letters, tenant, selection, limit, after)

    async def replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        self._must_write()
        return await asyncio.get_running_loop().run_in_executor(
            self._writing, self._writer.replay, tenant, replays, actor
        )

    async def discard(self, tenant: Tenant, selection: Selection, actor: str) -> int:
        self._must_write()
        return await asyncio.to_thread(self._letters.discard, tenant, selection, actor)

    async def actions(self, tenant: Tenant, limit: int) -> Sequence[Action]:
        return await asyncio.to_thread(self._letters.actions, tenant, limit)

    async def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        if not dry_run:
            self._must_write()
        async with self._tending:  # what is being merged must not come back
            erased = functools.partial(self._eraser.delete, plan, tenant, actor, dry_run=dry_run)
            return await asyncio.get_running_loop().run_in_executor(self._merging, erased)

    async def expire(self, retention: Retention) -> int:
        if not self._is_writer:
            return 0
        async with self._tending:
            return await asyncio.get_running_loop().run_in_executor(self._merging, self._eraser.expire, retention)

    async def check(self) -> None:
        await asyncio.to_thread(self._check)

    async def migrate(self) -> Sequence[str]:
        return [f"catalog {number}" for number in await asyncio.to_thread(self._catalog.migrate)]

    async def tend(self) -> None:
        """See `store.interface.Upkeep.tend`. Nothing to do in a process that only reads."""
        if not self._is_writer:
            return
        loop = asyncio.get_running_loop()
        async with self._tending:
            is_quiet = self._quiet.is_here()
            while await loop.run_in_executor(self._merging, self._merge_one, None):
                pass
            if is_quiet:
                await loop.run_in_executor(self._merging, self._merge_one, next_large_group)
            await loop.run_in_executor(self._merging, self._sweeper.tend)
            await loop.run_in_executor(self._merging, self._scrubber.tend)
            window_us = int(self._settings.idempotency_window_s * 1e6)
            now_us = self._clock.now_us()
            await asyncio.to_thread(self._catalog.forget_marks, now_us - window_us)
            await asyncio.to_thread(
                self._catalog.expire_letters, now_us - self._settings.dead_letter_days * DAY_US, now_us
            )
            await loop.run_in_executor(self._merging, self._folder.tend)
            self._quiet.begin()

    async def merge_rest(self) -> Merged | None:
        """See `store.care.Merger.merge_rest`."""
        self._must_write()
        async with self._tending:
            return await asyncio.get_running_loop().run_in_executor(self._merging, self._merge_rest)

    def _must_write(self) -> None:
        if not self._is_writer:
            raise Unavailable(
                "this process only reads the segments; another one writes them",
                hint="ask the worker (port 8082): it answers the same requests",
            )

    def _write(self, loads: Sequence[Load]) -> Sequence[Written]:
        self._room.require()
        return self._writer.write(loads)

    def _merge_one(self, choose: Choose | None) -> bool:
        """A merge takes room before it gives some back: not the last."""
        return self._room.has_some() and self._compactor.merge_one(choose) is not None

    def _merge_rest(self) -> Merged | None:
        self._room.require()
        return self._compactor.merge_one(next_or_rest)

    def _check(self) -> None:
        self._catalog.check()
        if self._is_writer:
            self._room.require()
