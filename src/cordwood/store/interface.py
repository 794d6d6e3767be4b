"""One store, seen through a narrow interface for each kind of caller.

A store is constructed cheaply and entered with `async with`. Entering a file store fails with ConfigError when the
directory cannot be used; entering a PostgreSQL store never fails because the server is away (`check` tells).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from cordwood.model.action import Action
from cordwood.model.answer import Block, Coverage, Row, StoredEvent
from cordwood.model.batch import Batch
from cordwood.model.census import Asked, Census
from cordwood.model.deadletter import DeadLetter, KeptLetter, LetterFate, LetterGroup, LetterId, Selection
from cordwood.model.histogram import By, Histogram
from cordwood.model.ledger import Accounts, BatchAccount, Heartbeat, Minute
from cordwood.model.plan import Plan, Position
from cordwood.model.retention import Retention
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.care import Surveyor
from cordwood.store.gauges import Gauges
from cordwood.store.selecting import SqlReader


class Load(msgspec.Struct, frozen=True):
    """A batch to write, its bytes expanded, and those of its ordinals that go to the dead letters instead; `ndjson`
    has an empty object in the place of those. Of a batch that is a dead letter as a whole, it is empty."""

    batch: Batch
    ndjson: bytes
    dead: Sequence[DeadLetter] = ()

    first: int = 0
    """The ordinal of the first line: not 0 where a part of a batch is written again."""

    @property
    def dead_events(self) -> int:
        """How many events go to the dead letters."""
        return sum(letter.events for letter in self.dead)


class Written(msgspec.Struct, frozen=True):
    """What became of one load: its events are stored, dead-lettered, or deduplicated, because an earlier batch came
    from the same request. A duplicate is a batch that was written before; it changed nothing and counts nothing."""

    batch_id: UUID
    stored: int
    dead_lettered: int
    deduplicated: int
    is_duplicate: bool
    inserted_at_us: int
    """What its events have as `inserted_at`; of a duplicate, when it was written again."""


class Writer(Protocol):
    """The worker's store."""

    async def write(self, loads: Sequence[Load]) -> Sequence[Written]:
        """One transaction for all of it: events, batch ids with their counts, dead letters, slice versions.

        Durable and visible to queries when it returns. A batch id seen before (or twice in `loads`) is reported as
        a duplicate, not stored, even when another worker writes it at the same moment. May be called by several
        tasks at once. Raises Refused (the data; split it: nothing was written) or Unavailable (the store; the
        outcome may be unknown; write the same loads again).
        """
        ...

    async def hear(self, beats: Sequence[Heartbeat]) -> None:
        """Record what producers say of their numbers. Hearing it again, or late, changes nothing.

        Raises Unavailable.
        """
        ...

    async def report(self, worker: UUID, queue: str, *, is_drained: bool) -> None:
        """Record that a worker is there, and whether it finds its queue and its hands empty. Several queues may lead
        to one store; an embedded store has one. Raises Unavailable."""
        ...

    async def probe(self, load: Load, first: int, count: int) -> None:
        """Raise Refused if the events with ordinals first … first+count-1 cannot be stored; store nothing.

        Raises Unavailable.
        """
        ...

    async def check(self) -> None:
        """Return when a write can be expected to work now; raises Unavailable with the reason otherwise."""
        ...


