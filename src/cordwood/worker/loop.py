"""The worker's loop: take deliveries, write them in one transaction, tell of them and acknowledge after the commit."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog
from msgspec import Struct

from cordwood import metrics
from cordwood.broker.interface import Delivery
from cordwood.clock import Clock
from cordwood.errors import Corrupt, Refused, Unavailable
from cordwood.model.batch import expanded
from cordwood.model.deadletter import whole_letter
from cordwood.model.ledger import Heartbeat, heartbeats_of
from cordwood.store.interface import Load, Writer, Written
from cordwood.worker.announcer import Announcer
from cordwood.worker.isolate import isolated
from cordwood.worker.settings import WorkerSettings

log = structlog.get_logger()
T = TypeVar("T")

_GATHER_STEP_S = 0.02
_FIRST_RETRY_S = 0.1
_LAST_RETRY_S = 5.0


class _Stopping(Exception):
    """The service stops while a store is away: give back what is in hand."""


class _Held(Struct, frozen=True):
    """A delivery in hand, and its batch opened."""

    delivery: Delivery
    load: Load


class _Beating(Struct, frozen=True):
    """A delivery that carries heartbeats."""

    delivery: Delivery
    beats: list[Heartbeat]


class Source(Protocol):
    """What delivers: a broker, as far as the loop asks it."""

    def consume(self, prefetch: int) -> AsyncIterator[Delivery]:
        """See `Broker.consume`."""
        ...


class Loop:
    """Moves batches from the broker to the store."""

    def __init__(
        self,
        broker: Source,
        writer: Writer,
        clock: Clock,
        settings: WorkerSettings,
        announcer: Announcer | None = None,
    ) -> None:
        """`announcer` hears of what is stored."""
        self._broker = broker
        self._announcer = announcer
        self._writer = writer
        self._clock = clock
        self._settings = settings
        # One slot per writer: what waits beyond that stays unacknowledged in the broker's prefetch.
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue(settings.prefetch)
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then finish what is being written and give the rest back to the broker."""
        writers = [asyncio.create_task(self._write_forever()) for _ in range(self._settings.writers)]
        feeder = asyncio.create_task(self._feed())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, feeder, *writers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            self._stopping.set()
            await self._drain(feeder, writers)

    async def _feed(self) -> None:
        deliveries = self._broker.consume(self._settings.prefetch)
        async with contextlib.aclosing(deliveries):  # type: ignore[type-var]  # every implementation is a generator
            async for delivery in deliveries:
                await self._inbox.put(delivery)

    async def _drain(self, feeder: "asyncio.Task[None]", writers: list["asyncio.Task[None]"]) -> None:
        await asyncio.wait(writers, timeout=self._settings.drain_timeout_s)
        for task in writers:
            task.cancel()
        ended = await asyncio.gather(*writers, return_exceptions=True)
        while not self._inbox.empty():
            await self._inbox.get_nowait().nack()
        # Last: closing the iterator gives back what is unsettled, and acks need it open.
        feeder.cancel()
        ended += await asyncio.gather(feeder, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def _write_forever(self) -> None:
        started = -self._settings.pace_s
        while (first := await self._next()) is not None:
            deliveries = [first, *await self._gather(first, started + self._settings.pace_s)]
            started = time.monotonic()
            unsettled = set(deliveries)
            try:
                await self._settle(deliveries, unsettled)
            except _Stopping:
                return
            except Exception:
                # The outermost edge of a batch's way into the store: whatever went wrong, the batches are kept.
                log.exception("batches_given_back", batches=len(unsettled))
                await asyncio.sleep(_LAST_RETRY_S)
            finally:
                for delivery in unsettled:
                    await delivery.nack()

    async def _next(self) -> Delivery | None:
        """The next delivery; None once stopping."""
        if not self._inbox.empty():
            return None if self._stopping.is_set() else self._inbox.get_nowait()
        getting = asyncio.create_task(self._inbox.get())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not getting.done():
                getting.cancel()
        return getting.result() if getting.done() and not getting.cancelled() else None

    async def _gather(self, first: Delivery, until: float) -> list[Delivery]:
        """More deliveries for the same transaction: all that is there, and while the load is small, all that comes
        until `until` (monotonic seconds). So a trickle makes few transactions, and a lone event waits for nothing."""
        gathered: list[Delivery] = []
        header = first.batch.header
        events, size = header.events, header.size_bytes
        while not self._stopping.is_set():
            while not self._inbox.empty():
                if events >= self._settings.max_load_events or size >= self._settings.max_load_bytes:
                    return gathered
                gathered.append(more := self._inbox.get_nowait())
                events += more.batch.header.events
                size += more.batch.header.size_bytes
            left_s = until - time.monotonic()
            if left_s <= 0:
                break
            # In steps, not delivery by delivery: small batches come by the hundred.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, _GATHER_STEP_S)):
                    await self._stopping.wait()
        return gathered

    async def _settle(self, deliveries: list[Delivery], unsettled: set[Delivery]) -> None:
        """Ack or reject every delivery, and take it out of `unsettled`. Raises _Stopping with some left."""
        opened = await asyncio.to_thread(_opened, deliveries)
        for delivery, reason in opened.corrupt:
            log.error("batch_corrupt", batch=str(delivery.batch.header.id), reason=reason)
            await self._bury(delivery, reason, unsettled)
        if opened.beats:
            await self._hear(opened.beats, unsettled)
        if opened.held:
            await self._write(opened.held, unsettled)

    async def _hear(self, beating: Sequence["_Beating"], unsettled: set[Delivery]) -> None:
        beats = [beat for each in beating for beat in each.beats]
        await self._patiently(lambda: self._writer.hear(beats))
        for each in beating:
            unsettled.discard(each.delivery)
            await each.delivery.ack()

    async def _write(self, held: Sequence[_Held], unsettled: set[Delivery]) -> None:
        """Write until it is done, then ack. Refused data is isolated; a store that is away is waited for."""
        started = time.perf_counter()
        try:
            written = await self._patiently(lambda: self._writer.write([each.load for each in held]))
        except Refused as refused:
            await self._write_refused(held, unsettled, refused)
            return
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        for outcome in written:
            _count(outcome)
        # Before the acks, as it never waits: who watches need not wait for the broker.
        if self._announcer is not None:
            self._announcer.tell([each.load for each in held], written)
        now_us = self._clock.now_us()
        for each in held:
            unsettled.discard(each.delivery)
            await each.delivery.ack()
            metrics.VISIBLE_SECONDS.observe(max(0, now_us - each.delivery.batch.header.received_at_us) / 1e6)

    async def _write_refused(self, held: Sequence[_Held], unsettled: set[Delivery], refused: Refused) -> None:
        if len(held) > 1:
            half = len(held) // 2
            await self._write(held[:half], unsettled)
            await self._write(held[half:], unsettled)
            return
        (each,) = held
        batch = str(each.load.batch.header.id)
        mended = each.load if each.load.dead else await self._patiently(lambda: isolated(self._writer, each.load))
        if mended.dead and not each.load.dead:
            log.warning("events_dead_lettered", batch=batch, events=len(mended.dead), reason=mended.dead[0].reason)
            await self._write([_Held(each.delivery, mended)], unsettled)
            return
        # Every event alone would do, all together do not: the batch is kept whole, out of the way of the others.
        log.error("batch_refused", batch=batch, reason=refused.message)
        await self._bury(each.delivery, refused.message, unsettled)

    async def _bury(self, delivery: Delivery, reason: str, unsettled: set[Delivery]) -> None:
        """Make a whole batch a dead letter of the store, where it is counted; of the broker, when even that fails."""
        batch = delivery.batch
        try:
            if batch.header.kind != "events" or batch.header.events < 1:
                raise Refused("it holds no events")
            load = Load(batch, b"", [whole_letter(batch, reason)])
            (written,) = await self._patiently(lambda: self._writer.write([load]))
        except Refused as refused:
            unsettled.discard(delivery)
            await delivery.reject(f"{reason} ({refused.message})")
            return
        _count(written)
        unsettled.discard(delivery)
        await delivery.ack()

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat `attempt` while the store is away. Raises _Stopping when the service stops meanwhile."""
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                return await attempt()
            except Unavailable as error:
                metrics.STORE_RETRIES.inc()
                log.warning("store_unavailable", reason=error.message, hint=error.hint, retry_in_s=round(pause_s, 1))
            with contextlib.suppress(TimeoutError):
                jittered_s = pause_s * random.uniform(0.5, 1.0)  # noqa: S311  # spreads workers out; no secret
                async with asyncio.timeout(jittered_s):
                    await self._stopping.wait()
                raise _Stopping
            pause_s = min(2 * pause_s, _LAST_RETRY_S)


class _Opened(Struct, frozen=True):
    held: list[_Held]
    beats: list[_Beating]
    corrupt: list[tuple[Delivery, str]]


def _opened(deliveries: list[Delivery]) -> _Opened:
    """Inflate and check every batch; the damaged ones stand apart with the reason. CPU-heavy."""
    opened = _Opened([], [], [])
    for delivery in deliveries:
        try:
            ndjson = expanded(delivery.batch)
            if delivery.batch.header.kind == "heartbeat":
                opened.beats.append(_Beating(delivery, heartbeats_of(ndjson)))
            else:
                opened.held.append(_Held(delivery, Load(delivery.batch, ndjson)))
        except Corrupt as error:
            opened.corrupt.append((delivery, error.message))
    return opened


def _count(written: Written) -> None:
    metrics.STORED_EVENTS.labels("stored").inc(written.stored)
    metrics.STORED_EVENTS.labels("dead_lettered").inc(written.dead_lettered)
    metrics.STORED_EVENTS.labels("deduplicated").inc(written.deduplicated)
    if written.is_duplicate:
        metrics.DUPLICATE_BATCHES.inc()
