"""Loads → one transaction."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from cordwood.db.postgres import Conflict, Connection, Database
from cordwood.model.ledger import Heartbeat
from cordwood.store.interface import Load, Written
from cordwood.store.outcomes import outcomes
from cordwood.store.postgres.folding import count_in, take_back_folded
from cordwood.store.postgres.keeping import Added, Entry, Keeper, Kept, require

_ATTEMPTS = 4
"""Of a transaction that others are in the way of; they do not wait for each other twice."""


class PostgresWriter:
    """Writes events, batch entries, dead letters and slice versions together."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def write(self, loads: Sequence[Load]) -> list[Written]:
        """See `store.interface.Writer.write`."""
        moment_us = now_us()
        unique = {load.batch.header.id: load for load in reversed(loads)}
        # The order keeps two workers with the same batches from waiting for each other in a circle.
        ordered = [unique[batch_id] for batch_id in sorted(unique)]
        async with self._keeper.keeping(ordered, moment_us) as kept:
            for _ in range(_ATTEMPTS - 1):
                with contextlib.suppress(Conflict):
                    return outcomes(loads, *await self._write(kept), moment_us)
            return outcomes(loads, *await self._write(kept), moment_us)

    async def probe(self, load: Load, first: int, count: int) -> None:
        """See `store.interface.Writer.probe`."""
        await self._keeper.probe(load, now_us(), first, count)

    async def hear(self, beats: Sequence[Heartbeat]) -> None:
        """See `store.interface.Writer.hear`."""
        ordered = sorted(beats, key=lambda beat: (beat.producer, beat.settled, beat.is_ended))
        latest = list({beat.producer: beat for beat in ordered}.values())
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                _HEAR,
                [beat.producer for beat in latest],
                [beat.tenant for beat in latest],
                [beat.settled for beat in latest],
                [beat.said_at_us for beat in latest],
                [beat.is_ended for beat in latest],
            )
            ranges = [(beat.producer, first, last) for beat in ordered for first, last in beat.abandoned]
            if ranges:
                producers, firsts, lasts = map(list, zip(*ranges, strict=True))
                await connection.execute(_ABANDON, producers, firsts, lasts)

    async def _write(self, kept: Kept) -> tuple[set[UUID], dict[UUID, UUID]]:
        """The ids of the batches that were not there before, and which of them repeat an earlier one's request."""
        entries = kept.entries
        async with self._database.connection() as connection, connection.transaction(isolation="read_committed"):
            repeated = await _repetitions(connection, entries)
            fresh = await _insert_batches(connection, entries, repeated)
            await require(connection, self._keeper.answers)
            headers = [each.load.batch.header for each in entries if each.id in fresh]
            fresh -= await take_back_folded(connection, headers)
            new = [place for place, each in enumerate(entries) if each.id in fresh and each.id not in repeated]
            added = await kept.put(connection, new)
            await _insert_dead_letters(connection, [entries[place] for place in new])
            await raise_versions(connection, added)
            await hold(connection, added)
            await count_in(connection, list(fresh))
        return fresh, repeated

    async def report(self, worker: UUID, queue: str, *, is_drained: bool) -> None:
        """See `store.interface.Writer.report`."""
        async with self._database.connection() as connection:
            await connection.execute(_REPORT, worker, queue, is_drained)


async def _repetitions(connection: Connection, entries: Sequence[Entry]) -> dict[UUID, UUID]:
    """Batches that repeat the request of an earlier one, and that one. Waits for a transaction that is storing it."""
    headers = [each.load.batch.header for each in entries]
    marked = sorted(
        (header.tenant, header.idempotency, header.id) for header in headers if header.idempotency is not None
    )
    if not marked:
        return {}
    tenants, marks, ids = map(list, zip(*marked, strict=True))
    await connection.execute(_MARK, tenants, marks, ids)
    found = await connection.fetch(_FIRST_OF_MARK, tenants, marks, ids)
    return {row["id"]: row["first"] for row in found}


async def _insert_batches(connection: Connection, entries: Sequence[Entry], repeated: Mapping[UUID, UUID]) -> set[UUID]:
    """The ids that were not there before. Waits for another transaction that is inserting one of them."""
    headers = [each.load.batch.header for each in entries]
    is_kept = [header.id not in repeated for header in headers]
    inserted = await connection.fetch(
        _INSERT_BATCHES,
        [header.id for header in headers],
        [header.tenant for header in headers],
        [header.protocol for header in headers],
        [header.producer for header in headers],
        [header.sequence for header in headers],
        [header.events for header in headers],
        [each.stored if kept else 0 for each, kept in zip(entries, is_kept, strict=True)],
        [each.load.dead_events if kept else 0 for each, kept in zip(entries, is_kept, strict=True)],
        [0 if kept else header.events for header, kept in zip(headers, is_kept, strict=True)],
        [repeated.get(header.id) for header in headers],
        [header.received_at_us for header in headers],
        [each.min_us if kept else None for each, kept in zip(entries, is_kept, strict=True)],
        [each.max_us if kept else None for each, kept in zip(entries, is_kept, strict=True)],
    )
    return {row["id"] for row in inserted}


