"""Rows removed by retention and by people, and counted as removed in the same transaction."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import asyncpg
import msgspec
import structlog

from cordwood.clock import Clock
from cordwood.db.postgres import Connection, Database
from cordwood.language.rendering import render_filter
from cordwood.model.action import Action, ActionKind
from cordwood.model.ledger import DAY_US, MINUTE_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.partitions import partition_of
from cordwood.store.postgres.rolling import DAY_MINUTES, EMPTIED, TAKEN_AWAY
from cordwood.store.slices import FAR_SLICE

log = structlog.get_logger()

_EPOCH_DAY = date(1970, 1, 1)
_TIMEOUT_S = 3600.0
_LOCK_PATIENCE_MS = 2000
"""Dropping locks the table for a moment: rather put it off than make writers queue behind a long read."""


class PostgresEraser:
    """See `store.interface.Eraser`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        conditions = Conditions(plan, tenant, with_position=False)
        where, values = conditions.where, conditions.values
        async with self._database.connection() as connection, connection.transaction():
            if dry_run:
                sql = f"SELECT count(*) FROM logs {where}"
                return int(await connection.fetchval(sql, *values, timeout=_TIMEOUT_S))
            gone = f"WITH gone AS (DELETE FROM logs {where} RETURNING tenant, ts, level, service), {TAKEN_AWAY}"
            sql = f"{gone} SELECT {_DAY} AS day, sum(events)::bigint AS count FROM counted GROUP BY 1"
            rows = await connection.fetch(sql, *values, timeout=_TIMEOUT_S)
            counts = {row["day"]: row["count"] for row in rows}
            events = sum(map(int, counts.values()))
            detail = {"query": render_filter(plan.filter)}
            await book_removal(connection, self._action(tenant, "delete", events, actor, detail), counts)
        if events:
            log.info("events_removed", tenant=tenant, by="delete", events=events)
        return events

    async def expire(self, retention: Retention, keep_from: date) -> int:
        """Partitions before `keep_from` may be dropped; of later ones only rows go, as they would be made again."""
        now_us = self._clock.now_us()
        async with self._database.connection() as connection:
            due: dict[int, list[Tenant]] = {}
            kept: set[int] = set()
            for row in await connection.fetch(_HELD):
                cutoff_us = retention.cutoff_us(row["tenant"], now_us)
                if cutoff_us is not None and (row["day"] + 1) * DAY_US <= cutoff_us:
                    due.setdefault(row["day"], []).append(row["tenant"])
                else:
                    kept.add(row["day"])
            removed = 0
            for day, tenants in sorted(due.items()):
                is_whole = day not in kept and _date(day) < keep_from
                try:
                    removed += await self._expire_day(connection, day, tenants, is_whole=is_whole)
                except (asyncpg.exceptions.LockNotAvailableError, asyncpg.exceptions.DeadlockDetectedError):
                    log.info("expiry_put_off", day=_date(day).isoformat(), reason="the table is locked")
        return removed

    async def _expire_day(self, connection: Connection, day: int, tenants: Sequence[Tenant], *, is_whole: bool) -> int:
        start_us, end_us = day * DAY_US, (day + 1) * DAY_US
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
            partition = partition_of(_date(day))
            is_dropped = is_whole and await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", partition)
            if is_dropped:
                await connection.execute(f"LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE")
                sql = f"SELECT tenant, count(*) FROM {partition} GROUP BY tenant"
                rows = await connection.fetch(sql, timeout=_TIMEOUT_S)
                is_dropped = {row["tenant"] for row in rows} <= set(tenants)
            if is_dropped:
                minutes = (start_us // MINUTE_US, end_us // MINUTE_US)
                await connection.execute(EMPTIED, tenants, *minutes, timeout=_TIMEOUT_S)
                await connection.execute(f"DROP TABLE {partition}")
            else:
                rows = await connection.fetch(_EXPIRE_ROWS, tenants, start_us, end_us, timeout=_TIMEOUT_S)
            for row in rows:
                tenant, events = Tenant(row["tenant"]), row["count"]
                action = self._action(tenant, "expire", events, "retention", {"day": _date(day).isoformat()})
                await book_removal(connection, action, {day: events})
                log.info("events_removed", tenant=tenant, by="expire", events=events)
        return sum(row["count"] for row in rows)

    def _action(self, tenant: Tenant, kind: ActionKind, events: int, actor: str, detail: dict[str, str]) -> Action:
        return Action(
            id=self._clock.batch_id(), tenant=tenant, at_us=self._clock.now_us(), actor=actor, action=kind,
            events=events, detail=detail,
        )  # fmt: skip


async def book_removal(connection: Connection, action: Action, counts: Mapping[int, int]) -> None:
    """Count events as removed, by day, in the transaction that removes them. The last thing to do."""
    if not counts:
        return
    days = sorted(counts)
    column = "expired" if action.action == "expire" else "deleted"
    sql = f"UPDATE holdings h SET {column} = h.{column} + g.gone {_GONE}"
    await connection.execute(sql, action.tenant, days, [counts[day] for day in days])
    await connection.execute(_RAISE, action.tenant, FAR_SLICE, days)
    text = msgspec.json.encode(action.detail)
    await connection.execute(_RECORD, action.id, action.tenant, action.actor, action.action, action.events, text)


async def book_rows(connection: Connection, tenants: Sequence[str], days: Sequence[int], gone: Sequence[int]) -> None:
    """Count rows beside segments as removed, in the transaction that removes them."""
    await connection.execute(_ROWS_GONE, tenants, days, gone)


def _date(day: int) -> date:
    return _EPOCH_DAY + timedelta(days=day)


_DAY = f"floor(minute / {DAY_MINUTES}.0)::integer"

_HELD = "SELECT tenant, day FROM holdings WHERE stored > expired + deleted"

_EXPIRE_ROWS = f"""
    WITH gone AS (
        DELETE FROM logs WHERE tenant = ANY($1::text[]) AND ts >= $2 AND ts < $3 RETURNING tenant, ts, level, service
    ), {TAKEN_AWAY}
    SELECT tenant, sum(events)::bigint AS count FROM counted GROUP BY tenant
"""

_GONE = "FROM unnest($2::int[], $3::bigint[]) AS g(day, gone) WHERE h.tenant = $1 AND h.day = g.day"

_ROWS_GONE = """
    UPDATE holdings h SET kept_rows = h.kept_rows - g.gone
    FROM unnest($1::text[], $2::int[], $3::bigint[]) AS g(tenant, day, gone)
    WHERE h.tenant = g.tenant AND h.day = g.day
"""

_RAISE = """
    UPDATE slices SET version = version + 1
    WHERE tenant = $1 AND (hour = $2 OR floor(hour / 24.0)::bigint = ANY($3::bigint[]))
"""

_RECORD = "INSERT INTO actions (id, tenant, actor, action, events, detail) VALUES ($1, $2, $3, $4, $5, $6)"
