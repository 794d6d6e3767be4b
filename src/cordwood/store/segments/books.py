"""The ledger's questions, answered by the catalog; and by the files, when they are to be counted."""

from collections.abc import Sequence
from uuid import UUID

from cordwood.model.deadletter import LetterFate
from cordwood.model.ledger import (
    MINUTE_US,
    RECHECKED_MINUTES,
    Accounts,
    BatchAccount,
    Check,
    Counts,
    Holding,
    Minute,
    Missing,
    ProducerAccount,
    TenantAccount,
)
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.counting import count
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files

_IDS_AT_ONCE = 10_000


class SegmentBooks:
    """Synchronous; call it in a thread."""

    def __init__(self, files: Files, catalog: Catalog, engine: Engine) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine

    def batches(self, ids: Sequence[UUID], tenant: Tenant) -> list[BatchAccount]:
        """See `store.interface.Books.batches`."""
        found: list[BatchAccount] = []
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = [each.bytes for each in ids[start : start + _IDS_AT_ONCE]]
            marks = ",".join("?" * len(some))
            found += [
                BatchAccount(
                    id=UUID(bytes=row[0]),
                    tenant=Tenant(row[1]),
                    events=row[2],
                    stored=row[3],
                    deduplicated=row[4],
                    dead_lettered=row[5],
                    duplicate_of=None if row[6] is None else UUID(bytes=row[6]),
                    received_at_us=row[7],
                    inserted_at_us=row[8],
                )
                for row in self._catalog.rows(f"{_BATCHES} AND id IN ({marks})", [tenant, *some])
            ]
        return found

    def dead_letters_of(self, ids: Sequence[UUID], tenant: Tenant) -> list[LetterFate]:
        """See `store.interface.Books.dead_letters_of`."""
        return [
            LetterFate(UUID(bytes=row[0]), *row[1:])
            for batch_id in ids
            for row in self._catalog.rows(_DEAD, (batch_id.bytes, tenant))
        ]

    def minutes(self, tenant: Tenant, start_us: int, end_us: int) -> list[Minute]:
        """See `store.interface.Books.minutes`."""
        return [
            Minute(
                start_us=row[0] * MINUTE_US,
                batches=row[1],
                accepted=row[2],
                stored=row[3],
                deduplicated=row[4],
                dead_lettered=row[5],
            )
            for row in self._catalog.rows(_MINUTES, (tenant, start_us / MINUTE_US, end_us / MINUTE_US))
        ]

    def accounts(self, tenant: Tenant | None, *, is_counted: bool) -> Accounts:
        """See `store.interface.Books.accounts`. Files are counted after the snapshot: they never change, and stay."""
        with self._catalog.snapshot():
            producers = self._producers(tenant, is_counted=is_counted)
            checks = self._checks(tenant, is_counted=is_counted)
            tenants = [
                TenantAccount(
                    tenant=Tenant(row[0]),
                    batches=row[1],
                    accepted=row[2],
                    stored=row[3],
                    deduplicated=row[4],
                    dead_lettered=row[5],
                    dead_letters_held=row[6],
                    dead_letters_settled=row[7],
                )
                for row in self._catalog.rows(_TENANTS, {"tenant": tenant})
            ]
            booked = {
                (Tenant(row[0]), int(row[1])): (row[2], row[3], row[4])
                for row in self._catalog.rows(_HOLDINGS, {"tenant": tenant})
            }
            segments = self._catalog.all_segments(tenant) if is_counted else []
            rollups = self._catalog.all_rollups(tenant) if is_counted else {}
            ((drained_us,),) = self._catalog.rows("SELECT max(drained_us) FROM workers", ())
        counted, damaged = count(self._engine, self._files, segments, rollups)
        holdings = [
            Holding(
                tenant=owner,
                day=day,
                stored=stored,
                expired=expired,
                deleted=deleted,
                held=counted[owner, day] if is_counted else None,
            )
            for owner, day in sorted(booked.keys() | counted.keys())
            for stored, expired, deleted in [booked.get((owner, day), (0, 0, 0))]
        ]
        return Accounts(
            producers=producers,
            tenants=tenants,
            holdings=holdings,
            damaged=damaged,
            checks=checks,
            drained_us=drained_us,
        )

    def _checks(self, tenant: Tenant | None, *, is_counted: bool) -> list[Check]:
        sums: dict[Tenant, list[Counts]] = {}
        for owner, _, *counts in self._catalog.rows(_CHECK_ALL if is_counted else _CHECK_RECENT, {"tenant": tenant}):
            sums.setdefault(owner, []).append(Counts(**dict(zip(Counts.__struct_fields__, counts, strict=True))))
        return [Check(tenant=owner, booked=booked, recorded=recorded) for owner, (booked, recorded) in sums.items()]

    def _producers(self, tenant: Tenant | None, *, is_counted: bool) -> list[ProducerAccount]:
        known = "folded" if is_counted else "balanced"
        asked = {"tenant": tenant}
        missing: dict[bytes, list[Missing]] = {}
        for producer, first, last, since_us in self._catalog.rows(_MISSING[known], asked):
            missing.setdefault(producer, []).append(Missing(first, last, since_us))
        return [
            ProducerAccount(
                id=UUID(bytes=row[0]),
                tenant=Tenant(row[1]),
                highest=row[2],
                settled=row[5],
                missing=missing.get(row[0], ()),
                heard_at_us=row[3],
                is_ended=bool(row[4]),
            )
            for row in self._catalog.rows(_PRODUCERS[known], asked)
        ]


