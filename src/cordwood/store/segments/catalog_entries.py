"""What the catalog is told, and tells."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from cordwood.model.batch import BatchHeader
from cordwood.model.deadletter import DeadLetter
from cordwood.model.tenant import Tenant


class Segment(Struct, frozen=True):
    """A row of the catalog. `path` is relative to the store's root; times are µs since 1970 UTC."""

    path: str
    tenant: Tenant
    events: int
    size_bytes: int
    min_us: int
    max_us: int
    digest: bytes | None = None
    """BLAKE2b-128 of the file; None for files that an earlier release wrote."""
    columns: frozenset[str] = frozenset()
    """The columns of fields, as `shape.column_of` names them."""
    texts: int | None = None
    """How many events are kept as text; None: all, in a file of an earlier release, without a column `shape`."""
    row_groups: int | None = None
    """None in a file of an earlier release."""
    plain_bytes: int | None = None
    """What its rows take in memory when they are read; None: not known, of a file of an earlier release."""
    rollup: bytes | None = None
    """Of one that is being made: see `rollup.Rollup`. `Catalog.told` tells that of others."""

    @property
    def has_texts(self) -> bool:
        return self.texts != 0


class Cut(Struct, frozen=True):
    """A segment that loses events, and the one that keeps the rest; None when all of it goes."""

    old: Segment
    rest: Segment | None


class BatchEntry(Struct, frozen=True):
    """What is kept of a batch; `min_us` and `max_us` are None when none of its events was stored. One that repeats
    an earlier batch's request has none stored and none dead."""

    header: BatchHeader
    stored: int
    dead: Sequence[DeadLetter]
    min_us: int | None
    max_us: int | None
    duplicate_of: UUID | None


class Stock(Struct, frozen=True):
    """What a transaction brings: segments, the hours they touch by tenant, their events by tenant and day."""

    segments: Sequence[Segment]
    slices: Mapping[Tenant, set[int]]
    held: Mapping[tuple[Tenant, int], int]


class Known(Exception):
    """A batch of the transaction, or its request, is in the catalog already: nothing was written."""
