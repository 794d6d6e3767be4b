"""What people do with a store from the command line: see what takes the room, check it, merge it.

Each is an interface of its own, as not every store has files to check and to merge.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant
from cordwood.store.gauges import Kind


class TenantSize(Struct, frozen=True, kw_only=True):
    """What one tenant has in the store."""

    tenant: Tenant
    events: int
    segments: int | None
    """None where there are none."""
    bytes: int | None
    """None where tenants share their tables."""


class FieldSize(Struct, frozen=True, kw_only=True):
    """What the values of one field take, in all of its columns."""

    field: str
    types: Sequence[str]
    """Those of its columns; none for a column that every event has, as `ts`."""
    bytes: int
    uncompressed_bytes: int
    segments: int
    """How many have such a column."""


class ServiceRows(Struct, frozen=True):
    """Events of a tenant that name one service, or none."""

    tenant: Tenant
    service: str | None
    events: int


class PartSize(Struct, frozen=True):
    """A share of the bytes, by what they are for. Together these are all bytes."""

    part: str
    bytes: int


class PartitionSize(Struct, frozen=True, kw_only=True):
    """One table of a partitioned one."""

    partition: str
    events: int
    bytes: int
    index_bytes: int


class Survey(Struct, frozen=True, kw_only=True):
    """What a store holds, and what that takes. What a kind of store does not have is empty, or None."""

    kind: Kind
    events: int
    segments: int | None
    rows: int | None
    """Of PostgreSQL, which may keep events as both: then `events` are those in segments."""
    bytes: int
    parts: Sequence[PartSize]
    tenants: Sequence[TenantSize]
    services: Sequence[ServiceRows]
    fields: Sequence[FieldSize] = ()
    """The largest first."""
    partitions: Sequence[PartitionSize] = ()
    """The newest first."""
    unreadable: Sequence[str] = ()
    """Segments whose columns and services are not counted, as they cannot be read."""


SEGMENT_PARTS = ("values", "filters", "footers")
"""The parts that are of segments, each of which is one tenant's; all others are of tables that tenants share."""


class Surveyor(Protocol):
    """Looks at what takes the room. Reads, never writes; works beside a running server."""

    async def survey(self, tenant: Tenant | None) -> Survey:
        """Of everything, or of one tenant. Raises Unavailable."""
        ...


class Fault(Struct, frozen=True, kw_only=True):
    """A segment that does not hold the events that it should."""

    kind: Literal["missing", "damaged"]
    segment: str
    tenant: Tenant
    events: int
    reason: str


class Checked(Struct, frozen=True, kw_only=True):
    """How far a check is, after each segment."""

    segments: int
    of_segments: int
    events: int
    bytes: int
    of_bytes: int
    fault: Fault | None = None


class Checker(Protocol):
    """Reads everything back. Never writes; works beside a running server."""

    def check(self, tenant: Tenant | None) -> AsyncGenerator[Checked, None]:
        """One step for each segment that the store should have. Raises Unavailable."""
        ...

    async def orphans(self) -> Sequence[str]:
        """Files that belong to no segment: no faults, and removed by themselves. Raises Unavailable."""
        ...


class Merged(Struct, frozen=True, kw_only=True):
    """What one merge did; no segments: those it had in mind were found damaged, and are left alone from now on."""

    segments: int = 0
    events: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    into: str | None = None
    """The segment that they became."""


class Merger(Protocol):
    """Merges small segments: of a SQLite catalog the one process that writes, of PostgreSQL's each in its turn."""

    async def merge_rest(self) -> Merged | None:
        """Merge one group of small segments, also of those too few to be worth it by themselves; None: none is left.

        Never half done: it may be cancelled or killed at any time. Raises Unavailable.
        """
        ...
