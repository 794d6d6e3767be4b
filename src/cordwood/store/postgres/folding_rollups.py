"""Changes of rollups, folded into their sums; days that do not count what `holdings` says, counted anew.

Both under a lock that keeps other upkeep out, and neither readers nor writers."""

import math
import time
from datetime import timedelta

import asyncpg
import structlog

from cordwood.db.postgres import Connection, Database
from cordwood.model.ledger import DAY_US
from cordwood.store.postgres.rolling import DAY_MINUTES, MINUTE, MOST_BYTES, SPANS

log = structlog.get_logger()

_CHANGES_A_ROUND = 100_000
_WORTH_A_VACUUM = 1000
_MOST_ENTRIES = 65_536
_EVENTS_FOR_ONE = 4
"""A day with more entries than the bound is kept if each stands for so many events."""
_AGAIN = timedelta(minutes=10)
_LOOK_INTERVAL_S = 60.0
_TIMEOUT_S = 3600.0


class RollupFolder:
    """Several at once do no harm: one of them works, the others leave it alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks_at_s = -math.inf
        """When it looks for wrong days again: that takes the longer, the more days there are."""

    async def tend(self) -> None:
        """A round of bounded work: changes folded, and a day counted anew if one is wrong. Raises Unavailable."""
        async with self._database.connection() as connection:
            if await _fold(connection) >= _WORTH_A_VACUUM:
                # Readers go through all of it: it must not grow with what is gone. Autovacuum comes once a minute.
                await connection.execute("VACUUM (SKIP_LOCKED) rollup_changes", timeout=_TIMEOUT_S)
            if time.monotonic() < self._looks_at_s:
                return
            wrong = await connection.fetchrow(_WRONG, _AGAIN, timeout=_TIMEOUT_S)
            if wrong is None:
                self._looks_at_s = time.monotonic() + _LOOK_INTERVAL_S
            else:
                await _recount(connection, wrong["tenant"], wrong["day"])


async def _fold(connection: Connection) -> int:
    """How many changes were folded."""
    async with connection.transaction(isolation="read_committed"):
        if not await _is_alone(connection):
            return 0
        days = await connection.fetch(_FOLD, _CHANGES_A_ROUND, SPANS, timeout=_TIMEOUT_S)
        for day in days:
            if day["is_less"]:
                await connection.execute(_DROP_EMPTY, day["tenant"], *_minutes(day["day"]), SPANS)
            if day["entries"] > max(_MOST_ENTRIES, day["events"] // _EVENTS_FOR_ONE):
                await _give_up(connection, day["tenant"], day["day"])
    return sum(int(day["changes"]) for day in days)


async def _recount(connection: Connection, tenant: str, day: int) -> None:
    """Make a day's rollups of its rows. A transaction that ends meanwhile is seen with its rows and its changes, or
    without both: then its changes stay, and are folded later."""
    async with connection.transaction(isolation="repeatable_read"):
        # A lock comes before the snapshot; the first query would come with it.
        if not await _is_alone(connection):
            return
        minutes = _minutes(day)
        await connection.execute(_CLEAR_CHANGES, tenant, *minutes)
        await connection.execute(_CLEAR, tenant, *minutes, SPANS)
        held = await connection.fetchval(_HELD, tenant, day)
        most = max(_MOST_ENTRIES, held // _EVENTS_FOR_ONE)
        await connection.execute(_COUNT, tenant, day * DAY_US, (day + 1) * DAY_US, most + 1, timeout=_TIMEOUT_S)
        counted = await connection.fetchrow(_BOOK, tenant, day, *minutes)
        # Names that are too long are not counted; what else there may be, counting it again does not mend.
        if counted["events"] != held or counted["entries"] > most:
            await _give_up(connection, tenant, day)
        else:
            await connection.execute(_COARSER, tenant, *minutes, SPANS[1:])
    log.debug("rollups_counted", tenant=tenant, day=day, events=counted["events"])


async def _give_up(connection: Connection, tenant: str, day: int) -> None:
    """From now on the day is read."""
    await connection.execute(_CLEAR, tenant, *_minutes(day), SPANS)
    await connection.execute(_WIDE, tenant, day)


async def _is_alone(connection: Connection) -> bool:
    """Whether this transaction is the one that changes the sums, from now until its end."""
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE NOWAIT")
    except asyncpg.exceptions.LockNotAvailableError:
        return False
    return True


def _minutes(day: int) -> tuple[int, int]:
    return day * DAY_MINUTES, (day + 1) * DAY_MINUTES


_DAY = f"floor(minute / {DAY_MINUTES}.0)::integer"

_START = "minute - (minute % span + span) % span"

_FOLD = f"""
    WITH gone AS (
        DELETE FROM rollup_changes WHERE ctid = ANY(ARRAY(SELECT ctid FROM rollup_changes LIMIT $1))
        RETURNING tenant, minute, level, service, events
    ), folded AS (
        SELECT g.* FROM gone g
        WHERE NOT EXISTS (SELECT FROM rollup_days w WHERE w.tenant = g.tenant AND w.day = {_DAY} AND w.is_wide)
    ), kept AS (
        INSERT INTO rollups AS r (tenant, span, start, level, service, events)
        SELECT tenant, span, {_START} AS start, level, service, sum(events)
        FROM folded, unnest($2::integer[]) AS span GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (tenant, span, start, level, service) DO UPDATE SET events = r.events + excluded.events
        RETURNING tenant, span, start, xmax = 0 AS is_new
    ), grown AS (
        SELECT tenant, floor(start / {DAY_MINUTES}.0)::integer AS day, count(*) AS entries
        FROM kept WHERE span = 1 AND is_new GROUP BY 1, 2
    ), days AS (
        SELECT tenant, {_DAY} AS day, sum(events) AS events, count(*) AS changes, bool_or(events < 0) AS is_less
        FROM folded GROUP BY 1, 2
    ), booked AS (
        INSERT INTO rollup_days AS b (tenant, day, events, entries)
        SELECT tenant, day, events, coalesce(entries, 0) FROM days LEFT JOIN grown USING (tenant, day)
        ON CONFLICT (tenant, day) DO UPDATE
        SET events = b.events + excluded.events, entries = b.entries + excluded.entries
        RETURNING tenant, day, events, entries
    )
    SELECT tenant, day, b.events, b.entries, changes, is_less FROM booked b JOIN days USING (tenant, day)
