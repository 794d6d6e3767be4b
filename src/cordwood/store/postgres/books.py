"""The ledger's questions, answered by PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.model.deadletter import LetterFate
from cordwood.model.ledger import (
    MINUTE_US,
    Accounts,
    BatchAccount,
    Holding,
    Minute,
    Missing,
    ProducerAccount,
    TenantAccount,
)
from cordwood.model.tenant import Tenant

_COUNT_TIMEOUT_S = 3600.0


class PostgresBooks:
    """Reads the books that the writer keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def batches(self, ids: Sequence[UUID], tenant: Tenant) -> list[BatchAccount]:
        """See `store.interface.Books.batches`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_BATCHES, list(ids), tenant)
        return [
            BatchAccount(
                id=row["id"],
                tenant=Tenant(row["tenant"]),
                events=row["events"],
                stored=row["stored"],
                deduplicated=row["deduplicated"],
                dead_lettered=row["dead_lettered"],
                duplicate_of=row["duplicate_of"],
                received_at_us=row["received_at"],
                inserted_at_us=row["inserted_at"],
            )
            for row in rows
        ]

    async def dead_letters_of(self, ids: Sequence[UUID], tenant: Tenant) -> list[LetterFate]:
        """See `store.interface.Books.dead_letters_of`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_DEAD, list(ids), tenant)
        return [
            LetterFate(row["batch_id"], row["ordinal"], row["events"], row["reason"], row["settled_as"]) for row in rows
        ]

    async def minutes(self, tenant: Tenant, start_us: int, end_us: int) -> list[Minute]:
        """See `store.interface.Books.minutes`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_MINUTES, tenant, start_us, end_us)
        return [
            Minute(
                start_us=row["minute"] * MINUTE_US,
                batches=row["batches"],
                accepted=row["accepted"],
                stored=row["stored"],
                deduplicated=row["deduplicated"],
                dead_lettered=row["dead_lettered"],
            )
            for row in rows
        ]

    async def accounts(self, tenant: Tenant | None, *, is_counted: bool) -> Accounts:
        """See `store.interface.Books.accounts`: one snapshot."""
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return Accounts(
                producers=await _producers(connection, tenant),
                tenants=await _tenants(connection, tenant),
                holdings=await _holdings(connection, tenant, is_counted=is_counted),
                drained_us=await connection.fetchval(_DRAINED),
            )


async def _producers(connection: Connection, tenant: Tenant | None) -> list[ProducerAccount]:
    missing: dict[UUID, list[Missing]] = {}
    for row in await connection.fetch(_MISSING, tenant, timeout=_COUNT_TIMEOUT_S):
        missing.setdefault(row["producer"], []).append(Missing(row["first"], row["last"], row["since"]))
    return [
        ProducerAccount(
            id=row["producer"],
            tenant=Tenant(row["tenant"]),
            highest=row["highest"],
            settled=row["settled"],
            missing=missing.get(row["producer"], ()),
            heard_at_us=row["heard_at"],
            is_ended=row["is_ended"],
        )
        for row in await connection.fetch(_PRODUCERS, tenant, timeout=_COUNT_TIMEOUT_S)
    ]


async def _tenants(connection: Connection, tenant: Tenant | None) -> list[TenantAccount]:
    return [
        TenantAccount(
            tenant=Tenant(row["tenant"]),
            batches=row["batches"],
            accepted=row["accepted"],
            stored=row["stored"],
            deduplicated=row["deduplicated"],
            dead_lettered=row["dead_lettered"],
            dead_letters_held=row["held"],
            dead_letters_settled=row["settled"],
        )
        for row in await connection.fetch(_TENANTS, tenant, timeout=_COUNT_TIMEOUT_S)
    ]


async def _holdings(connection: Connection, tenant: Tenant | None, *, is_counted: bool) -> list[Holding]:
    booked = {
        (row["tenant"], row["day"]): (row["stored"], row["expired"], row["deleted"])
        for row in await connection.fetch(_HOLDINGS, tenant)
    }
    counted: dict[tuple[str, int], int] = {}
    if is_counted:
        rows = await connection.fetch(_COUNT, tenant, timeout=_COUNT_TIMEOUT_S)
        counted = {(row["tenant"], row["day"]): row["held"] for row in rows}
    return [
        Holding(
            tenant=Tenant(owner),
            day=day,
            stored=stored,
            expired=expired,
            deleted=deleted,
            held=counted.get((owner, day), 0) if is_counted else None,
        )
        for owner, day in sorted(booked.keys() | counted.keys())
        for stored, expired, deleted in [booked.get((owner, day), (0, 0, 0))]
    ]


# A worker that was not seen for a minute while others were has ended.
_DRAINED = """
    SELECT CASE WHEN bool_and(drained_at IS NOT NULL) THEN min(drained_at) END FROM workers
    WHERE seen_at > (SELECT max(seen_at) FROM workers) - interval '1 minute'
