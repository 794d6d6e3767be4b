"""What workers and the query service ask of a live feed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant


class Stored(msgspec.Struct, frozen=True, tag="stored"):
    """A batch whose events are stored, but for the ordinals that are `dead` letters."""

    batch: Batch
    inserted_at_us: int
    dead: tuple[int, ...] = ()

    @property
    def events(self) -> int:
        return self.batch.header.events - len(self.dead)


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """So many events were stored here and are not told; None: nobody knows how many."""

    events: int | None

    def and_(self, events: int | None) -> "Missed":
        """Together with more of them."""
        return Missed(None if events is None or self.events is None else self.events + events)


News = Stored | Missed


class Tail(Protocol):
    """Lossy by contract: whoever is too slow, or cut off, is told how many events it missed, as far as that is known.

    Told in the order of publishing; of several publishers, in the order in which their news arrived.
    """

    async def __aenter__(self) -> "Tail": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def publish(self, news: Mapping[Tenant, Sequence[News]]) -> None:
        """Tell those who are subscribed at this moment, if any. To be called after the commit: then whoever subscribes
        too late to be told finds the events in the store. Takes no longer than a few seconds, and next to nothing while
        nobody is subscribed. Raises Unavailable: nobody, or not everybody, was told."""
        ...

    def subscribe(self, tenant: Tenant) -> AbstractAsyncContextManager[AsyncIterator[News]]:
        """Everything of a tenant that is published from the moment on when the block is entered; it never ends by
        itself. A feed that breaks later is taken up again, and says Missed. Entering raises Unavailable."""
        ...