"""

# As long as a day is there at all, its row stays: it says when it was counted.
_DROP_EMPTY = f"""
    WITH gone AS (
        DELETE FROM rollups WHERE tenant = $1 AND span = ANY($4::integer[]) AND start >= $2 AND start < $3
            AND events = 0
        RETURNING span
    )
    UPDATE rollup_days SET entries = entries - (SELECT count(*) FROM gone WHERE span = 1)
    WHERE tenant = $1 AND day = $2::bigint / {DAY_MINUTES}
"""

_WRONG = f"""
    SELECT h.tenant, h.day FROM holdings h LEFT JOIN rollup_days d USING (tenant, day) LEFT JOIN (
        SELECT tenant, {_DAY} AS day, sum(events) AS events FROM rollup_changes GROUP BY 1, 2
    ) c USING (tenant, day)
    WHERE stored - expired - deleted <> coalesce(d.events, 0) + coalesce(c.events, 0) AND d.is_wide IS NOT TRUE
        AND (counted_at IS NULL OR counted_at < now() - $1::interval) AND (SELECT answers FROM keeping) = 'rows'
    ORDER BY h.day DESC LIMIT 1
"""

_CLEAR_CHANGES = "DELETE FROM rollup_changes WHERE tenant = $1 AND minute >= $2 AND minute < $3"

_CLEAR = "DELETE FROM rollups WHERE tenant = $1 AND span = ANY($4::integer[]) AND start >= $2 AND start < $3"

_HELD = """
    SELECT coalesce(sum(stored - expired - deleted), 0)::bigint FROM holdings WHERE tenant = $1 AND day = $2
"""

_COUNT = f"""
    INSERT INTO rollups (tenant, span, start, level, service, events)
    SELECT tenant, 1, {MINUTE}, coalesce(level, ''), coalesce(service, ''), count(*) FROM logs
    WHERE tenant = $1 AND ts >= $2 AND ts < $3 AND octet_length(coalesce(service, '')) <= {MOST_BYTES}
    GROUP BY 1, 3, 4, 5 LIMIT $4
"""

_COARSER = """
    INSERT INTO rollups (tenant, span, start, level, service, events)
    SELECT tenant, wide, start - (start % wide + wide) % wide, level, service, sum(events)
    FROM rollups, unnest($4::integer[]) AS wide
    WHERE tenant = $1 AND span = 1 AND start >= $2 AND start < $3 GROUP BY 1, 2, 3, 4, 5
"""

_BOOK = """
    INSERT INTO rollup_days (tenant, day, events, entries, counted_at)
    SELECT $1, $2, coalesce(sum(events), 0), count(*), now() FROM rollups
    WHERE tenant = $1 AND span = 1 AND start >= $3 AND start < $4
    ON CONFLICT (tenant, day) DO UPDATE SET events = excluded.events, entries = excluded.entries,
        counted_at = excluded.counted_at
    RETURNING events, entries
"""

_WIDE = """
    INSERT INTO rollup_days (tenant, day, events, entries, is_wide) VALUES ($1, $2, 0, 0, true)
    ON CONFLICT (tenant, day) DO UPDATE SET events = 0, entries = 0, is_wide = true
"""
