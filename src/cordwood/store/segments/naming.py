"""What the rooms of segments ask of a catalog. SQLite names the files of one process, PostgreSQL those of many."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from cordwood.model.action import Action
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import Cut, Segment


class Told(Struct, frozen=True):
    """Rollups by path of their segments, the other segments, and the path and reason of what is known to be damaged."""

    rollups: Mapping[str, bytes]
    rest: Sequence[Segment]
    damaged: Mapping[str, str]


class Listing(Protocol):
    """For those who read. Every method raises Unavailable."""

    async def segments(
        self, tenant: Tenant, start_us: int | None, end_us: int | None
    ) -> tuple[list[Segment], Mapping[str, str]]:
        """Segments that may hold events with start ≤ timestamp < end, newest first; and those that are known to be
        damaged: path and reason."""
        ...

    async def told(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Told:
        """Rollups instead of the segments that have one and nothing but events with start ≤ timestamp < end."""
        ...

    async def version(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> int:
        """Rises with every write that start ≤ timestamp < end can see."""
        ...

    async def span(self, batch_id: UUID, tenant: Tenant) -> tuple[int, int] | None:
        """The first and last timestamp of a batch's stored events; None when it has none here."""
        ...

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        """The youngest of a tenant's batches whose row was folded away."""
        ...


class Changing(Protocol):
    """For those who merge and remove. Synchronous; call it in a thread. Every method raises Unavailable."""

    def segments(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> list[Segment]:
        """As `Listing.segments`, damaged ones included."""
        ...

    def all_segments(self, tenant: Tenant | None) -> list[Segment]:
        """Every segment, or every one of a tenant, by path."""
        ...

    def small_segments(self, events: int, tenant: Tenant | None) -> list[Segment]:
        """Segments with fewer than so many events, of every tenant or of one, by path."""
        ...

    def damaged(self) -> dict[str, str]:
        """Segments that were found damaged, and why."""
        ...

    def note_damage(self, path: str, reason: str | None, now_us: int) -> None:
        """A segment was found damaged; or well again, after somebody has mended it."""
        ...

    def names(self, path: str) -> bool:
        """Whether a file is one of the segments."""
        ...

    def named(self) -> set[str]:
        """Every file that is a segment, or was one and is still to be removed."""
        ...

    def swap(self, old: Sequence[Segment], new: Segment, now_us: int) -> None:
        """Replace segments by one that holds the same events. Readers of the old ones may go on for a while."""
        ...

    def erase(self, cuts: Sequence[Cut], gone: Mapping[int, int], action: Action) -> None:
        """Segments go, or are replaced by what is left of them; `gone` counts events by day."""
        ...


class ThreadedListing:
    """See `Listing`: a SQLite catalog, each question in a thread."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def segments(
        self, tenant: Tenant, start_us: int | None, end_us: int | None
    ) -> tuple[list[Segment], Mapping[str, str]]:
        return await asyncio.to_thread(
            lambda: (self._catalog.segments(tenant, start_us, end_us), self._catalog.damaged())
        )

    async def told(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Told:
        return await asyncio.to_thread(
            lambda: Told(*self._catalog.told(tenant, start_us, end_us), self._catalog.damaged())
        )

    async def version(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> int:
        return await asyncio.to_thread(self._catalog.version, tenant, start_us, end_us)

    async def span(self, batch_id: UUID, tenant: Tenant) -> tuple[int, int] | None:
        return await asyncio.to_thread(self._catalog.span, batch_id, tenant)

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        return await asyncio.to_thread(self._catalog.forgotten, tenant)
