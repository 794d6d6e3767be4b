"""Daily partitions, made ahead; the catch-all keeps what lies outside them."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from cordwood.db.postgres import Connection

log = structlog.get_logger()

_LOCK = 0x636F726470617274
_LOCK_PATIENCE_MS = 2000
"""Attaching locks the table for a moment: rather put it off than make writers queue behind a long read."""


def wanted(today: date, days_back: int, days_ahead: int) -> list[date]:
    """The days that should have a partition, newest first: the coming ones matter most."""
    return [today + timedelta(days=offset) for offset in range(days_ahead, -days_back - 1, -1)]


def partition_of(day: date) -> str:
    """The name of a day's partition."""
    return f"logs_{day:%Y%m%d}"


def day_of(partition: str) -> date | None:
    """The day that a partition is of; None for the catch-all."""
    try:
        return datetime.strptime(partition, "logs_%Y%m%d").date()  # a name tells no zone
    except ValueError:
        return None


async def partitions(connection: Connection) -> list[str]:
    """The names of those that there are."""
    return [row["relname"] for row in await connection.fetch(_EXISTING)]


async def ensure_partitions(connection: Connection, days: list[date]) -> list[str]:
    """Make the missing ones, each in a transaction of its own; concurrent callers take turns. Returns their names."""
    existing = set(await partitions(connection))
    made: list[str] = []
    for day in days:
        name = partition_of(day)
        if name in existing:
            continue
        try:
            if await _make(connection, name, day):
                made.append(name)
        except (asyncpg.exceptions.LockNotAvailableError, asyncpg.exceptions.DeadlockDetectedError):
            log.info("partition_put_off", partition=name, reason="the table is locked")
            break
    return made


async def _make(connection: Connection, name: str, day: date) -> bool:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
            return False
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
        # Writers go on until here; then none may put a row of this day into the catch-all behind the move's back.
        await connection.execute("LOCK TABLE logs_other IN EXCLUSIVE MODE")
        await connection.execute(f"CREATE TABLE {name} (LIKE logs INCLUDING ALL)")
        moved = await connection.execute(
            f"WITH moved AS (DELETE FROM logs_other WHERE ts >= $1 AND ts < $2 RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM moved",
            _us(start),
            _us(end),
        )
        bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        await connection.execute(f"ALTER TABLE logs ATTACH PARTITION {name} FOR VALUES {bounds}")
    log.debug("partition_made", partition=name, moved=moved)
    return True


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


_EXISTING = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'logs'::regclass
"""