_BATCHES = """
    SELECT id, tenant, events, stored, deduplicated, dead_lettered, duplicate_of, received_us, inserted_us
    FROM batches WHERE tenant = ?
"""

_DEAD = """
    SELECT batch_id, ordinal, events, reason, settled_as FROM dead_letters
    WHERE batch_id = ? AND tenant = ? ORDER BY ordinal
"""

_MINUTES = """
    SELECT minute, batches, accepted, stored, deduplicated, dead_lettered FROM minutes
    WHERE tenant = ? AND minute >= ? AND minute < ? ORDER BY minute
"""


def _producers_sql(known: str) -> str:
    """What lies before the balanced mark was taken into the row. Batches without a number (0) are behind no mark."""
    return f"""
        SELECT p.id, p.tenant, max(p.settled, p.balanced, coalesce(max(b.sequence), 0)),
            max(p.heard_us, coalesce(max(b.inserted_us), 0)) AS heard_us, p.is_ended, p.settled
        FROM producers p
            LEFT JOIN batches b ON b.producer = p.id AND b.sequence > iif(p.balanced = 0, -1, p.balanced)
        WHERE {_stages(known)} AND (:tenant IS NULL OR p.tenant = :tenant) GROUP BY p.id ORDER BY 4, 1
    """


def _missing_sql(known: str) -> str:
    """Runs of numbers behind the mark and before a known one that no known one covers."""
    # To read nearly all records, by number would be to read them in no order.
    asked = "asked CROSS JOIN batches" if known == "balanced" else "batches NOT INDEXED CROSS JOIN asked"
    return f"""
        WITH asked AS (
            SELECT id AS who, {known} AS mark, settled, heard_us FROM producers p
            WHERE {_stages(known)} AND (:tenant IS NULL OR tenant = :tenant)
        ), known AS (
            SELECT producer, sequence AS first, sequence AS last, inserted_us AS at_us, mark
            FROM {asked} ON producer = who AND sequence > mark
            UNION ALL
            SELECT producer, first, last, heard_us, mark
            FROM asked CROSS JOIN abandoned ON producer = who AND last > mark
            UNION ALL
            SELECT who, settled + 1, settled, heard_us, mark FROM asked
        ), ordered AS (
            SELECT producer, first, at_us, max(mark, coalesce(max(last) OVER (PARTITION BY producer
                ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS before
            FROM known
        )
        SELECT producer, before + 1, first - 1, at_us FROM ordered WHERE first > before + 1 ORDER BY producer, first
    """


