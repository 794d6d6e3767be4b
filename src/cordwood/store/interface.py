"""One store, seen through a narrow interface for each kind of caller.

A store is constructed cheaply and entered with `async with`. Entering a file store fails with ConfigError when the
directory cannot be used; entering a PostgreSQL store never fails because the server is away (`check` tells).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from cordwood.model.answer import Block, Coverage, StoredEvent
from cordwood.model.batch import Batch
from cordwood.model.deadletter import DeadLetter
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant


class Load(msgspec.Struct, frozen=True):
    """A batch to write, its bytes expanded, and those of its ordinals that go to the dead letters instead; `ndjson`
    has an empty object in the place of those."""

    batch: Batch
    ndjson: bytes
    dead: Sequence[DeadLetter] = ()


class Written(msgspec.Struct, frozen=True):
    """What became of one load. `stored` counts events; a duplicate stored none and changed nothing."""

    batch_id: UUID
    stored: int
    dead_lettered: int
    is_duplicate: bool


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

    def read(self, plan: Plan, tenant: Tenant) -> AsyncIterator[Block]:
        """Events in the plan's order, in blocks of bounded size. Closing the iterator stops the work.

        A consistent snapshot: writes after the first block do not show. Raises Unavailable.
        """
        ...

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """One event by id. Raises Unavailable."""
        ...

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        """How many events match; `limit` and `after` are ignored. Raises Unavailable."""
        ...

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        """The version of what `plan` can see: any write in its time range raises it. Cheap. Raises Unavailable."""
        ...

    async def check(self) -> None:
        """Return when a read can be expected to work now; raises Unavailable with the reason otherwise."""
        ...


class Upkeep(Protocol):
    """Background chores."""

    async def migrate(self) -> Sequence[str]:
        """Bring tables to this program's version; returns the names of the steps applied. Safe to run twice and
        at once from several processes. Raises Unavailable."""
        ...

    async def tend(self) -> None:
        """One round of chores (partitions ahead, merging small segments, sweeping orphans). Safe to run at any time,
        also by several workers at once. Raises Unavailable."""
        ...


class Store(Writer, Reader, Upkeep, Protocol):
    """All of it, as wiring opens it; callers take the narrow interfaces."""

    async def __aenter__(self) -> "Store": ...

    async def __aexit__(self, *exc: object) -> None: ...
