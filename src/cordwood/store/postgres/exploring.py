"""What rows hold, and what is beside an event."""

from collections.abc import Sequence

from msgspec.structs import replace

from cordwood.model.answer import StoredEvent
from cordwood.model.census import Asked, Census
from cordwood.model.plan import Plan, Position
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.faceting import counted, statement
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.piping.statement import event_of
from cordwood.store.postgres.reader import COLUMNS, PostgresReader

_MOST_EVENTS = 20_000
"""Walked into all their fields: 50 µs each."""
_MOST_OF_ONE_FIELD = 200_000
_WORTH_ALL = 0.5
"""Where a sample would be more than this share, everything is looked at."""


class PostgresExplorer(PostgresReader):
    """A reader that is also a `store.interface.Explorer`."""

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        """See `store.interface.Explorer.census`."""
        matching = Conditions(plan, tenant, with_position=False)
        most = _MOST_EVENTS if asked.field is None else _MOST_OF_ONE_FIELD
        async with self._snapshot() as (connection, left_s):
            how_many = f"SELECT count(*) FROM logs {matching.where}"
            matched = int(await connection.fetchval(how_many, *matching.values, timeout=left_s()))
            share = most / max(1, matched)
            sql, values = statement(plan, tenant, asked, share if share < _WORTH_ALL else 1.0)
            examined, fields = counted(await connection.fetch(sql, *values, timeout=left_s()))
        return Census(matched, examined, fields)

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        """See `store.interface.Explorer.following`."""
        conditions = Conditions(replace(plan, after=None), tenant)
        at = len(conditions.values)
        query = f"""SELECT {COLUMNS} FROM logs {conditions.where} AND (ts, id) > (${at + 1}, ${at + 2})
            ORDER BY ts, id LIMIT ${at + 3}"""
        values = [*conditions.values, position.timestamp_us, position.id, plan.limit]
        async with self._snapshot() as (connection, left_s):
            return [event_of(row) for row in await connection.fetch(query, *values, timeout=left_s())]
