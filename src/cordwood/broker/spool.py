"""A spool before a broker: what the broker cannot take is kept on this machine's disk, and handed over in order later.

It wraps a broker, and keeps batches in another, a queue file of its own. A batch whose first publish may have worked
after all is published again: the store counts it as a duplicate.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

import structlog

from cordwood import metrics
from cordwood.broker.interface import Backlog, Broker, Delivery, Settlement
from cordwood.db.sqlite import FileLock
from cordwood.errors import CordwoodError, Overloaded, Unavailable
from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant

log = structlog.get_logger()

_PREFETCH = 16
_PAUSE_S = 0.5
_RETRY_S = 1.0
_HINT = "nothing is lost: what is not handed over stays in the spool; if this repeats, look at its disk, and report it"


class _OnTheWay(NamedTuple):
    delivery: Delivery
    taking: "asyncio.Task[bool]"


class Spool:
    """Publishes to `primary`; into the spool while that is away, blocked or full, and until the spool is empty."""

    def __init__(self, primary: Broker, kept: Broker, path: Path) -> None:
        """`kept` is the queue file at `path`, which no other process may use."""
        self._primary = primary
        self._kept = kept
        self._path = path
        self._waiting = 0
        """Batches in the spool, or about to be."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Raises ConfigError when the spool's file cannot be used, or another process uses it."""
        async with AsyncExitStack() as stack:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = await asyncio.to_thread(FileLock, self._path.with_suffix(".lock"), f"the spool {self._path}")
            stack.callback(lock.close)
            await stack.enter_async_context(self._primary)
            await stack.enter_async_context(self._kept)
            self._waiting = (await self._kept.backlog()).batches
            if self._waiting:
                log.info("spool_found", batches=self._waiting, path=str(self._path))
            draining = asyncio.create_task(self._drain())
            stack.push_async_callback(_ended, draining)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """What is in the spool stays there for the next start."""
        await self._stack.aclose()

    async def publish(self, batch: Batch) -> None:
        """See `Broker.publish`. Raises Overloaded when the spool is full, Unavailable when it cannot be written."""
        if not self._waiting:
            try:
                await self._primary.publish(batch)
            except (Unavailable, Overloaded) as error:
                if not self._waiting:
                    log.warning("spooling", reason=error.message, hint=error.hint)
            else:
                return
        self._change(+1)
        try:
            await self._kept.publish(batch)
        except BaseException:
            self._change(-1)
            raise

    def watch(self, batch_id: UUID) -> AbstractAsyncContextManager["asyncio.Future[Settlement]"]:
        return self._primary.watch(batch_id)

    def consume(self, prefetch: int) -> AsyncIterator[Delivery]:
        return self._primary.consume(prefetch)

    async def backlog(self) -> Backlog:
        """Of the broker behind; the spool's own is in the metrics."""
        return await self._primary.backlog()

    async def waiting(self, tenant: Tenant) -> None:
        """Other processes have spools, too, and nobody knows what lies in all of them."""

    async def check(self) -> None:
        """Well while either takes batches."""
        try:
            await self._primary.check()
        except CordwoodError:
            await self._kept.check()

    async def _drain(self) -> None:
        """Hand over for as long as the spool is open. What an error finds in hand is not acked: it comes again."""
        while True:
            try:
                await self._hand_over()
            except Exception:
                # The outermost edge of a task that nobody awaits: an error that ended it would be told to nobody.
                log.exception("spool_drain_failed", path=str(self._path), hint=_HINT, retry_in_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _hand_over(self) -> None:
        """Whenever there is something, in order; several are on their way at once. Ends with what went wrong."""
        on_the_way: asyncio.Queue[_OnTheWay] = asyncio.Queue()
        is_smooth = asyncio.Event()
        is_smooth.set()
        deliveries = self._kept.consume(_PREFETCH)
        async with asyncio.TaskGroup() as tasks, contextlib.aclosing(deliveries) as kept:  # type: ignore[type-var]  # every implementation is a generator
            tasks.create_task(self._settle(on_the_way, is_smooth))
            async for delivery in kept:
                await is_smooth.wait()
                on_the_way.put_nowait(_OnTheWay(delivery, tasks.create_task(self._is_taken(delivery.batch))))

    async def _settle(self, on_the_way: "asyncio.Queue[_OnTheWay]", is_smooth: asyncio.Event) -> None:
        """What was not taken is sent again, one after the other, and nothing behind it meanwhile."""
        while True:
            delivery, taking = await on_the_way.get()
            is_taken = await taking
            while not is_taken:
                is_smooth.clear()
                is_taken = await self._is_taken(delivery.batch)
                await asyncio.sleep(0 if is_taken else _PAUSE_S)
            if on_the_way.empty():
                is_smooth.set()
            await delivery.ack()
            self._change(-1)
            if not self._waiting:
                log.info("spool_drained")

    async def _is_taken(self, batch: Batch) -> bool:
        try:
            await self._primary.publish(batch)
        except (Unavailable, Overloaded):
            return False
        return True

    def _change(self, by: int) -> None:
        # Not below 0: a publish that failed may have reached the disk all the same, and is handed over then.
        self._waiting = max(0, self._waiting + by)
        metrics.SPOOLED_BATCHES.set(self._waiting)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
