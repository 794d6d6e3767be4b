"""Plan → SQL → events, newest first."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from cordwood.db.postgres import Connection, Database
from cordwood.errors import BadQuery, Unavailable
from cordwood.model.answer import Block, Row, StoredEvent
from cordwood.model.batch import batch_of, made_at_us
from cordwood.model.histogram import By, Histogram
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Extract, Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.onward import Onward, WhenNeeded
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.jsonb import unescaped_text
from cordwood.store.postgres.keeping import refuse_other
from cordwood.store.postgres.piping.handing import GivenRows, Handing, is_handed
from cordwood.store.postgres.piping.statement import Answer, Piped, event_of, items_shown, over_table
from cordwood.store.postgres.rolled import Counted, counted, told
from cordwood.store.rollups import MOST_GROUPS, Tally, counts_of, histogram_of, tally_of
from cordwood.store.slices import FAR_SLICE, HOUR_US, hours
from cordwood.store.sql.showing import rows_shown
from cordwood.store.sql.table import Table

_BLOCK = 1000
_MINED = 20_000
COLUMNS = "id, ts, inserted_at, level, service, data"
_IDLE_GRACE_MS = 60_000
"""Past its time, a read that nobody goes on with is ended here; when this process cannot, the server ends it."""


class PostgresReader:
    """Answers from the `logs` table."""

    def __init__(self, database: Database, timeout_s: float, onward: WhenNeeded | None = None) -> None:
        """`onward`: what goes on where PostgreSQL cannot."""
        self._database = database
        self._timeout_s = timeout_s
        self._onward = onward

    async def read(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        """See `store.interface.Reader.read`: a cursor in one read-only snapshot."""
        conditions = Conditions(plan, tenant)
        limit = "" if plan.limit is None else f"LIMIT {plan.limit}"
        query = f"SELECT {COLUMNS} FROM logs {conditions.where} ORDER BY ts DESC, id DESC {limit}"
        async with self._snapshot() as (connection, left_s):
            cursor = await connection.cursor(query, *conditions.values, timeout=left_s())
            while rows := await cursor.fetch(_BLOCK, timeout=left_s()):
                yield [event_of(row) for row in rows]

    async def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        """See `store.interface.Reader.rows`: a cursor in one read-only snapshot."""
        if not pipes:
            async with contextlib.aclosing(self.read(plan, tenant)) as blocks:
                async for block in blocks:
                    yield [Row(event, {}) for event in block]
            return
        if is_handed(pipes):
            async with contextlib.aclosing(self._handed(plan, pipes, tenant)) as blocks:
                async for rows in blocks:
                    yield rows
            return
        piped = Piped(plan, pipes, tenant)
        sql, values, answer = piped.sql, piped.values, piped.answer
        tally = tally_of(plan, pipes)
        async with self._snapshot() as (connection, left_s):
            if tally is not None:
                rolled = await told(connection, plan, tenant, tally, MOST_GROUPS, left_s)
                if rolled is not None and len(rolled.counts) < MOST_GROUPS:
                    counts = counts_of(tally, rolled.counts)
                    within = (plan.start_us, plan.end_us)
                    sql, values, answer = over_table(counts.table, pipes, plan.limit, counts, within)
            elif piped.behind is not None:
                table = await self._mined(await connection.cursor(sql, *values, timeout=left_s()), left_s)
                if any(isinstance(pipe, Extract) for pipe in piped.behind):
                    onward = await self._engine(piped.behind)
                    async with contextlib.aclosing(onward.of_table(table, piped.behind, plan.limit)) as blocks:
                        async for rows in blocks:
                            yield rows
                    return
                sql, values, answer = over_table(table, piped.behind, plan.limit)
            assert answer is not None, "of a statement that gives rows"
            cursor = await connection.cursor(sql, *values, timeout=left_s())
            while found := await cursor.fetch(_BLOCK, timeout=left_s()):
                yield await asyncio.to_thread(_shown, answer, found)

    async def _handed(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        """The same by an engine that goes on with rows of the cursor."""
        handing = Handing(plan, pipes, tenant, await self._engine(pipes))
        async with self._snapshot() as (connection, left_s):
            given = GivenRows(connection, handing, left_s)
            async with contextlib.aclosing(handing.further.rows(given)) as blocks:
                async for rows in blocks:
                    yield rows

    async def _engine(self, pipes: Sequence[Pipe]) -> Onward:
        """Raises BadQuery: there is none."""
        if self._onward is not None:
            return await self._onward.engine()
        pattern = next(pipe.pattern for pipe in pipes if isinstance(pipe, Extract))
        raise BadQuery(
            "PostgreSQL cannot extract: its regular expressions find other parts of a text than RE2's",
            query=pattern,
            position=0,
            length=len(pattern),
            hint="leave `extract` out: `where f:/…/` finds the same rows",
        )

    async def _mined(self, cursor: Any, left_s: Callable[[], float]) -> Table:
        """The patterns of the texts that a cursor gives."""
        # Here, as only who asks for patterns is to pay for the compiler.
        from cordwood.store.mining import Mined, mined

        found = Mined()
        while rows := await cursor.fetch(_MINED, timeout=left_s()):
            texts = pa.array([unescaped_text(text) for text, _ in rows], pa.string())
            found.add(await asyncio.to_thread(mined, texts, pa.array([us for _, us in rows], pa.int64())))
        return found.table()

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """By way of the batch: it tells the time range, and so the partitions, to look in. One that was folded tells
        nothing: then first around the time that the id was made, where most events are, and at last everywhere."""
        batch_id, _ = batch_of(event)
        async with self._database.connection() as connection:
            with self._in_time():
                row = await connection.fetchrow(_FIND, tenant, event, batch_id, timeout=self._timeout_s)
                if row is None and await connection.fetchval(_MAY_BE_FOLDED, tenant, batch_id):
                    made_us = made_at_us(batch_id)
                    near = (made_us - HOUR_US, made_us + HOUR_US)
                    row = await connection.fetchrow(_FIND_NEAR, tenant, event, *near, timeout=self._timeout_s)
                    if row is None:
                        row = await connection.fetchrow(_FIND_ANYWHERE, tenant, event, timeout=self._timeout_s)
        return None if row is None else event_of(row)

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        return sum((await self._counted(plan, tenant, Tally(None, ()), 1)).counts.values())

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        """See `store.interface.Reader.histogram`."""
        found = await self._counted(plan, tenant, Tally(span_us, () if by is None else (by,)), most)
        return histogram_of(found.counts, found.rolled_up)

    async def _counted(self, plan: Plan, tenant: Tenant, tally: Tally, most: int) -> Counted:
        async with self._snapshot() as (connection, left_s):
            return await counted(connection, plan, tenant, tally, most, left_s)

    async def version(self, plan: Plan, tenant: Tenant) -> int:
        first, last = hours(plan.start_us, plan.end_us)
        least, most = FAR_SLICE if first is None else first, -FAR_SLICE if last is None else last
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_VERSION, tenant, FAR_SLICE, least, most)
        refuse_other(row["answers"], "rows")
        return int(row["version"])

    async def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> dict[int, int]:
        """See `store.interface.Reader.versions`."""
        async with self._database.connection() as connection:
            return await versions(connection, tenant, start_us, end_us)

    @contextlib.asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[tuple[Connection, Callable[[], float]]]:
        """A connection that sees one state of the tables, and what is left of the read's time, in seconds."""
        deadline = time.monotonic() + self._timeout_s

        def left_s() -> float:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            return left

        timeout_ms = max(1, round(self._timeout_s * 1000))
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(
                f"SET LOCAL statement_timeout = {timeout_ms};"
                f"SET LOCAL idle_in_transaction_session_timeout = {timeout_ms + _IDLE_GRACE_MS}"
            )
            with self._in_time():
                yield connection, left_s

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise Unavailable(
                f"the read took more than {self._timeout_s:g} s and was stopped",
                hint="ask for less, or raise store.query_timeout_s",
            ) from error