"""

_BATCHES = """
    SELECT id, tenant, events, stored, deduplicated, dead_lettered, duplicate_of, received_at, inserted_at
    FROM batches WHERE id = ANY($1::uuid[]) AND tenant = $2
"""

_DEAD = """
    SELECT batch_id, ordinal, events, reason, settled_as FROM dead_letters
    WHERE batch_id = ANY($1::uuid[]) AND tenant = $2 ORDER BY batch_id, ordinal
"""

_MINUTES = """
    SELECT floor(extract(epoch FROM received_at) / 60)::bigint AS minute, count(*) AS batches,
        sum(events)::bigint AS accepted, sum(stored)::bigint AS stored, sum(deduplicated)::bigint AS deduplicated,
        sum(dead_lettered)::bigint AS dead_lettered
    FROM batches WHERE tenant = $1 AND received_at >= $2 AND received_at < $3 GROUP BY 1 ORDER BY 1
"""

_PRODUCERS = """
    WITH recorded AS (
        SELECT producer, min(tenant) AS tenant, max(sequence) AS highest, max(inserted_at) AS heard_at
        FROM batches WHERE $1::text IS NULL OR tenant = $1 GROUP BY producer
    ), said AS (SELECT * FROM producers WHERE $1::text IS NULL OR tenant = $1)
    SELECT coalesce(r.producer, s.id) AS producer, coalesce(r.tenant, s.tenant) AS tenant,
        greatest(r.highest, s.settled) AS highest, coalesce(s.settled, 0) AS settled,
        greatest(r.heard_at, s.heard_at) AS heard_at,
        coalesce(s.is_ended, false) AS is_ended
    FROM recorded r FULL JOIN said s ON s.id = r.producer ORDER BY 5, 1
"""

# Runs of numbers before a known one that no known one covers.
_MISSING = """
    WITH known AS (
        SELECT producer, sequence AS first, sequence AS last, inserted_at AS at
        FROM batches WHERE $1::text IS NULL OR tenant = $1
        UNION ALL
        SELECT a.producer, a.first, a.last, p.heard_at FROM abandoned a JOIN producers p ON p.id = a.producer
        WHERE $1::text IS NULL OR p.tenant = $1
        UNION ALL
        SELECT id, settled + 1, settled + 1, heard_at FROM producers WHERE $1::text IS NULL OR tenant = $1
    ), ordered AS (
        SELECT producer, first, at, coalesce(max(last) OVER (PARTITION BY producer ORDER BY first, last
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM known
    )
    SELECT producer, before + 1 AS first, first - 1 AS last, at AS since
    FROM ordered WHERE first > before + 1 ORDER BY producer, first
"""

_TENANTS = """
    WITH accepted AS (
        SELECT tenant, count(*) AS batches, sum(events)::bigint AS accepted, sum(stored)::bigint AS stored,
            sum(deduplicated)::bigint AS deduplicated, sum(dead_lettered)::bigint AS dead_lettered
        FROM batches WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant
    ), dead AS (
        SELECT tenant, sum(events) FILTER (WHERE settled_as IS NULL)::bigint AS held,
            sum(events) FILTER (WHERE settled_as IS NOT NULL)::bigint AS settled
        FROM dead_letters WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant
    )
    SELECT tenant, coalesce(batches, 0) AS batches, coalesce(accepted, 0) AS accepted, coalesce(stored, 0) AS stored,
        coalesce(deduplicated, 0) AS deduplicated, coalesce(dead_lettered, 0) AS dead_lettered,
        coalesce(held, 0) AS held, coalesce(settled, 0) AS settled
    FROM accepted FULL JOIN dead USING (tenant) ORDER BY tenant
"""

_HOLDINGS = "SELECT tenant, day, stored, expired, deleted FROM holdings WHERE $1::text IS NULL OR tenant = $1"

_COUNT = """
    SELECT tenant, floor(extract(epoch FROM ts) / 86400)::integer AS day, count(*) AS held
    FROM logs WHERE $1::text IS NULL OR tenant = $1 GROUP BY 1, 2
"""
