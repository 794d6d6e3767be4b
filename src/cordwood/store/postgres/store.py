"""The PostgreSQL store, as its callers see it."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from uuid import UUID

from cordwood.clock import SystemClock
from cordwood.db.migrate import ensure_current, migrate, migrations_in
from cordwood.db.postgres import Connection, Database
from cordwood.model.action import Action
from cordwood.model.answer import Block, Coverage, Row, StoredEvent
from cordwood.model.census import Asked, Census
from cordwood.model.deadletter import KeptLetter, LetterFate, LetterGroup, LetterId, Selection
from cordwood.model.histogram import By, Histogram
from cordwood.model.ledger import Accounts, BatchAccount, Heartbeat, Minute
from cordwood.model.plan import Plan, Position
from cordwood.model.retention import Retention
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.care import Survey
from cordwood.store.gauges import Gauge, Latency
from cordwood.store.interface import Load, Replay, Written
from cordwood.store.onward import Onward, WhenNeeded
from cordwood.store.postgres.books import Counting, PostgresBooks, count_rows
from cordwood.store.postgres.deadletters import PostgresDeadLetters
from cordwood.store.postgres.erasing import PostgresEraser
from cordwood.store.postgres.exploring import PostgresExplorer
from cordwood.store.postgres.folding import PostgresFolder
from cordwood.store.postgres.folding_rollups import RollupFolder
from cordwood.store.postgres.gauges import PostgresGauges
from cordwood.store.postgres.keeping import Keeper, require
from cordwood.store.postgres.partitions import ensure_partitions, wanted
from cordwood.store.postgres.rows import RowKeeper
from cordwood.store.postgres.sql.running import PostgresSql
from cordwood.store.postgres.sql.users import PostgresSqlUsers
from cordwood.store.postgres.surveying import survey_rows
from cordwood.store.postgres.writer import PostgresWriter
from cordwood.store.selecting import Question, Rows
from cordwood.store.settings import StoreSettings


class PostgresStore:
    """Rows of one database. Any number of processes write and read."""

    def __init__(self, url: str, settings: StoreSettings, onward: Callable[[], Onward] | None = None) -> None:
        """`onward` opens what does the pipes that PostgreSQL cannot do; without one, they are refused."""
        self._settings = settings
        self._kept_days = settings.retention_days
        self._database = Database(url)
        self._keep_in(RowKeeper(self._database), count_rows)
        self._migrations = migrations_in(files("cordwood.store.postgres") / "migrations")
        self._eraser = PostgresEraser(self._database, SystemClock())
        self._folder = PostgresFolder(self._database, settings.records_kept_s)
        self._rollups = RollupFolder(self._database)
        self._gauges = PostgresGauges(self._database, "postgresql")
        self._onward = None if onward is None else WhenNeeded(onward)
        self._reader = PostgresExplorer(self._database, settings.query_timeout_s, self._onward)
        self._row_sql = PostgresSql(self._database, PostgresSqlUsers(self._database, settings), settings)

    def _keep_in(self, keeper: Keeper, counting: Counting) -> None:
        """Where events go, and how those that are there are counted."""
        self._keeper = keeper
        self._writer = PostgresWriter(self._database, keeper)
        self._letters = PostgresDeadLetters(self._database, keeper, SystemClock())
        self._books = PostgresBooks(self._database, counting)

    async def __aenter__(self) -> "PostgresStore":
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._onward is not None:
            await self._onward.close()
        await self._database.close()

    async def write(self, loads: Sequence[Load]) -> Sequence[Written]:
        return await self._writer.write(loads)

    async def hear(self, beats: Sequence[Heartbeat]) -> None:
        await self._writer.hear(beats)

    async def report(self, worker: UUID, queue: str, *, is_drained: bool) -> None:
        await self._writer.report(worker, queue, is_drained=is_drained)

    async def probe(self, load: Load, first: int, count: int) -> None:
        await self._writer.probe(load, first, count)

    def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncGenerator[Block, None]:
        return self._reader.read(plan, tenant)

    def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        return self._reader.rows(plan, pipes, tenant)

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        return await self._reader.find(event, tenant)

    async def count(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> int:
        return await self._reader.count(plan, tenant)

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        return await self._reader.histogram(plan, tenant, span_us, by, most)

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        return await self._reader.census(plan, tenant, asked)

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        return await self._reader.following(position, plan, tenant)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        return Coverage(await self._reader.version(plan, tenant))

    async def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Mapping[int, int]:
        return await self._reader.versions(tenant, start_us, end_us)

    def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        return self._row_sql.ask(question, tenant)

    async def batches(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[BatchAccount]:
        return await self._books.batches(ids, tenant)

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        return await self._books.forgotten(tenant)

    async def dead_letters_of(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[LetterFate]:
        return await self._books.dead_letters_of(ids, tenant)

    async def minutes(self, tenant: Tenant, start_us: int, end_us: int) -> Sequence[Minute]:
        return await self._books.minutes(tenant, start_us, end_us)

    async def accounts(self, tenant: Tenant | None, *, is_counted: bool) -> Accounts:
        return await self._books.accounts(tenant, is_counted=is_counted)

    async def gauge(self, tenant: Tenant) -> Gauge:
        return await self._gauges.gauge(tenant)

    async def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        return await self._gauges.latency(tenant, accepted_us, recorded_us, most)

    async def survey(self, tenant: Tenant | None) -> Survey:
        return await survey_rows(self._database, tenant)

    async def letter_groups(self, tenant: Tenant) -> Sequence[LetterGroup]:
        return await self._letters.groups(tenant)

    async def letters(
        self, tenant: Tenant, selection: Selection, limit: int, after: LetterId | None = None
    ) -> Sequence[KeptLetter]:
        return await self._letters.letters(tenant, selection, limit, after)

    async def replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        return await self._letters.replay(tenant, replays, actor)

    async def discard(self, tenant: Tenant, selection: Selection, actor: str) -> int:
        return await self._letters.discard(tenant, selection, actor)

    async def actions(self, tenant: Tenant, limit: int) -> Sequence[Action]:
        return await self._letters.actions(tenant, limit)

    async def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        return await self._eraser.delete(plan, tenant, actor, dry_run=dry_run)

    async def expire(self, retention: Retention) -> int:
        return await self._eraser.expire(retention, self._days()[-1])

    async def check(self) -> None:
        async with self._database.connection() as connection:
            await ensure_current(connection, self._migrations)
            await require(connection, self._keeper.answers)

    async def migrate(self) -> Sequence[str]:
        async with self._database.connection() as connection:
            return [*await migrate(connection, self._migrations), *await self._partition(connection)]

    async def tend(self) -> None:
        async with self._database.connection() as connection:
            await ensure_current(connection, self._migrations)
            await self._partition(connection)
            await connection.execute(_FORGET_MARKS, self._settings.idempotency_window_s)
            await connection.execute(_EXPIRE_LETTERS, self._settings.dead_letter_days)
        await self._folder.tend()
        await self._rollups.tend()

    async def _partition(self, connection: Connection) -> list[str]:
        return await ensure_partitions(connection, self._days())

    def _days(self) -> list[date]:
        """The days that have a partition whether or not they have events, newest first."""
        back = self._settings.partition_days_back
        if self._kept_days:
            back = min(back, self._kept_days)
        return wanted(datetime.now(UTC).date(), back, self._settings.partition_days_ahead)


_FORGET_MARKS = "DELETE FROM idempotency WHERE first_at < now() - make_interval(secs => $1)"

_EXPIRE_LETTERS = """
    UPDATE dead_letters SET settled_at = now(), settled_as = 'expired', body = ''
    WHERE settled_as IS NULL AND dead_at < now() - make_interval(days => $1)
"""