def _stages(known: str) -> str:
    """Spelt so that the index of open producers serves."""
    return "p.stage = 0" if known == "balanced" else "p.stage < 2"


_PRODUCERS = {"balanced": _producers_sql("balanced"), "folded": _producers_sql("folded")}
_MISSING = {"balanced": _missing_sql("balanced"), "folded": _missing_sql("folded")}

_TENANTS = """
    WITH counts AS (
        SELECT tenant, batches, accepted, stored, deduplicated, dead_lettered, 0 AS held, 0 AS settled
        FROM totals WHERE NOT is_folded AND (:tenant IS NULL OR tenant = :tenant)
        UNION ALL
        SELECT tenant, 0, 0, 0, 0, 0, 0, letters
        FROM totals WHERE is_folded AND (:tenant IS NULL OR tenant = :tenant)
        UNION ALL
        SELECT tenant, 0, 0, 0, 0, 0, sum(events * (settled_as IS NULL)), sum(events * (settled_as IS NOT NULL))
        FROM dead_letters WHERE :tenant IS NULL OR tenant = :tenant GROUP BY tenant
    )
    SELECT tenant, sum(batches), sum(accepted), sum(stored), sum(deduplicated), sum(dead_lettered), sum(held),
        sum(settled)
    FROM counts GROUP BY tenant ORDER BY tenant
"""

# For each tenant its sums, then its records.
_CHECK_ALL = """
    WITH booked AS (
        SELECT tenant, iif(is_folded, -1, 1) AS sign, batches, accepted, stored, deduplicated, dead_lettered
        FROM totals WHERE :tenant IS NULL OR tenant = :tenant
    ), recorded AS (
        SELECT tenant, count(*) AS batches, sum(events) AS accepted, sum(stored) AS stored,
            sum(deduplicated) AS deduplicated, sum(dead_lettered) AS dead_lettered
        FROM batches WHERE :tenant IS NULL OR tenant = :tenant GROUP BY tenant
    ), tenants AS (SELECT tenant FROM booked UNION SELECT tenant FROM recorded)
    SELECT tenant, 0, coalesce(sum(sign * batches), 0), coalesce(sum(sign * accepted), 0),
        coalesce(sum(sign * stored), 0), coalesce(sum(sign * deduplicated), 0), coalesce(sum(sign * dead_lettered), 0)
    FROM tenants LEFT JOIN booked USING (tenant) GROUP BY tenant
    UNION ALL
    SELECT tenant, 1, coalesce(batches, 0), coalesce(accepted, 0), coalesce(stored, 0), coalesce(deduplicated, 0),
        coalesce(dead_lettered, 0)
    FROM tenants LEFT JOIN recorded USING (tenant)
    ORDER BY 1, 2
"""

# The last minutes only: none of their batches is folded yet.
_CHECK_RECENT = f"""
    WITH since AS (SELECT CAST(strftime('%s', 'now') AS INTEGER) / 60 - {RECHECKED_MINUTES} AS first), tenants AS (
        SELECT tenant FROM totals WHERE NOT is_folded AND (:tenant IS NULL OR tenant = :tenant)
    )
    SELECT t.tenant, 0, coalesce(sum(batches), 0), coalesce(sum(accepted), 0), coalesce(sum(stored), 0),
        coalesce(sum(deduplicated), 0), coalesce(sum(dead_lettered), 0)
    FROM tenants t LEFT JOIN minutes m ON m.tenant = t.tenant AND minute >= (SELECT first FROM since)
    GROUP BY t.tenant
    UNION ALL
    SELECT t.tenant, 1, count(id), coalesce(sum(events), 0), coalesce(sum(stored), 0),
        coalesce(sum(deduplicated), 0), coalesce(sum(dead_lettered), 0)
    FROM tenants t LEFT JOIN batches b ON b.tenant = t.tenant
        AND received_us >= (SELECT first FROM since) * {MINUTE_US}
    GROUP BY t.tenant
    ORDER BY 1, 2
"""

_HOLDINGS = "SELECT tenant, day, stored, expired, deleted FROM holdings WHERE :tenant IS NULL OR tenant = :tenant"
