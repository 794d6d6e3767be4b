"""The ledger's questions, answered by PostgreSQL."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import LiteralString, TypeAlias
from uuid import UUID

from msgspec import Struct

from cordwood.db.postgres import Connection, Database
from cordwood.model.deadletter import LetterFate
from cordwood.model.ledger import (
    MINUTE_US,
    RECHECKED_MINUTES,
    Accounts,
    BatchAccount,
    Check,
    Counts,
    Damage,
    Holding,
    Minute,
    Missing,
    ProducerAccount,
    TenantAccount,
)
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.rollup_audit import wrong_rollups

_COUNT_TIMEOUT_S = 3600.0


class Held(Struct, frozen=True):
    """Events by tenant and day that are there, and those that cannot be read."""

    counted: Mapping[tuple[Tenant, int], int] = {}
    damaged: Sequence[Damage] = ()
    rows: Mapping[tuple[Tenant, int], int] | None = None
    """Rows beside segments; None where rows are all there is."""


Counting: TypeAlias = Callable[[Connection, Tenant | None], Awaitable[Held]]
"""Counts all events, or those of one tenant, as the connection's snapshot has them."""


class PostgresBooks:
    """Reads the books that the writer keeps."""

    def __init__(self, database: Database, counting: Counting) -> None:
        self._database = database
        self._counting = counting

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

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        """See `store.interface.Books.forgotten`."""
        async with self._database.connection() as connection:
            last: UUID | None = await connection.fetchval(_FORGOTTEN, tenant)
        return last

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
            rows = await connection.fetch(_MINUTES, tenant, start_us / MINUTE_US, end_us / MINUTE_US)
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
            held = await self._counting(connection, tenant) if is_counted else None
            return Accounts(
                producers=await _producers(connection, tenant, is_counted=is_counted),
                tenants=await _tenants(connection, tenant),
                holdings=await _holdings(connection, tenant, held),
                damaged=held.damaged if held is not None else (),
                checks=await _checks(connection, tenant, is_counted=is_counted),
                drained_us=await connection.fetchval(_DRAINED),
            )


async def _producers(connection: Connection, tenant: Tenant | None, *, is_counted: bool) -> list[ProducerAccount]:
    known = "folded" if is_counted else "balanced"
    last_stage = 1 if is_counted else 0
    missing: dict[UUID, list[Missing]] = {}
    for row in await connection.fetch(_MISSING[known], tenant, last_stage, timeout=_COUNT_TIMEOUT_S):
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
        for row in await connection.fetch(_PRODUCERS, tenant, last_stage, timeout=_COUNT_TIMEOUT_S)
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


async def _checks(connection: Connection, tenant: Tenant | None, *, is_counted: bool) -> list[Check]:
    sql = _CHECK_ALL if is_counted else _CHECK_RECENT
    return [
        Check(tenant=Tenant(row["tenant"]), booked=_counts(row, ""), recorded=_counts(row, "r_"))
        for row in await connection.fetch(sql, tenant, timeout=_COUNT_TIMEOUT_S)
    ]


def _counts(row: Mapping[str, int], prefix: str) -> Counts:
    return Counts(
        batches=row[f"{prefix}batches"],
        accepted=row[f"{prefix}accepted"],
        stored=row[f"{prefix}stored"],
        deduplicated=row[f"{prefix}deduplicated"],
        dead_lettered=row[f"{prefix}dead_lettered"],
    )


async def _holdings(connection: Connection, tenant: Tenant | None, held: Held | None) -> list[Holding]:
    booked = {
        (Tenant(row["tenant"]), row["day"]): (row["stored"], row["expired"], row["deleted"], row["kept_rows"])
        for row in await connection.fetch(_HOLDINGS, tenant)
    }
    counted = {} if held is None else held.counted
    rows = None if held is None else held.rows
    return [
        Holding(
            tenant=owner,
            day=day,
            stored=stored,
            expired=expired,
            deleted=deleted,
            held=None if held is None else counted.get((owner, day), 0),
            kept_rows=kept_rows,
            held_rows=None if rows is None else rows.get((owner, day), 0),
        )
        for owner, day in sorted(booked.keys() | counted.keys() | (rows or {}).keys())
        for stored, expired, deleted, kept_rows in [booked.get((owner, day), (0, 0, 0, 0))]
    ]