class Reader(Protocol):
    """The query service's store."""

    def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncIterator[Block]:
        """Events in the plan's order, in blocks of bounded size. Closing the iterator stops the work.

        A consistent snapshot: writes after the first block do not show. With `seen`, what `coverage` just told of the
        same time range and filter, it may be the snapshot of then. Events that are known to be damaged are left out,
        and `coverage` tells; raises Corrupt when damage is found on the way (ask again, without it), Unavailable.
        """
        ...

    def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncIterator[Sequence[Row]]:
        """What pipes make of the events that a plan selects, in blocks of bounded size: the first `limit` rows. `after`
        is ignored. Closing the iterator stops the work.

        A consistent snapshot, and damage, as in `read`. Raises BadQuery (this store cannot do it), Corrupt,
        Unavailable.
        """
        ...

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """One event by id. Raises Unavailable."""
        ...

    async def count(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> int:
        """How many events match; `limit` and `after` are ignored. `seen` is as for `read`. Raises Unavailable."""
        ...

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        """How many events match, by span of time and by value: in that order, those without a value last in a span.
        Spans without events are left out; `limit` and `after` are ignored. At most `most`: when it is as many, others
        may be left out, any of them.

        Raises Corrupt, Unavailable.
        """
        ...

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        """The version of what `plan` can see: any write in its time range raises it; and what is left out because it is
        damaged. Cheap. Raises Unavailable."""
        ...

    async def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Mapping[int, int]:
        """The same by slice (see `store.slices`): of each hour since 1970 that start ≤ timestamp < end touches, and the
        far one, which stands for any. One that is not there was never written to. Raises Unavailable."""
        ...

    async def check(self) -> None:
        """Return when a read can be expected to work now; raises Unavailable with the reason otherwise."""
        ...


class Explorer(Protocol):
    """What tells what is in the store, and what is beside an event."""

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        """What the events that match hold; `limit` and `after` are ignored. Of more events than are worth looking at, a
        sample, which is the same one until something is written.

        Raises Corrupt (ask again, without what was found to be damaged), Unavailable.
        """
        ...

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        """The first `limit` of a plan's events that are newer than a position, the oldest first; `after` is ignored.
        Raises as `census`."""
        ...


class Books(Protocol):
    """The ledger's side of the store."""

    async def batches(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[BatchAccount]:
        """What is recorded of those of a tenant's batches that are recorded at all. Raises Unavailable."""
        ...

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        """The youngest of a tenant's batches whose record was folded into the sums; those with a lower id, and without
        a record, may have been as well. Raises Unavailable."""
        ...

    async def dead_letters_of(self, ids: Sequence[UUID], tenant: Tenant) -> Sequence[LetterFate]:
        """The dead letters of a tenant's batches, by batch and ordinal. Raises Unavailable."""
        ...

    async def minutes(self, tenant: Tenant, start_us: int, end_us: int) -> Sequence[Minute]:
        """A tenant's counts by minute of arrival, start ≤ minute < end, oldest first. Raises Unavailable."""
        ...

    async def accounts(self, tenant: Tenant | None, *, is_counted: bool) -> Accounts:
        """All books, or those of one tenant, as of one moment. Without `is_counted` from the sums, the last minutes'
        records, and numbers that were not all known yet; producers that ended an hour ago with all theirs known are
        left out. `is_counted`: also read every record, count every event, and look whether what holds it is as it was
        written; that reads everything. Raises Unavailable."""
        ...


class Replay(msgspec.Struct, frozen=True):
    """A dead letter, and its events as they are to be stored now, with the ids they always had."""

    letter: LetterId
    load: Load


class DeadLetters(Protocol):
    """What could not be stored, for those who mend it. A store that this process may only read raises Unavailable
    where something would change."""

    async def letter_groups(self, tenant: Tenant) -> Sequence[LetterGroup]:
        """By reason and protocol, the largest group first; 1000 at most. Raises Unavailable."""
        ...

    async def letters(
        self, tenant: Tenant, selection: Selection, limit: int, after: LetterId | None = None
    ) -> Sequence[KeptLetter]:
        """In the order of their ids, behind `after`. Settled ones are left out. Raises Unavailable."""
        ...

    async def replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        """Store the events and remove their letters, in one transaction; returns how many events.

        A letter that is not there any more is passed over. Raises Refused (nothing was changed), Unavailable.
        """
        ...

    async def discard(self, tenant: Tenant, selection: Selection, actor: str) -> int:
        """Give letters up: their bytes go, counts and reasons stay. Returns how many events. Raises Unavailable."""
        ...

    async def actions(self, tenant: Tenant, limit: int) -> Sequence[Action]:
        """What was done, the latest first. Raises Unavailable."""
        ...


class Eraser(Protocol):
    """What removes events, and counts them as removed. A store that this process may only read raises Unavailable."""

    async def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        """Remove the events that match now; returns how many. `limit` and `after` are ignored.

        No query that begins after it returns sees them; their bytes are gone once no reader can need them. `dry_run`
        only counts. Raises Corrupt (a segment that may hold some cannot be read: nothing was removed), Unavailable.
        """
        ...

    async def expire(self, retention: Retention) -> int:
        """Remove what is older than its tenant's retention; returns how many events. Safe to run at any time, also by
        several workers at once. Raises Unavailable."""
        ...


class Upkeep(Protocol):
    """Background chores."""

    async def migrate(self) -> Sequence[str]:
        """Bring tables to this program's version; returns the names of the steps applied. Safe to run twice and
        at once from several processes. Raises Unavailable."""
        ...

    async def tend(self) -> None:
        """One round of chores (partitions ahead, merging small segments, sweeping orphans, folding
        the records of old batches). Safe to run at any time,
        also by several workers at once. Raises Unavailable."""
        ...


class Store(Writer, Reader, Explorer, SqlReader, Books, Gauges, Surveyor, DeadLetters, Eraser, Upkeep, Protocol):
    """All of it, as wiring opens it; callers take the narrow interfaces."""

    async def __aenter__(self) -> "Store": ...

    async def __aexit__(self, *exc: object) -> None: ...
