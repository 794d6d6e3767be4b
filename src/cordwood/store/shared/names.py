"""Rows of the table `segments`: the names of files, and all that is known of them."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from cordwood.db.postgres import Conflict, Connection
from cordwood.model.event import MAX_TIMESTAMP_US
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.naming import Told

_segment = msgspec.json.Decoder(Segment)


async def insert(connection: Connection, segments: Sequence[Segment]) -> None:
    """Name files, which are complete and synced, in the connection's transaction."""
    await connection.execute(
        _INSERT,
        [each.path for each in segments],
        [each.tenant for each in segments],
        [each.events for each in segments],
        [each.size_bytes for each in segments],
        [each.min_us for each in segments],
        [each.max_us for each in segments],
        [msgspec.json.encode(replace(each, rollup=None)).decode() for each in segments],
        [each.rollup for each in segments],
    )


async def take_out(connection: Connection, segments: Sequence[Segment]) -> None:
    """No question that begins after this transaction reads these. Raises Conflict when one of them was taken out by
    another transaction."""
    paths = sorted(each.path for each in segments)
    found = await connection.fetch(_LOCK, paths)
    if len(found) != len(paths):
        raise Conflict("segments were merged or removed by somebody else meanwhile", hint="it is tried again")
    await connection.execute("UPDATE segments SET gone_at = clock_timestamp() WHERE path = ANY($1::text[])", paths)


async def within(
    connection: Connection, tenant: Tenant, start_us: int | None, end_us: int | None
) -> tuple[list[Segment], dict[str, str]]:
    """See `store.segments.naming.Listing.segments`."""
    if end_us is not None and end_us > MAX_TIMESTAMP_US:  # beyond it, no timestamp is
        end_us = None
    rows = await connection.fetch(_WITHIN, tenant, start_us, end_us)
    segments = [_segment.decode(row["segment"]) for row in rows]
    reasons = {
        segment.path: row["damage"] for segment, row in zip(segments, rows, strict=True) if row["damage"] is not None
    }
    return segments, reasons


async def told(connection: Connection, tenant: Tenant, start_us: int | None, end_us: int | None) -> Told:
    """See `store.segments.naming.Listing.told`."""
    if end_us is not None and end_us > MAX_TIMESTAMP_US:  # beyond it, no timestamp is
        end_us = None
    rows = await connection.fetch(_TOLD, tenant, start_us, end_us)
    return Told(
        {row["path"]: row["rollup"] for row in rows if row["rollup"] is not None},
        [_segment.decode(row["segment"]) for row in rows if row["segment"] is not None],
        {row["path"]: row["damage"] for row in rows if row["damage"] is not None},
    )


async def all_rollups(connection: Connection, tenant: Tenant | None) -> dict[str, bytes]:
    """Every rollup, or every one of a tenant, by path."""
    return {row["path"]: row["rollup"] for row in await connection.fetch(_ALL_ROLLUPS, tenant)}


async def every(connection: Connection, tenant: Tenant | None) -> list[Segment]:
    """Every segment, or every one of a tenant, by path."""
    return [_segment.decode(row["segment"]) for row in await connection.fetch(_EVERY, tenant)]


async def small(connection: Connection, events: int, tenant: Tenant | None) -> list[Segment]:
    """Segments with fewer than so many events, of every tenant or of one, by path."""
    return [_segment.decode(row["segment"]) for row in await connection.fetch(_SMALL, events, tenant)]


_INSERT = """
    INSERT INTO segments (path, tenant, events, size_bytes, min_ts, max_ts, segment, rollup)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
        $7::json[], $8::bytea[])
"""

# In order, so that two transactions do not wait for each other in a circle.
_LOCK = "SELECT path FROM segments WHERE path = ANY($1::text[]) AND gone_at IS NULL ORDER BY path FOR UPDATE"

_WITHIN = """
    SELECT segment, damage FROM segments
    WHERE gone_at IS NULL AND tenant = $1 AND ($2::timestamptz IS NULL OR max_ts >= $2)
        AND ($3::timestamptz IS NULL OR min_ts < $3)
    ORDER BY max_ts DESC, path
"""

_IS_TOLD = """
    (rollup IS NOT NULL AND ($2::timestamptz IS NULL OR min_ts >= $2) AND ($3::timestamptz IS NULL OR max_ts < $3))
"""

_TOLD = f"""
    SELECT path, CASE WHEN {_IS_TOLD} THEN rollup END AS rollup, CASE WHEN NOT {_IS_TOLD} THEN segment END AS segment,
        damage
    FROM segments
    WHERE gone_at IS NULL AND tenant = $1 AND ($2::timestamptz IS NULL OR max_ts >= $2)
        AND ($3::timestamptz IS NULL OR min_ts < $3)
    ORDER BY max_ts DESC, path
"""

_ALL_ROLLUPS = """
    SELECT path, rollup FROM segments
    WHERE gone_at IS NULL AND rollup IS NOT NULL AND ($1::text IS NULL OR tenant = $1)
"""

_EVERY = """
    SELECT segment FROM segments WHERE gone_at IS NULL AND ($1::text IS NULL OR tenant = $1) ORDER BY path
"""

_SMALL = """
    SELECT segment FROM segments WHERE gone_at IS NULL AND events < $1 AND ($2::text IS NULL OR tenant = $2)
    ORDER BY path
"""
