"""Chunks → batches → broker. Small requests that arrive together share a batch and its confirm (group commit)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from msgspec import Struct

from cordwood import metrics
from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import CordwoodError, Overloaded, Unavailable
from cordwood.ingest.producer import Number, Producers
from cordwood.model.batch import Batch, BatchHeader, compressed
from cordwood.model.receipt import Part
from cordwood.model.tenant import Tenant
from cordwood.protocols.decoded import Chunk
from cordwood.tracing.context import SpanContext
from cordwood.tracing.interface import Tracer
from cordwood.tracing.off import Off

_SHARED_BYTES = 256 << 10
"""Chunks at least this large get a batch of their own: sharing would not save a confirm worth having."""
_GROUP_BYTES = 1 << 20
_GROUP_EVENTS = 8192
_INLINE_BYTES = 64 << 10
"""Below this, compressing takes 0.1 ms: less than handing it to a thread and waiting for its turn."""
_MANY = 8
_LINGER_S = 0.001
"""After a batch of many requests, those just answered send again: one batch of all of them costs less than two."""

Told = Callable[[Part | CordwoodError], None]
"""Hears once what became of a chunk: durable at this place, or not taken, as `pack` raises it. Raises nothing."""


class _Waiting(Struct, frozen=True):
    chunk: Chunk
    told: Told
    cause: SpanContext | None


class _Group:
    """What waits to share a batch, for one tenant and protocol; there is one while its task runs.

    While a batch waits for its confirm, the next one gathers: two at once would be two half as large.
    """

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()

    def take(self) -> deque[_Waiting]:
        taken = deque((self.waiting.popleft(),))
        size, events = len(taken[0].chunk.ndjson), taken[0].chunk.events
        while self.waiting:
            chunk = self.waiting[0].chunk
            size, events = size + len(chunk.ndjson), events + chunk.events
            if size > _GROUP_BYTES or events > _GROUP_EVENTS:
                break
            taken.append(self.waiting.popleft())
        return taken


class Packer:
    """Compresses and publishes batches, each with its place in the ledger."""

    def __init__(self, broker: Broker, clock: Clock, producers: Producers, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or Off()
        self._broker = broker
        self._clock = clock
        self._producers = producers
        self._groups: dict[tuple[Tenant, str], _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for kind in (Overloaded, Unavailable):
            metrics.PUBLISH_FAILURES.labels(kind.label)  # from 0 on: a first failure is a rise

    async def pack(self, tenant: Tenant, protocol: str, chunk: Chunk, cause: SpanContext | None = None) -> Part:
        """Return once the chunk's events are durable in the broker, with the place they got. `cause` is the request
        that brought them, if it is traced.

        Raises Overloaded and Unavailable, as the broker does.
        """
        if len(chunk.ndjson) >= _SHARED_BYTES:
            return await self.pack_alone(tenant, protocol, chunk, None, cause)
        part: asyncio.Future[Part] = asyncio.get_running_loop().create_future()
        self.pack_soon(tenant, protocol, chunk, partial(_settle, part), cause)
        return await part

    def pack_soon(
        self, tenant: Tenant, protocol: str, chunk: Chunk, told: Told, cause: SpanContext | None = None
    ) -> None:
        """As `pack` of a small chunk, for whom a future of its own would cost too much."""
        group = self._groups.get((tenant, protocol))
        if group is None:
            group = self._groups[tenant, protocol] = _Group()
            task = asyncio.create_task(self._publish_group(tenant, protocol, group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        group.waiting.append(_Waiting(chunk, told, cause))

    async def pack_alone(
        self, tenant: Tenant, protocol: str, chunk: Chunk, idempotency: str | None, cause: SpanContext | None = None
    ) -> Part:
        """As `pack`, in a batch of its own."""
        return await self._publish_alone(self._clock.batch_id(), tenant, protocol, chunk, idempotency, cause)

    async def pack_and_wait(
        self,
        tenant: Tenant,
        protocol: str,
        chunk: Chunk,
        idempotency: str | None,
        timeout_s: float,
        cause: SpanContext | None = None,
    ) -> tuple[Part, bool]:
        """As `pack_alone`; then wait until a worker has stored it, at most `timeout_s`.

        The second value says whether it is stored.
        """
        batch_id = self._clock.batch_id()
        async with self._broker.watch(batch_id) as settled:
            part = await self._publish_alone(batch_id, tenant, protocol, chunk, idempotency, cause)
            try:
                async with asyncio.timeout(timeout_s):
                    return part, await settled == "stored"
            except TimeoutError:
                return part, False

    async def _publish_alone(
        self,
        batch_id: UUID,
        tenant: Tenant,
        protocol: str,
        chunk: Chunk,
        idempotency: str | None,
        cause: SpanContext | None,
    ) -> Part:
        await self._publish(batch_id, tenant, protocol, chunk, idempotency, [cause])
        return Part(batch_id, 0, chunk.events)

    async def _publish_group(self, tenant: Tenant, protocol: str, group: _Group) -> None:
        try:
            while group.waiting:
                taken = group.take()
                requests = len(taken)
                with _told_of_failure(taken):
                    await self._publish_shared(tenant, protocol, taken)
                if requests >= _MANY:
                    await asyncio.sleep(_LINGER_S)
        finally:
            del self._groups[tenant, protocol]
            for waiting in group.waiting:  # only what nobody expected ends it earlier
                waiting.told(Unavailable("the batch could not be published"))

    async def _publish_shared(self, tenant: Tenant, protocol: str, taken: deque[_Waiting]) -> None:
        batch_id = self._clock.batch_id()
        events = sum(waiting.chunk.events for waiting in taken)
        ndjson = b"".join(waiting.chunk.ndjson for waiting in taken)
        causes = [waiting.cause for waiting in taken]
        await self._publish(batch_id, tenant, protocol, Chunk(ndjson, events), None, causes)
        first = 0
        while taken:
            waiting = taken.popleft()
            waiting.told(Part(batch_id, first, waiting.chunk.events))
            first += waiting.chunk.events

    async def _publish(
        self,
        batch_id: UUID,
        tenant: Tenant,
        protocol: str,
        chunk: Chunk,
        idempotency: str | None,
        causes: Sequence[SpanContext | None],
    ) -> None:
        if len(chunk.ndjson) < _INLINE_BYTES:
            body = compressed(chunk.ndjson)
        else:
            body = await asyncio.to_thread(compressed, chunk.ndjson)
        started = time.perf_counter()
        try:
            with (
                self._tracer.span("publish batch", "producer", causes) as span,
                self._producers.number(tenant) as number,
            ):
                if span.context is not None:
                    span.set(cordwood_batch=str(batch_id), cordwood_tenant=tenant, cordwood_events=chunk.events)
                header = self._header(batch_id, tenant, protocol, chunk, number, idempotency, span.context)
                await self._broker.publish(Batch(header, body))
        except CordwoodError as error:
            metrics.PUBLISH_FAILURES.labels(error.label).inc()
            raise
        metrics.CONFIRM_SECONDS.observe(time.perf_counter() - started)
        metrics.BATCH_EVENTS.observe(chunk.events)
        metrics.INGEST_EVENTS.labels(protocol, "accepted").inc(chunk.events)
        metrics.INGEST_BYTES.inc(len(chunk.ndjson))

    def _header(
        self,
        batch_id: UUID,
        tenant: Tenant,
        protocol: str,
        chunk: Chunk,
        number: Number,
        idempotency: str | None,
        span: SpanContext | None,
    ) -> BatchHeader:
        return BatchHeader(
            id=batch_id,
            tenant=tenant,
            events=chunk.events,
            size_bytes=len(chunk.ndjson),
            protocol=protocol,
            received_at_us=self._clock.now_us(),
            producer=number.producer,
            sequence=number.sequence,
            idempotency=idempotency,
            traceparent=None if span is None else span.traceparent,
        )


@contextmanager
def _told_of_failure(taken: deque[_Waiting]) -> Iterator[None]:
    """Whatever ends a publish, everyone who waits for it hears."""
    try:
        yield
    except CordwoodError as error:
        for waiting in taken:
            waiting.told(error)
    except BaseException:
        for waiting in taken:
            waiting.told(Unavailable("the batch could not be published"))
        raise


def _settle(part: "asyncio.Future[Part]", outcome: Part | CordwoodError) -> None:
    if part.done():  # its sender has left; its events are kept all the same
        return
    if isinstance(outcome, Part):
        part.set_result(outcome)
    else:
        part.set_exception(outcome)
