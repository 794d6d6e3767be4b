"""Rollups of rows, counted: whether those that questions are answered from say what the rows do."""

from datetime import date, timedelta

from cordwood.db.postgres import Connection
from cordwood.model.ledger import Damage
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.rolling import DAY_MINUTES, MINUTE, SPANS

_TIMEOUT_S = 3600.0
_EPOCH_DAY = date(1970, 1, 1)
_REASON = "its rollups do not count what its rows say; they are well"


async def wrong_rollups(connection: Connection, tenant: Tenant | None) -> list[Damage]:
    """Days, as the connection's snapshot has them. Reads all rows."""
    rows = await connection.fetch(_WRONG, tenant, SPANS[1:], timeout=_TIMEOUT_S)
    return [Damage(Tenant(row["tenant"]), _name(row["day"]), row["held"], _REASON, of="day") for row in rows]


def _name(day: int) -> str:
    """Of days that no calendar has, the number."""
    try:
        return (_EPOCH_DAY + timedelta(days=day)).isoformat()
    except OverflowError:
        return str(day)


_DAY = f"floor(start / {DAY_MINUTES}.0)::integer"

_WRONG = f"""
    WITH days AS MATERIALIZED (
        SELECT h.tenant, h.day, stored - expired - deleted AS held
        FROM holdings h LEFT JOIN rollup_days d USING (tenant, day) LEFT JOIN (
            SELECT tenant, floor(minute / {DAY_MINUTES}.0)::integer AS day, sum(events) AS events
            FROM rollup_changes GROUP BY 1, 2
        ) c USING (tenant, day)
        WHERE ($1::text IS NULL OR tenant = $1) AND d.is_wide IS NOT TRUE
            AND stored - expired - deleted = coalesce(d.events, 0) + coalesce(c.events, 0)
    ), told AS MATERIALIZED (
        SELECT tenant, span, start, level, service, events FROM rollups WHERE $1::text IS NULL OR tenant = $1
    ), minutes AS (
        SELECT tenant, start, level, service, sum(events) AS events FROM (
            SELECT tenant, start, level, service, events FROM told WHERE span = 1
            UNION ALL
            SELECT * FROM rollup_changes WHERE $1::text IS NULL OR tenant = $1
        ) AS both_parts GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0
    ), counted AS (
        SELECT tenant, {MINUTE} AS start, coalesce(level, '') AS level, coalesce(service, '') AS service,
            count(*) AS events
        FROM logs WHERE $1::text IS NULL OR tenant = $1 GROUP BY 1, 2, 3, 4
    ), summed AS (
        SELECT tenant, wide AS span, start - (start % wide + wide) % wide AS start, level, service,
            sum(events) AS events
        FROM told, unnest($2::integer[]) AS wide WHERE span = 1 GROUP BY 1, 2, 3, 4, 5 HAVING sum(events) <> 0
    ), wrong AS (
        SELECT tenant, {_DAY} AS day FROM minutes m FULL JOIN counted c USING (tenant, start, level, service)
        WHERE m.events IS DISTINCT FROM c.events
        UNION
        SELECT tenant, {_DAY} FROM (SELECT * FROM told WHERE span > 1 AND events <> 0) AS t
            FULL JOIN summed s USING (tenant, span, start, level, service)
        WHERE t.events IS DISTINCT FROM s.events
    )
    SELECT tenant, day, held FROM wrong JOIN days USING (tenant, day) ORDER BY tenant, day
"""