def _shown(answer: Answer, found: Sequence[Sequence[object]]) -> Sequence[Row]:
    columns, events = answer.decoded(found)
    return rows_shown(answer.shown, columns, events, items_shown)


async def versions(connection: Connection, tenant: Tenant, start_us: int | None, end_us: int | None) -> dict[int, int]:
    """See `store.interface.Reader.versions`."""
    first, last = hours(start_us, end_us)
    least, most = FAR_SLICE if first is None else first, -FAR_SLICE if last is None else last
    return {row["hour"]: row["version"] for row in await connection.fetch(_VERSIONS, tenant, FAR_SLICE, least, most)}


_FIND = f"""
    SELECT {", ".join("l." + name for name in COLUMNS.split(", "))}
    FROM batches b JOIN logs l ON l.ts BETWEEN b.min_ts AND b.max_ts AND l.id = $2 AND l.tenant = $1
    WHERE b.id = $3 AND b.tenant = $1
"""

_MAY_BE_FOLDED = """
    SELECT $2 <= (SELECT last_id FROM totals WHERE tenant = $1 AND is_folded)
        AND NOT EXISTS (SELECT FROM batches WHERE id = $2)
"""

_FIND_ANYWHERE = f"SELECT {COLUMNS} FROM logs WHERE tenant = $1 AND id = $2"

_FIND_NEAR = f"{_FIND_ANYWHERE} AND ts BETWEEN $3 AND $4"

_VERSION = """
    SELECT coalesce(sum(version), 0)::bigint AS version, (SELECT answers FROM keeping) AS answers FROM slices
    WHERE tenant = $1 AND (hour = $2 OR hour BETWEEN $3 AND $4)
"""

_VERSIONS = "SELECT hour, version FROM slices WHERE tenant = $1 AND (hour = $2 OR hour BETWEEN $3 AND $4)"
