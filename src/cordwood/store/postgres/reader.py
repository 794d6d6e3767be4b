"""Plan → SQL → events, newest first."""

from collections.abc import AsyncGenerator, Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.model.answer import Block, StoredEvent
from cordwood.model.batch import batch_of
from cordwood.model.event import MAX_TIMESTAMP_US
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, paths
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.jsonb import escaped_text, unescaped, unescaped_text
from cordwood.store.slices import FAR_SLICE, hours

_BLOCK = 1000
_SELECT = "SELECT id, ts, inserted_at, level, service, data FROM logs"
# Numbers far outside what people compare with are left to text equality; numeric would expand them to all digits.
_MAX_EXPONENT = 400


class PostgresReader:
    """Answers from the `logs` table."""

    def __init__(self, database: Database, timeout_s: float) -> None:
        self._database = database
        self._timeout_ms = round(timeout_s * 1000)

    async def read(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        """See `store.interface.Reader.read`: a cursor in one read-only snapshot."""
        where, values = _where(plan, tenant)
        limit = "" if plan.limit is None else f"LIMIT {plan.limit}"
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await self._bound(connection)
            cursor = await connection.cursor(f"{_SELECT} {where} ORDER BY ts DESC, id DESC {limit}", *values)
            while rows := await cursor.fetch(_BLOCK):
                yield [_event(row) for row in rows]

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """By way of the batch: it tells the time range, and so the partitions, to look in."""
        batch_id, _ = batch_of(event)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_FIND, tenant, event, batch_id)
        return None if row is None else _event(row)

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        where, values = _where(plan, tenant, with_position=False)
        async with self._database.connection() as connection, connection.transaction(readonly=True):
            await self._bound(connection)
            return int(await connection.fetchval(f"SELECT count(*) FROM logs {where}", *values))

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


def _where(plan: Plan, tenant: Tenant, *, with_position: bool = True) -> tuple[str, list[object]]:
    """The conditions of a plan, with every value bound."""
    values: list[object] = [tenant]

    def bind(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    conditions = ["tenant = $1"]
    if plan.start_us is not None:
        conditions.append(f"ts >= {bind(plan.start_us)}")
    if plan.end_us is not None and plan.end_us <= MAX_TIMESTAMP_US:  # beyond it, no timestamp is
        conditions.append(f"ts < {bind(plan.end_us)}")
    if plan.after is not None and with_position:
        conditions.append(f"(ts, id) < ({bind(plan.after.timestamp_us)}, {bind(plan.after.id)})")
    conditions += [_equals(equals, bind) for equals in plan.filters]
    return "WHERE " + " AND ".join(conditions), values


def _equals(equals: Equals, bind: Callable[[object], str]) -> str:
    text = f"{bind(escaped_text(equals.text))}::text"
    if equals.field in DERIVED_FIELDS:
        return f"{equals.field} = {text}"
    number = _number(equals.text)
    alternatives: list[str] = []
    for keys in paths(equals.field):
        path = f"{bind([escaped_text(key) for key in keys])}::text[]"
        alternatives.append(f"data #>> {path} = {text}")
        if number is not None:
            alternatives.append(
                f"CASE WHEN jsonb_typeof(data #> {path}) = 'number'"
                f" THEN (data #>> {path})::numeric = {bind(number)}::numeric ELSE false END"
            )
    return "(" + " OR ".join(alternatives) + ")"


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _MAX_EXPONENT else None


def _event(row: Any) -> StoredEvent:
    event_id, timestamp_us, inserted_at_us, level, service, data = row
    return StoredEvent(event_id, timestamp_us, inserted_at_us, level, unescaped_text(service), unescaped(data))
