"""What a query process says to the others of its kind."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from cordwood.model.tenant import Tenant

REMEMBERED_S = 5.0
"""What a process told is forgotten after so long, unless it tells again: it may have died."""
STOP_REMEMBERED_S = 60.0


class Asked(Struct, frozen=True):
    """A question under way: what was asked for, as the address says it, and since when (µs since 1970 UTC)."""

    id: UUID
    what: str
    since_us: int


class Peers(Protocol):
    """Which questions are being answered somewhere, and which of them are to be stopped. All raise Unavailable."""

    async def __aenter__(self) -> "Peers": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def tell(self, works: Mapping[Tenant, Sequence[Asked]]) -> None:
        """What this process answers, instead of what it told of these tenants before."""
        ...

    async def told(self, tenant: Tenant) -> Sequence[Asked]:
        """What all processes told of a tenant, this one's own included."""
        ...

    async def stop(self, question: UUID) -> None:
        """Leave word that whoever answers it is to stop."""
        ...

    async def to_stop(self, questions: Sequence[UUID]) -> Collection[UUID]:
        """Those that somebody wants stopped."""
        ...
