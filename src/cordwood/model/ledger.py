"""The ledger: counts that prove that every accepted event is stored, deduplicated or dead-lettered.

An api process is one **producer** per tenant. It numbers its batches 1, 2, 3 …; a number whose confirm never came is
**abandoned**, and its heartbeats say so, with the number up to which everything is **settled**: confirmed or abandoned.
What is settled, but neither recorded in a store nor abandoned, is missing.
`docs/reference/ledger.md` explains it to people.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from cordwood.errors import Corrupt
from cordwood.model.tenant import Tenant

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
RECHECKED_MINUTES = 5
"""A quick audit holds the sums of the last minutes against the batches' own records; a full one all of them."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

Range = tuple[int, int]
"""First and last number of a run."""


class Heartbeat(Struct, frozen=True, kw_only=True):
    """What a producer says of its numbers. Hearing it twice, or late, changes nothing. Time is µs since 1970 UTC."""

    producer: UUID
    tenant: Tenant
    settled: int
    """Every number up to this one was confirmed or abandoned."""
    said_at_us: int
    abandoned: Sequence[Range] = ()
    is_ended: bool = False
    """No higher number will follow."""


_heartbeats = msgspec.json.Decoder(Heartbeat)
_encoder = msgspec.json.Encoder()


def heartbeat_lines(beats: Sequence[Heartbeat]) -> bytes:
    """Heartbeats as the body of a batch of their kind, before compression."""
    return b"".join(_encoder.encode(beat) + b"\n" for beat in beats)


def heartbeats_of(ndjson: bytes) -> list[Heartbeat]:
    """Raises Corrupt."""
    try:
        return _heartbeats.decode_lines(ndjson)
    except msgspec.MsgspecError as error:
        raise Corrupt(f"a heartbeat does not read back: {error}") from error


class BatchAccount(Struct, frozen=True, kw_only=True):
    """What a store has recorded of a batch: `events = stored + deduplicated + dead_lettered`."""

    id: UUID
    tenant: Tenant
    events: int
    stored: int
    deduplicated: int
    dead_lettered: int
    duplicate_of: UUID | None
    received_at_us: int
    inserted_at_us: int


class Minute(Struct, frozen=True, kw_only=True):
    """The batches that a tenant's senders had accepted in a minute, by what became of their events."""

    start_us: int
    batches: int
    accepted: int
    stored: int
    deduplicated: int
    dead_lettered: int


class Counts(Struct, frozen=True, kw_only=True):
    """Batches, and what became of their events."""

    batches: int
    accepted: int
    stored: int
    deduplicated: int
    dead_lettered: int


class Check(Struct, frozen=True, kw_only=True):
    """The same batches of a tenant by the sums and by their own records: these must be equal."""

    tenant: Tenant
    booked: Counts
    recorded: Counts


class Missing(Struct, frozen=True):
    """A run of numbers that are neither recorded nor abandoned."""

    first: int
    last: int
    since_us: int
    """When a later number was heard of."""


class ProducerAccount(Struct, frozen=True, kw_only=True):
    """A producer's numbers, as far as a store knows of them."""

    id: UUID
    tenant: Tenant
    highest: int
    """The highest number heard of, in a batch or a heartbeat."""
    settled: int
    """Every number up to this one was confirmed or abandoned, by the producer's own word; 0 when it said none."""
    missing: Sequence[Missing]
    heard_at_us: int
    """The last sign of life: when a heartbeat was said, or a batch stored."""
    is_ended: bool


class TenantAccount(Struct, frozen=True, kw_only=True):
    """Sums over a tenant's batches, and what became of its dead letters."""

    tenant: Tenant
    batches: int
    accepted: int
    stored: int
    deduplicated: int
    dead_lettered: int
    dead_letters_held: int
    """Events that lie among the dead letters now."""
    dead_letters_settled: int
    """Events that were replayed, discarded or expired out of them."""


class Holding(Struct, frozen=True, kw_only=True):
    """The events of a tenant with timestamps of one day (days since 1970 UTC), by the books and by counting."""

    tenant: Tenant
    day: int
    stored: int
    expired: int
    deleted: int
    held: int | None
    """What is really there; None when it was not counted."""
    kept_rows: int = 0
    """Rows beside segments that should be there, by the books."""
    held_rows: int | None = None
    """Those that are; None when they were not counted."""


class Damage(Struct, frozen=True):
    """A segment that is not as it was written, or a day of rows whose rollups are not."""

    tenant: Tenant
    path: str
    events: int
    reason: str
    of: Literal["segment", "day"] = "segment"


class Accounts(Struct, frozen=True, kw_only=True):
    """All books of a store, at one moment."""

    producers: Sequence[ProducerAccount]
    tenants: Sequence[TenantAccount]
    holdings: Sequence[Holding]
    damaged: Sequence[Damage] = ()
    checks: Sequence[Check] = ()
    drained_us: int | None
    """The last time when every worker found its queue and its hands empty; None: not yet."""


FindingKind = Literal[
    "gap", "imbalance", "events_missing", "events_surplus", "rows_missing", "rows_surplus", "damage", "in_flight",
    "unverified",
]  # fmt: skip

