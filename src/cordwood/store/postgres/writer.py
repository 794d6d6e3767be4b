"""Loads → one transaction."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from cordwood.db.postgres import Conflict, Connection, Database
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Written
from cordwood.store.outcomes import outcomes
from cordwood.store.postgres.copy import COLUMNS, SIGNATURE, TRAILER, Rows, rows_of
from cordwood.store.slices import slice_of

_COPY_TIMEOUT_S = 120.0
_COPY_CHUNK_BYTES = 256 << 10
"""A long write in one piece would be copied whole, and hold up the event loop meanwhile."""
_ATTEMPTS = 4
"""Of a transaction that others are in the way of; they do not wait for each other twice."""


class _TakenBack(Exception):
    """Ends a transaction that must leave nothing behind."""


class PostgresWriter:
    """Writes rows, batch entries, dead letters and slice versions together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, loads: Sequence[Load]) -> list[Written]:
        """See `store.interface.Writer.write`."""
        now_us = _now_us()
        unique = {load.batch.header.id: load for load in reversed(loads)}
        # The order keeps two workers with the same batches from waiting for each other in a circle.
        ordered = [unique[batch_id] for batch_id in sorted(unique)]
        rows = await asyncio.to_thread(lambda: [rows_of(load, now_us) for load in ordered])
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(Conflict):
                return outcomes(loads, await self._write(rows, now_us))
        return outcomes(loads, await self._write(rows, now_us))

    async def probe(self, load: Load, first: int, count: int) -> None:
        """See `store.interface.Writer.probe`: the real write of these rows, taken back."""
        rows = await asyncio.to_thread(rows_of, load, _now_us(), first=first, count=count)
        try:
            async with self._database.connection() as connection, connection.transaction():
                await _copy(connection, [rows])
                raise _TakenBack
        except _TakenBack:
            return

    async def _write(self, rows: Sequence[Rows], now_us: int) -> set[UUID]:
        """The ids of the batches that were not there before."""
        async with self._database.connection() as connection, connection.transaction():
            fresh = await _insert_batches(connection, rows)
            new = [each for each in rows if each.load.batch.header.id in fresh]
            await _copy(connection, new)
            await _insert_dead_letters(connection, new)
            await _raise_versions(connection, new, now_us)
        return fresh


async def _insert_batches(connection: Connection, rows: Sequence[Rows]) -> set[UUID]:
    """The ids that were not there before. Waits for another transaction that is inserting one of them."""
    headers = [each.load.batch.header for each in rows]
    inserted = await connection.fetch(
        _INSERT_BATCHES,
        [header.id for header in headers],
        [header.tenant for header in headers],
        [header.protocol for header in headers],
        [header.producer for header in headers],
        [header.sequence for header in headers],
        [header.events for header in headers],
        [each.stored for each in rows],
        [len(each.load.dead) for each in rows],
        [header.received_at_us for header in headers],
        [each.min_us for each in rows],
        [each.max_us for each in rows],
    )
    return {row["id"] for row in inserted}


async def _copy(connection: Connection, rows: Sequence[Rows]) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield SIGNATURE
        for each in rows:
            for start in range(0, len(each.encoded), _COPY_CHUNK_BYTES):
                yield each.encoded[start : start + _COPY_CHUNK_BYTES]
        yield TRAILER

    if any(each.stored for each in rows):
        await connection.copy_to_table(
            "logs", source=stream(), columns=list(COLUMNS), format="binary", timeout=_COPY_TIMEOUT_S
        )


async def _insert_dead_letters(connection: Connection, rows: Sequence[Rows]) -> None:
    dead = [letter for each in rows for letter in each.load.dead]
    if dead:
        await connection.executemany(
            "INSERT INTO dead_letters (batch_id, ordinal, tenant, protocol, reason, received_at, body) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                (letter.batch_id, letter.ordinal, letter.tenant, letter.protocol, letter.reason.replace("\0", ""),
                 letter.received_at_us, letter.body)
                for letter in dead
            ],
        )  # fmt: skip


async def _raise_versions(connection: Connection, rows: Sequence[Rows], now_us: int) -> None:
    """Last in the transaction, and in order: these rows are what concurrent writers wait for each other on."""
    touched: set[tuple[Tenant, int]] = {
        (each.load.batch.header.tenant, slice_of(timestamp_us, now_us))
        for each in rows
        for timestamp_us in each.timestamps
    }
    if touched:
        ordered = sorted(touched)
        await connection.execute(_RAISE_VERSIONS, [tenant for tenant, _ in ordered], [hour for _, hour in ordered])


def _now_us() -> int:
    return time.time_ns() // 1_000


_INSERT_BATCHES = """
    INSERT INTO batches (id, tenant, protocol, producer, sequence, events, stored, dead_lettered, received_at,
        min_ts, max_ts)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::int[], $7::int[], $8::int[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

# A slice begins at a random version: two databases behind one cache must not be taken for each other.
_RAISE_VERSIONS = """
    INSERT INTO slices (tenant, hour, version)
    SELECT tenant, hour, 1 + (random() * 1099511627776)::bigint
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t(tenant, hour, n) ORDER BY n
    ON CONFLICT (tenant, hour) DO UPDATE SET version = slices.version + 1
"""
