"""What the api and the worker ask of a broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant

Settlement = Literal["stored", "rejected"]
"""How a batch left the queue: acked by a worker that has stored it, or rejected into the dead letters."""


class Backlog(msgspec.Struct, frozen=True):
    """What waits in the broker, batches in this process's hands included. What a broker cannot tell is None;
    `oldest_age_s` is 0 when nothing waits."""

    batches: int
    size_bytes: int | None
    oldest_age_s: float | None
    queue: str = ""
    """The name of the queue, where there may be others before the same store."""


class Waiting(msgspec.Struct, frozen=True):
    """What a tenant's senders had accepted, and no worker has settled yet. An event that was just stored counts for a
    moment more."""

    events: int
    since_us: int | None
    """All that was accepted before this was settled, µs since 1970 UTC; None: nothing waits."""


class Delivery(Protocol):
    """One batch handed to a worker. Exactly one of the three methods is called, once."""

    @property
    def batch(self) -> Batch: ...

    @property
    def is_redelivered(self) -> bool:
        """It may have been delivered before; the store tells whether it was also stored."""
        ...

    async def ack(self) -> None:
        """Done: only after the store has committed. Returning does not promise that the broker heard it: a lost
        ack means a redelivery, which the store counts as a duplicate. Never raises because the broker is away."""
        ...

    async def nack(self) -> None:
        """Give back, to be delivered again. Never raises because the broker is away."""
        ...

    async def reject(self, reason: str) -> None:
        """Never again: the broker keeps it as a dead letter, with the reason. Never raises because the broker is
        away (it comes again then)."""
        ...


class Broker(Protocol):
    """Carries batches from api to worker, at least once, in no promised order.

    Constructed cheaply; `async with` connects in the background and closes. Entering does not fail because the
    broker is away (SQLite: fails with ConfigError when the file cannot be used); `check` tells.
    """

    async def __aenter__(self) -> "Broker": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def publish(self, batch: Batch) -> None:
        """Return once `batch` would outlive this process and the broker's.

        Raises Unavailable (outcome unknown: may be there, may not; the same batch may be published again) and
        Overloaded (refused: nothing was kept). Bounded in time by the settings' confirm timeout. Many calls may
        run at once.
        """
        ...

    def watch(self, batch_id: UUID) -> AbstractAsyncContextManager["asyncio.Future[Settlement]"]:
        """Enter before publishing `batch_id`; the future resolves when a worker settles it. It may never: wait
        with a timeout. Leaving forgets it."""
        ...

    def consume(self, prefetch: int) -> AsyncIterator[Delivery]:
        """Deliveries without end; at most `prefetch` unsettled at a time. Survives the broker's restarts: what was
        unsettled comes again. Closing the iterator gives back what is unsettled. Raises ConfigError when another
        process consumes a queue that only one may (SQLite)."""
        ...

    async def backlog(self) -> Backlog:
        """Raises Unavailable."""
        ...

    async def waiting(self, tenant: Tenant) -> Waiting | None:
        """None where this broker does not know all that was accepted, or would have to count it. Cheap, however long
        the queue is. Raises Unavailable."""
        ...

    async def check(self) -> None:
        """Return when a publish can be expected to work now; otherwise raises, with the reason, Unavailable, or
        Overloaded while the broker is there but takes nothing."""
        ...