async def count_rows(connection: Connection, tenant: Tenant | None) -> Held:
    """All rows of `logs`, which questions are answered from."""
    return Held(await held_rows(connection, tenant), await wrong_rollups(connection, tenant))


async def held_rows(connection: Connection, tenant: Tenant | None) -> Mapping[tuple[Tenant, int], int]:
    """How many rows `logs` has."""
    rows = await connection.fetch(_COUNT, tenant, timeout=_COUNT_TIMEOUT_S)
    return {(Tenant(row["tenant"]), row["day"]): row["held"] for row in rows}


# A worker that was not seen for a minute while others of its queue were has ended. Where all of a queue have, it may
# hold batches: what it was like when they saw it last counts, for the day that they are remembered.
_DRAINED = """
    SELECT CASE WHEN bool_and(drained_at IS NOT NULL) THEN min(drained_at) END FROM workers w
    WHERE seen_at > (
        SELECT max(seen_at) FROM workers o WHERE o.queue = w.queue OR w.queue = ''
    ) - interval '1 minute'
"""

_BATCHES = """
    SELECT id, tenant, events, stored, deduplicated, dead_lettered, duplicate_of, received_at, inserted_at
    FROM batches WHERE id = ANY($1::uuid[]) AND tenant = $2
"""

_DEAD = """
    SELECT batch_id, ordinal, events, reason, settled_as FROM dead_letters
    WHERE batch_id = ANY($1::uuid[]) AND tenant = $2 ORDER BY batch_id, ordinal
"""

_FORGOTTEN = "SELECT last_id FROM totals WHERE tenant = $1 AND is_folded"

_MINUTES = """
    SELECT minute, batches, accepted, stored, deduplicated, dead_lettered FROM minutes
    WHERE tenant = $1 AND minute >= $2::float8 AND minute < $3::float8 ORDER BY minute
"""


# What lies before the balanced mark was taken into the row. Batches without a number (0) are behind no mark.
_PRODUCERS = """
    SELECT p.id AS producer, p.tenant, greatest(p.settled, p.balanced, r.highest) AS highest, p.settled,
        greatest(p.heard_at, r.heard_at) AS heard_at, p.is_ended
    FROM producers p LEFT JOIN LATERAL (
        SELECT max(sequence) AS highest, max(inserted_at) AS heard_at FROM batches b
        WHERE b.producer = p.id AND b.sequence > CASE balanced WHEN 0 THEN -1 ELSE balanced END
    ) r ON true
    WHERE stage <= $2 AND ($1::text IS NULL OR tenant = $1) ORDER BY 5, 1
"""


def _missing_sql(known: LiteralString) -> LiteralString:
    """Runs of numbers behind the mark and before a known one that no known one covers."""
    # Behind the balanced mark there are few: OFFSET keeps the planner, which cannot know, from reading them all.
    batches: LiteralString = (
        "asked JOIN LATERAL (SELECT * FROM batches WHERE producer = who AND sequence > mark OFFSET 0) b ON true"
        if known == "balanced"
        else "asked JOIN batches ON producer = who AND sequence > mark"
    )
    return f"""
        WITH asked AS (
            SELECT id AS who, {known} AS mark, settled, heard_at FROM producers
            WHERE stage <= $2 AND ($1::text IS NULL OR tenant = $1)
        ), known AS (
            SELECT producer, sequence AS first, sequence AS last, inserted_at AS at, mark
            FROM {batches}
            UNION ALL
            SELECT producer, first, last, heard_at, mark FROM asked JOIN abandoned ON producer = who AND last > mark
            UNION ALL
            SELECT who, settled + 1, settled, heard_at, mark FROM asked
        ), ordered AS (
            SELECT producer, first, at, greatest(mark, max(last) OVER (PARTITION BY producer ORDER BY first, last
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before
            FROM known
        )
        SELECT producer, before + 1 AS first, first - 1 AS last, at AS since
        FROM ordered WHERE first > before + 1 ORDER BY producer, first
    """


