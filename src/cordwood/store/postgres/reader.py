"""Plan → SQL → events, newest first."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.model.answer import Block, StoredEvent
from cordwood.model.batch import batch_of
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.jsonb import unescaped, unescaped_text
from cordwood.store.slices import FAR_SLICE, hours

_BLOCK = 1000
_SELECT = "SELECT id, ts, inserted_at, level, service, data FROM logs"


class PostgresReader:
    """Answers from the `logs` table."""

    def __init__(self, database: Database, timeout_s: float) -> None:
        self._database = database
        self._timeout_ms = round(timeout_s * 1000)

    async def read(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        """See `store.interface.Reader.read`: a cursor in one read-only snapshot."""
        conditions = Conditions(plan, tenant)
        limit = "" if plan.limit is None else f"LIMIT {plan.limit}"
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await self._bound(connection)
            cursor = await connection.cursor(
                f"{_SELECT} {conditions.where} ORDER BY ts DESC, id DESC {limit}", *conditions.values
            )
            while rows := await cursor.fetch(_BLOCK):
                yield [_event(row) for row in rows]

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """By way of the batch: it tells the time range, and so the partitions, to look in."""
        batch_id, _ = batch_of(event)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_FIND, tenant, event, batch_id)
        return None if row is None else _event(row)

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        conditions = Conditions(plan, tenant, with_position=False)
        async with self._database.connection() as connection, connection.transaction(readonly=True):
            await self._bound(connection)
            return int(await connection.fetchval(f"SELECT count(*) FROM logs {conditions.where}", *conditions.values))

    async def version(self, plan: Plan, tenant: Tenant) -> int:
        first, last = hours(plan.start_us, plan.end_us)
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_VERSION, tenant, FAR_SLICE, first, last))

    async def _bound(self, connection: Connection) -> None:
        await connection.execute(f"SET LOCAL statement_timeout = {self._timeout_ms}")


_FIND = """
    SELECT l.id, l.ts, l.inserted_at, l.level, l.service, l.data
    FROM batches b JOIN logs l ON l.ts BETWEEN b.min_ts AND b.max_ts AND l.id = $2 AND l.tenant = $1
    WHERE b.id = $3 AND b.tenant = $1
"""

_VERSION = """
    SELECT coalesce(sum(version), 0)::bigint FROM slices
    WHERE tenant = $1 AND (hour = $2 OR (hour >= coalesce($3::bigint, hour) AND hour <= coalesce($4::bigint, hour)))
"""


def _event(row: Any) -> StoredEvent:
    event_id, timestamp_us, inserted_at_us, level, service, data = row
    return StoredEvent(event_id, timestamp_us, inserted_at_us, level, unescaped_text(service), unescaped(data))
