"""What the catalog tells of a tenant, at a glance."""

from cordwood.model.tenant import Tenant
from cordwood.store.gauges import Gauge, Latency
from cordwood.store.segments.catalog_reading import CatalogReading


class SegmentGauges:
    """See `store.gauges.Gauges`. Synchronous; call it in a thread."""

    def __init__(self, catalog: CatalogReading) -> None:
        self._catalog = catalog

    def gauge(self, tenant: Tenant) -> Gauge:
        ((events,),) = self._catalog.rows(_EVENTS, (tenant,))
        ((segments, size_bytes),) = self._catalog.rows(_SEGMENTS, (tenant,))
        ((letters, dead_events),) = self._catalog.rows(_LETTERS, (tenant,))
        return Gauge(
            kind="segments",
            events=events,
            segments=segments,
            bytes=size_bytes,
            dead_letters=letters,
            dead_events=dead_events,
        )

    def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        ((batches, p50_us, p99_us, max_us),) = self._catalog.rows(_LATENCY, (tenant, accepted_us, most, recorded_us))
        if not batches:
            return None
        return Latency(batches=batches, p50_us=p50_us, p99_us=p99_us, max_us=max_us)


_EVENTS = "SELECT coalesce(sum(stored - expired - deleted), 0) FROM holdings WHERE tenant = ?"

_SEGMENTS = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM segments WHERE tenant = ?"

_LETTERS = """
    SELECT count(*), coalesce(sum(events), 0) FROM dead_letters WHERE tenant = ? AND settled_as IS NULL
"""

# Percentiles as PostgreSQL's percentile_disc has them.
_LATENCY = """
    WITH latest AS (
        SELECT received_us, inserted_us FROM batches WHERE tenant = ? AND received_us >= ?
        ORDER BY received_us DESC LIMIT ?
    ), ranked AS (
        SELECT took, row_number() OVER (ORDER BY took) AS place, count(*) OVER () AS batches
        FROM (SELECT max(inserted_us - received_us, 0) AS took FROM latest WHERE inserted_us >= ?)
    )
    SELECT count(*), min(took) FILTER (WHERE place >= batches * 0.5), min(took) FILTER (WHERE place >= batches * 0.99),
        max(took)
    FROM ranked
"""
