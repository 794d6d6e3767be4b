"""The way of a traced batch through the worker, as spans around broker and store: the loop knows nothing of it.

There is none of this where tracing is off.
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from msgspec.structs import replace

from cordwood.broker.interface import Broker, Delivery
from cordwood.model.batch import Batch, BatchHeader
from cordwood.model.ledger import Heartbeat
from cordwood.store.interface import Load, Writer, Written
from cordwood.tracing.context import SpanContext, incoming
from cordwood.tracing.interface import Span, Tracer


class TracedDelivery:
    """A delivery with a span, from its arrival until it is settled. Its batch says that this span is what brings about
    what follows."""

    def __init__(self, delivery: Delivery, span: Span) -> None:
        self._delivery = delivery
        self._span = span
        header, body = delivery.batch.header, delivery.batch.body
        context = span.context
        self.batch = Batch(replace(header, traceparent=context.traceparent), body) if context else delivery.batch
        self.is_redelivered = delivery.is_redelivered
        span.set(
            cordwood_batch=str(header.id),
            cordwood_tenant=header.tenant,
            cordwood_events=header.events,
            cordwood_redelivered=delivery.is_redelivered,
        )

    async def ack(self) -> None:
        await self._delivery.ack()
        self._span.end()

    async def nack(self) -> None:
        await self._delivery.nack()
        self._span.fail("given back")
        self._span.end()

    async def reject(self, reason: str) -> None:
        await self._delivery.reject(reason)
        self._span.fail(reason)
        self._span.end()


class TracedDeliveries:
    """What a broker delivers; batches that are traced, with a span."""

    def __init__(self, broker: Broker, tracer: Tracer) -> None:
        self._broker = broker
        self._tracer = tracer

    async def consume(self, prefetch: int) -> AsyncGenerator[Delivery, None]:
        """As the broker's."""
        deliveries = self._broker.consume(prefetch)
        async with contextlib.aclosing(deliveries) as arriving:  # type: ignore[type-var]  # every implementation is a generator
            async for delivery in arriving:
                cause = _cause(delivery.batch.header)
                if cause is None:
                    yield delivery
                else:
                    yield TracedDelivery(delivery, self._tracer.span("deliver batch", "consumer", [cause]))


class TracedWriter:
    """A store; a transaction with traced batches in it has a span."""

    def __init__(self, writer: Writer, tracer: Tracer) -> None:
        self._writer = writer
        self._tracer = tracer

    async def write(self, loads: Sequence[Load]) -> Sequence[Written]:
        """Each try is a span of its own."""
        causes = [_cause(load.batch.header) for load in loads]
        with self._tracer.span("commit", "client", causes) as span:
            written = await self._writer.write(loads)
            span.set(
                cordwood_batches=len(loads),
                cordwood_stored=sum(each.stored for each in written),
                cordwood_deduplicated=sum(each.deduplicated for each in written),
                cordwood_dead_lettered=sum(each.dead_lettered for each in written),
                cordwood_duplicates=sum(each.is_duplicate for each in written),
            )
        return written

    async def hear(self, beats: Sequence[Heartbeat]) -> None:
        await self._writer.hear(beats)

    async def report(self, worker: UUID, queue: str, *, is_drained: bool) -> None:
        await self._writer.report(worker, queue, is_drained=is_drained)

    async def probe(self, load: Load, first: int, count: int) -> None:
        await self._writer.probe(load, first, count)

    async def check(self) -> None:
        await self._writer.check()


def _cause(header: BatchHeader) -> SpanContext | None:
    """What brought a batch about, where that is traced."""
    if header.traceparent is None:
        return None
    said = incoming(header.traceparent)
    return said.context if said is not None and said.is_sampled else None