_MISSING = {"balanced": _missing_sql("balanced"), "folded": _missing_sql("folded")}

_TENANTS = """
    WITH dead AS (
        SELECT tenant, sum(events) FILTER (WHERE settled_as IS NULL)::bigint AS held,
            sum(events) FILTER (WHERE settled_as IS NOT NULL)::bigint AS settled
        FROM dead_letters WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant
    ), counted AS (SELECT * FROM totals WHERE NOT is_folded AND ($1::text IS NULL OR tenant = $1))
    SELECT tenant, coalesce(c.batches, 0) AS batches, coalesce(c.accepted, 0) AS accepted,
        coalesce(c.stored, 0) AS stored, coalesce(c.deduplicated, 0) AS deduplicated,
        coalesce(c.dead_lettered, 0) AS dead_lettered, coalesce(held, 0) AS held,
        coalesce(settled, 0) + coalesce(f.letters, 0) AS settled
    FROM counted c FULL JOIN dead USING (tenant)
        LEFT JOIN (SELECT tenant, letters FROM totals WHERE is_folded) f USING (tenant)
    ORDER BY tenant
"""

_SUMS = ", ".join(
    f"coalesce(sum({column}), 0)::bigint AS {name}"
    for name, column in {
        "accepted": "events",
        "stored": "stored",
        "deduplicated": "deduplicated",
        "dead_lettered": "dead_lettered",
    }.items()
)
_COUNTS = ("batches", "accepted", "stored", "deduplicated", "dead_lettered")
_RECORDED = ", ".join(f"r.{name} AS r_{name}" for name in _COUNTS)

# The last minutes only: none of their batches is folded yet.
_CHECK_RECENT = f"""
    SELECT t.tenant, m.*, {_RECORDED}
    FROM totals t CROSS JOIN LATERAL (
        SELECT coalesce(sum(batches), 0)::bigint AS batches, coalesce(sum(accepted), 0)::bigint AS accepted,
            coalesce(sum(stored), 0)::bigint AS stored, coalesce(sum(deduplicated), 0)::bigint AS deduplicated,
            coalesce(sum(dead_lettered), 0)::bigint AS dead_lettered
        FROM minutes
        WHERE tenant = t.tenant AND minute >= floor(extract(epoch FROM now()) / 60)::bigint - {RECHECKED_MINUTES}
    ) m CROSS JOIN LATERAL (
        SELECT count(*) AS batches, {_SUMS} FROM batches
        WHERE tenant = t.tenant AND received_at >= date_trunc('minute', now()) - interval '{RECHECKED_MINUTES} minutes'
    ) r
    WHERE NOT is_folded AND ($1::text IS NULL OR t.tenant = $1) ORDER BY t.tenant
"""

_CHECK_ALL = f"""
    WITH booked AS (
        SELECT tenant, {
    ", ".join(f"sum(CASE WHEN is_folded THEN -{name} ELSE {name} END)::bigint AS {name}" for name in _COUNTS)
}
        FROM totals WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant
    ), r AS (
        SELECT tenant, count(*) AS batches, {_SUMS} FROM batches
        WHERE $1::text IS NULL OR tenant = $1 GROUP BY tenant
    )
    SELECT tenant, {
    ", ".join(f"coalesce(b.{name}, 0) AS {name}, coalesce(r.{name}, 0) AS r_{name}" for name in _COUNTS)
}
    FROM booked b FULL JOIN r USING (tenant) ORDER BY tenant
"""

_HOLDINGS = """
    SELECT tenant, day, stored, expired, deleted, kept_rows FROM holdings WHERE $1::text IS NULL OR tenant = $1
"""

_COUNT = """
    SELECT tenant, floor(extract(epoch FROM ts) / 86400)::integer AS day, count(*) AS held
    FROM logs WHERE $1::text IS NULL OR tenant = $1 GROUP BY 1, 2
"""