async def _insert_dead_letters(connection: Connection, entries: Sequence[Entry]) -> None:
    dead = [letter for each in entries for letter in each.load.dead]
    if dead:
        await connection.executemany(
            "INSERT INTO dead_letters (batch_id, ordinal, tenant, protocol, reason, received_at, body, events) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                (letter.batch_id, letter.ordinal, letter.tenant, letter.protocol, letter.reason.replace("\0", ""),
                 letter.received_at_us, letter.body, letter.events)
                for letter in dead
            ],
        )  # fmt: skip


async def hold(connection: Connection, added: Added) -> None:
    """In order, for the same reason as the versions. Of rollups rows are only added: in whatever order."""
    if added.held:
        ordered = sorted(added.held.items())
        rolled = list(added.rolled.items())
        await connection.execute(
            _HOLD, [tenant for (tenant, _), _ in ordered], [day for (_, day), _ in ordered],
            [count for _, count in ordered], [added.rows.get(place, 0) for place, _ in ordered],
            [tenant for (tenant, _, _, _), _ in rolled], [minute for (_, minute, _, _), _ in rolled],
            [level for (_, _, level, _), _ in rolled], [service for (_, _, _, service), _ in rolled],
            [count for _, count in rolled],
        )  # fmt: skip


async def raise_versions(connection: Connection, added: Added) -> None:
    """Late in the transaction, and in order: these rows are what concurrent writers wait for each other on."""
    if added.touched:
        ordered = sorted(added.touched)
        await connection.execute(_RAISE_VERSIONS, [tenant for tenant, _ in ordered], [hour for _, hour in ordered])


def now_us() -> int:
    return time.time_ns() // 1_000


_INSERT_BATCHES = """
    INSERT INTO batches (id, tenant, protocol, producer, sequence, events, stored, dead_lettered, deduplicated,
        duplicate_of, received_at, min_ts, max_ts)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::int[], $7::int[], $8::int[],
        $9::int[], $10::uuid[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[])
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

_MARK = """
    INSERT INTO idempotency (tenant, mark, batch_id)
    SELECT * FROM unnest($1::text[], $2::text[]::uuid[], $3::uuid[])
    ON CONFLICT (tenant, mark) DO NOTHING
"""

_FIRST_OF_MARK = """
    SELECT m.id, i.batch_id AS first
    FROM unnest($1::text[], $2::text[]::uuid[], $3::uuid[]) AS m(tenant, mark, id)
        JOIN idempotency i USING (tenant, mark)
    WHERE i.batch_id <> m.id
"""

_HEAR = """
    INSERT INTO producers (id, tenant, settled, said_at, is_ended)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::boolean[])
    ON CONFLICT (id) DO UPDATE SET settled = greatest(producers.settled, excluded.settled),
        heard_at = CASE WHEN excluded.said_at > producers.said_at THEN now() ELSE producers.heard_at END,
        said_at = greatest(producers.said_at, excluded.said_at), is_ended = producers.is_ended OR excluded.is_ended,
        stage = CASE WHEN excluded.settled > producers.settled THEN 0 ELSE producers.stage END
"""

_REPORT = """
    WITH gone AS (DELETE FROM workers WHERE seen_at < now() - interval '1 day' AND id <> $1)
    INSERT INTO workers (id, queue, seen_at, drained_at) VALUES ($1, $2, now(), CASE WHEN $3 THEN now() END)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at,
        drained_at = coalesce(excluded.drained_at, workers.drained_at)
"""

_ABANDON = """
    INSERT INTO abandoned (producer, first, last)
        SELECT producer, first, last FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS a(producer, first, last)
            JOIN producers p ON p.id = producer WHERE last > folded
    ON CONFLICT DO NOTHING
"""

_HOLD = """
    WITH rolled AS (
        INSERT INTO rollup_changes (tenant, minute, level, service, events)
        SELECT * FROM unnest($5::text[], $6::bigint[], $7::text[], $8::text[], $9::bigint[])
    )
    INSERT INTO holdings (tenant, day, stored, kept_rows)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
    ON CONFLICT (tenant, day) DO UPDATE
    SET stored = holdings.stored + excluded.stored, kept_rows = holdings.kept_rows + excluded.kept_rows
"""

# A slice begins at a random version: two databases behind one cache must not be taken for each other.
_RAISE_VERSIONS = """
    INSERT INTO slices (tenant, hour, version)
    SELECT tenant, hour, 1 + (random() * 1099511627776)::bigint
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t(tenant, hour, n) ORDER BY n
    ON CONFLICT (tenant, hour) DO UPDATE SET version = slices.version + 1
"""
