"""Rows that are kept beside segments, for a shorter time: no event goes with them. The books say how many are
left."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg
import structlog

from cordwood.db.postgres import Connection, Database
from cordwood.model.ledger import DAY_US
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.erasing import book_rows
from cordwood.store.postgres.partitions import day_of, partition_of, partitions

log = structlog.get_logger()

_EPOCH_DAY = date(1970, 1, 1)
_TIMEOUT_S = 3600.0
_LOCK_PATIENCE_MS = 2000


class RowExpirer:
    """One at a time."""

    def __init__(self, database: Database, rows_days: int) -> None:
        """Rows are kept for `rows_days` at most; 0: as long as their tenant's events."""
        self._database = database
        self._rows_days = rows_days
        self._done: dict[Tenant, int] = {}

    async def expire(self, retention: Retention, now_us: int, keep_from: date) -> None:
        """Partitions before `keep_from` may be dropped; of later ones only rows go. Raises Unavailable."""
        async with self._database.connection() as connection:
            tenants = [Tenant(row["tenant"]) for row in await connection.fetch(_TENANTS)]
            cutoffs = {tenant: self._cutoff_us(retention, tenant, now_us) for tenant in tenants}
            for name in await partitions(connection):
                day = day_of(name)
                if day is not None and day < keep_from and _are_due(tenants, cutoffs, day):
                    await self._drop(connection, day, cutoffs)
            for tenant, cutoff_us in cutoffs.items():
                # Once for each cutoff: what comes later, and is as old, goes with the next.
                if cutoff_us is not None and self._done.get(tenant) != cutoff_us:
                    async with connection.transaction():
                        rows = await connection.fetch(_EXPIRE, tenant, cutoff_us, timeout=_TIMEOUT_S)
                        await _book(connection, rows)
                    self._done[tenant] = cutoff_us

    def _cutoff_us(self, retention: Retention, tenant: Tenant, now_us: int) -> int | None:
        rows = Retention(self._rows_days or None).cutoff_us(tenant, now_us)
        found = [each for each in (rows, retention.cutoff_us(tenant, now_us)) if each is not None]
        return max(found, default=None)

    async def _drop(self, connection: Connection, day: date, cutoffs: Mapping[Tenant, int | None]) -> None:
        name = partition_of(day)
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
                await connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
                rows = await connection.fetch(f"SELECT {_COUNTED} FROM {name} GROUP BY 1, 2", timeout=_TIMEOUT_S)
                if _are_due([Tenant(row["tenant"]) for row in rows], cutoffs, day):
                    await connection.execute(f"DROP TABLE {name}")
                    await _book(connection, rows)
                    log.debug("partition_dropped", partition=name)
        except (asyncpg.exceptions.LockNotAvailableError, asyncpg.exceptions.DeadlockDetectedError):
            log.info("expiry_put_off", day=day.isoformat(), reason="the table is locked")


async def _book(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """`rows`: as `_COUNTED` says."""
    columns = ([row[name] for row in rows] for name in ("tenant", "day", "gone"))
    await book_rows(connection, *columns)


def _are_due(tenants: Sequence[Tenant], cutoffs: Mapping[Tenant, int | None], day: date) -> bool:
    end_us = (day + timedelta(days=1) - _EPOCH_DAY).days * DAY_US
    found = [cutoffs.get(tenant) for tenant in tenants]
    return all(cutoff_us is not None and end_us <= cutoff_us for cutoff_us in found)


_TENANTS = "SELECT DISTINCT tenant FROM holdings ORDER BY tenant"

_COUNTED = "tenant, floor(extract(epoch FROM ts) / 86400)::integer AS day, count(*) AS gone"

_EXPIRE = f"""
    WITH expired AS (DELETE FROM logs WHERE tenant = $1 AND ts < $2 RETURNING tenant, ts)
    SELECT {_COUNTED} FROM expired GROUP BY 1, 2
"""
