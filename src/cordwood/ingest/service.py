"""What happens to a request's events: decode, pack, receipt."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cordwood import metrics
from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import BadRequest, CordwoodError
from cordwood.ingest.admission import Admission
from cordwood.ingest.packer import Packer, Told
from cordwood.ingest.producer import Producers
from cordwood.ingest.settings import IngestSettings
from cordwood.model.batch import idempotency_of
from cordwood.model.receipt import Part, Receipt
from cordwood.model.tenant import Tenant
from cordwood.protocols import native
from cordwood.protocols.decoded import Chunk, Decoded, Limits, Reject
from cordwood.tenancy.quota.gate import Gate
from cordwood.tenancy.quota.interface import Cost
from cordwood.tracing.context import SpanContext
from cordwood.tracing.interface import Tracer

_INLINE_BYTES = 64 << 10
"""Below this, checking a body takes under 0.2 ms: less than handing it to a thread would cost others."""
_MAX_KEY_LENGTH = 255


def limits_of(settings: IngestSettings) -> Limits:
    """The bounds on one event."""
    return Limits(
        max_event_bytes=settings.max_event_bytes, max_depth=settings.max_depth, max_fields=settings.max_fields
    )


class Taken(Struct, frozen=True):
    """What became of a request. `receipt` is None when no event was good; `is_stored` when nobody asked."""

    receipt: Receipt | None
    accepted: int
    rejects: list[Reject]
    is_stored: bool | None


class _Opened(Struct, frozen=True):
    """A request's events, and with an idempotency key what each chunk has in common with its repetitions."""

    decoded: Decoded
    marks: Sequence[str | None]
    cause: SpanContext | None


class Ingest:
    """Takes events in. Owns the api's side of the broker, but not its connection."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        settings: IngestSettings,
        gate: Gate | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._gate = gate
        self._producers = Producers(broker, clock, settings.heartbeat_s)
        self._packer = Packer(broker, clock, self._producers, tracer)
        self._wait_timeout_s = settings.wait_timeout_s
        self._limits = limits_of(settings)
        self.admission = Admission(settings.max_in_flight_bytes)

    async def take_json(
        self,
        tenant: Tenant,
        body: bytes,
        content_type: str,
        *,
        wait: bool,
        idempotency_key: str | None = None,
        cause: SpanContext | None = None,
    ) -> Taken:
        """Take a body of our own JSON protocol, sent by the request `cause`. Returns once the good events are durable.

        A repetition of a body under the same key is deduplicated when it is stored. Raises BadRequest,
        UnsupportedMedia (nothing taken), Overloaded, Unavailable (send the same body again).
        """
        if idempotency_key is not None and not 0 < len(idempotency_key) <= _MAX_KEY_LENGTH:
            raise BadRequest(
                f"the idempotency key has {len(idempotency_key)} characters",
                hint=f"use 1 to {_MAX_KEY_LENGTH}, for instance a UUID",
            )

        def opened() -> _Opened:
            decoded = native.decode(body, content_type, self._limits)
            if idempotency_key is None:
                return _Opened(decoded, [None] * len(decoded.chunks), cause)
            return _Opened(
                decoded, [idempotency_of(idempotency_key, body, part) for part in range(len(decoded.chunks))], cause
            )

        request = opened() if len(body) < _INLINE_BYTES else await asyncio.to_thread(opened)
        return await self._take(tenant, native.NAME, request, wait=wait)

    def take_small(self, tenant: Tenant, body: bytes, content_type: str, told: Told) -> bool:
        """Take a small body whose events are all good, of a tenant whose use nobody counts; `told` hears the rest.

        False: nothing was taken; `take_json` says why, or takes it. Raises BadRequest, UnsupportedMedia, Overloaded.
        """
        if self._gate is not None and self._gate.counts(tenant):
            return False
        decoded = native.decode(body, content_type, self._limits)
        if decoded.rejects or len(decoded.chunks) != 1:
            return False
        (chunk,) = decoded.chunks
        ticket = self.admission.request(tenant)
        ticket.grew(len(body))

        def ended(outcome: Part | CordwoodError) -> None:
            ticket.end()
            told(outcome)

        self._packer.pack_soon(tenant, native.NAME, chunk, ended)
        return True

    async def keep_accounts(self, stop: asyncio.Event) -> None:
        """Tell the ledger what was numbered, until `stop`."""
        await self._producers.beat_until(stop)

    async def close_accounts(self) -> None:
        """Tell the ledger that no batch follows. Call it when every request has been answered."""
        await self._producers.end()

    async def _take(self, tenant: Tenant, protocol: str, request: _Opened, *, wait: bool) -> Taken:
        """Within the tenant's limits: what is refused, here or later on, does not count. Raises as `take_json`."""
        if self._gate is None:
            return await self._pack_all(tenant, protocol, request, wait=wait)
        decoded = request.decoded
        cost = Cost(decoded.accepted, sum(len(chunk.ndjson) for chunk in decoded.chunks))
        await self._gate.take(tenant, cost)
        try:
            return await self._pack_all(tenant, protocol, request, wait=wait)
        except CordwoodError:
            await self._gate.give_back(tenant, cost)
            raise

    async def _pack_all(self, tenant: Tenant, protocol: str, request: _Opened, *, wait: bool) -> Taken:
        decoded = request.decoded
        cause = request.cause
        parts: list[Part]
        is_stored: bool | None = None
        marked = list(zip(decoded.chunks, request.marks, strict=True))
        if wait:
            waited = await asyncio.gather(
                *(
                    self._packer.pack_and_wait(tenant, protocol, chunk, mark, self._wait_timeout_s, cause)
                    for chunk, mark in marked
                )
            )
            parts = [part for part, _ in waited]
            is_stored = all(stored for _, stored in waited)
        elif len(marked) == 1:
            parts = [await self._pack(tenant, protocol, *marked[0], cause)]
        else:
            parts = await asyncio.gather(*(self._pack(tenant, protocol, chunk, mark, cause) for chunk, mark in marked))
        accepted = decoded.accepted
        if decoded.rejects:
            metrics.INGEST_EVENTS.labels(protocol, "rejected").inc(len(decoded.rejects))
        return Taken(Receipt(parts) if parts else None, accepted, list(decoded.rejects), is_stored)

    async def _pack(
        self, tenant: Tenant, protocol: str, chunk: Chunk, mark: str | None, cause: SpanContext | None
    ) -> Part:
        if mark is None:
            return await self._packer.pack(tenant, protocol, chunk, cause)
        return await self._packer.pack_alone(tenant, protocol, chunk, mark, cause)
