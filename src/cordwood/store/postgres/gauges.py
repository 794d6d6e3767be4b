"""What PostgreSQL's books tell of a tenant, at a glance."""

from cordwood.db.postgres import Database
from cordwood.model.tenant import Tenant
from cordwood.store.gauges import Gauge, Kind, Latency


class PostgresGauges:
    """See `store.gauges.Gauges`. `kind` tells what questions are answered from, which may be segments named here."""

    def __init__(self, database: Database, kind: Kind) -> None:
        self._database = database
        self._kind = kind

    async def gauge(self, tenant: Tenant) -> Gauge:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_GAUGE, tenant)
        has_segments = self._kind != "postgresql"
        return Gauge(
            kind=self._kind,
            events=row["events"],
            segments=row["segments"] if has_segments else None,
            bytes=row["bytes"] if has_segments else None,
            dead_letters=row["letters"],
            dead_events=row["dead_events"],
        )

    async def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_LATENCY, tenant, accepted_us, most, recorded_us)
        if not row["batches"]:
            return None
        p50_us, p99_us = row["percentiles"]
        return Latency(batches=row["batches"], p50_us=p50_us, p99_us=p99_us, max_us=row["longest"])


_GAUGE = """
    SELECT coalesce(h.events, 0) AS events, s.segments, s.bytes, d.letters, d.dead_events
    FROM (SELECT sum(stored - expired - deleted)::bigint AS events FROM holdings WHERE tenant = $1) h,
        (SELECT count(*) AS segments, coalesce(sum(size_bytes), 0)::bigint AS bytes FROM segments
            WHERE tenant = $1 AND gone_at IS NULL) s,
        (SELECT count(*) AS letters, coalesce(sum(events), 0)::bigint AS dead_events FROM dead_letters
            WHERE tenant = $1 AND settled_as IS NULL) d
"""

_LATENCY = """
    WITH latest AS (
        SELECT received_at, inserted_at FROM batches WHERE tenant = $1 AND received_at >= $2
        ORDER BY received_at DESC LIMIT $3
    ), taken AS (
        SELECT greatest(0, extract(epoch FROM inserted_at - received_at) * 1000000)::bigint AS took
        FROM latest WHERE inserted_at >= $4
    )
    SELECT count(*) AS batches, percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took) AS percentiles,
        max(took) AS longest
    FROM taken
"""