FAULTS: frozenset[FindingKind] = frozenset(
    {"gap", "imbalance", "events_missing", "events_surplus", "rows_missing", "rows_surplus", "damage"}
)
"""Findings that mean loss or doubling; the others only mean that something cannot be known yet, or any more."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something that an audit has to say. `events` is None where only batches are known to be concerned."""

    kind: FindingKind
    tenant: Tenant
    what: str
    events: int | None = None

    @property
    def is_fault(self) -> bool:
        return self.kind in FAULTS


_SILENT_US = 30_000_000
"""A producer beats every few seconds, or says that it has ended: one that was silent for this long has died."""


def judge(accounts: Accounts, now_us: int) -> list[Finding]:
    """What is wrong, or open, in the books."""
    drained_us = accounts.drained_us or 0
    findings = [finding for producer in accounts.producers for finding in _of_producer(producer, drained_us, now_us)]
    stored: dict[Tenant, int] = {}
    for holding in accounts.holdings:
        stored[holding.tenant] = stored.get(holding.tenant, 0) + holding.stored
        findings += _of_holding(holding)
    findings += [finding for check in accounts.checks for finding in _of_check(check)]
    for tenant in accounts.tenants:
        findings += _of_tenant(tenant, stored.pop(tenant.tenant, 0))
    findings += [
        Finding(kind="imbalance", tenant=tenant, what=f"{events} events are held for batches that nobody knows of",
                events=events)
        for tenant, events in stored.items() if events
    ]  # fmt: skip
    findings += [
        Finding(kind="damage", tenant=damage.tenant, what=f"{damage.of} {damage.path}: {damage.reason}",
                events=damage.events)
        for damage in accounts.damaged
    ]  # fmt: skip
    return findings


def _of_producer(producer: ProducerAccount, drained_us: int, now_us: int) -> list[Finding]:
    findings: list[Finding] = []
    is_silent = now_us - producer.heard_at_us > _SILENT_US
    for missing in producer.missing:
        if missing.first > producer.settled and is_silent:
            continue  # perhaps never confirmed to anyone: unverified, below
        is_lost = missing.first <= producer.settled and drained_us - missing.since_us > _SILENT_US
        last = min(missing.last, producer.settled) if is_lost else missing.last
        numbers = str(missing.first) if missing.first == last else f"{missing.first} to {last}"
        what = f"producer {producer.id}: batch {numbers} {'is missing' if is_lost else 'is on its way'}"
        findings.append(Finding(kind="gap" if is_lost else "in_flight", tenant=producer.tenant, what=what))
    if is_silent and not producer.is_ended:
        what = f"producer {producer.id} fell silent: what it numbered after batch {producer.settled} is not known"
        findings.append(Finding(kind="unverified", tenant=producer.tenant, what=what))
    return findings


def _of_holding(holding: Holding) -> list[Finding]:
    findings: list[Finding] = []
    expected = holding.stored - holding.expired - holding.deleted
    if holding.held is not None and holding.held != expected:
        what = f"{_date(holding.day)}: the books say {expected} events, the store holds {holding.held}"
        kind: FindingKind = "events_missing" if holding.held < expected else "events_surplus"
        findings.append(Finding(kind=kind, tenant=holding.tenant, what=what, events=abs(expected - holding.held)))
    if holding.held_rows is not None and holding.held_rows != holding.kept_rows:
        findings.append(_of_rows(holding, holding.kept_rows, holding.held_rows))
    return findings


def _of_rows(holding: Holding, kept: int, held: int) -> Finding:
    what = f"{_date(holding.day)}: {kept} events should be rows beside the segments, the table logs has {held}: "
    if held < kept:
        what += "somebody removed some. No event is lost, but SQL misses them; restore the table from a backup"
    else:
        what += "somebody added some. SQL counts them, and no question finds them; delete those whose id is no event's"
    kind: FindingKind = "rows_missing" if held < kept else "rows_surplus"
    return Finding(kind=kind, tenant=holding.tenant, what=what, events=abs(kept - held))


def _of_check(check: Check) -> list[Finding]:
    booked, recorded = check.booked, check.recorded
    if booked == recorded:
        return []
    what = (
        f"the sums count {booked.batches} batches of {booked.accepted} events, {booked.stored} of them stored; the "
        f"records that are there {recorded.batches} of {recorded.accepted}, {recorded.stored} of them stored"
    )
    events = abs(booked.accepted - recorded.accepted)
    return [Finding(kind="imbalance", tenant=check.tenant, what=what, events=events)]


def _of_tenant(tenant: TenantAccount, held: int) -> list[Finding]:
    findings: list[Finding] = []
    settled = tenant.stored + tenant.deduplicated + tenant.dead_lettered
    if tenant.accepted != settled:
        what = f"accepted {tenant.accepted} events, settled {settled}"
        findings.append(
            Finding(kind="imbalance", tenant=tenant.tenant, what=what, events=abs(tenant.accepted - settled))
        )
    if tenant.stored != held:
        what = f"its batches stored {tenant.stored} events, its days {held}"
        findings.append(Finding(kind="imbalance", tenant=tenant.tenant, what=what, events=abs(tenant.stored - held)))
    dead = tenant.dead_letters_held + tenant.dead_letters_settled
    if tenant.dead_lettered != dead:
        what = f"its batches dead-lettered {tenant.dead_lettered} events, {dead} are accounted for"
        findings.append(
            Finding(kind="imbalance", tenant=tenant.tenant, what=what, events=abs(tenant.dead_lettered - dead))
        )
    return findings


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()
