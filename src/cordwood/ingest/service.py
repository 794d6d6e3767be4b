"""What happens to a request's events: decode, pack, receipt."""

import asyncio

from msgspec import Struct

from cordwood import metrics
from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import CordwoodError
from cordwood.ingest.admission import Admission
from cordwood.ingest.packer import Packer
from cordwood.ingest.settings import IngestSettings
from cordwood.model.receipt import Part, Receipt
from cordwood.model.tenant import Tenant
from cordwood.protocols import native
from cordwood.protocols.decoded import Decoded, Limits, Reject
from cordwood.tenancy.quota.gate import Gate
from cordwood.tenancy.quota.interface import Cost

_INLINE_BYTES = 64 << 10
"""Below this, checking a body takes under 0.2 ms: less than handing it to a thread would cost others."""


class Taken(Struct, frozen=True):
    """What became of a request. `receipt` is None when no event was good; `is_stored` when nobody asked."""

    receipt: Receipt | None
    accepted: int
    rejects: list[Reject]
    is_stored: bool | None


class Ingest:
    """Takes events in. Owns the api's side of the broker, but not its connection."""

    def __init__(self, broker: Broker, clock: Clock, settings: IngestSettings, gate: Gate | None = None) -> None:
        self._gate = gate
        self._packer = Packer(broker, clock)
        self._wait_timeout_s = settings.wait_timeout_s
        self._limits = Limits(
            max_event_bytes=settings.max_event_bytes,
            max_depth=settings.max_depth,
            max_fields=settings.max_fields,
        )
        self.admission = Admission(settings.max_in_flight_bytes)

    async def take_json(self, tenant: Tenant, body: bytes, content_type: str, *, wait: bool) -> Taken:
        """Take a body of our own JSON protocol. Returns once the good events are durable.

        Raises BadRequest, UnsupportedMedia (nothing taken), Overloaded, Unavailable (send the same body again).
        """
        if len(body) < _INLINE_BYTES:
            decoded = native.decode(body, content_type, self._limits)
        else:
            decoded = await asyncio.to_thread(native.decode, body, content_type, self._limits)
        return await self._take(tenant, native.NAME, decoded, wait=wait)

    async def _take(self, tenant: Tenant, protocol: str, decoded: Decoded, *, wait: bool) -> Taken:
        """Within the tenant's limits: what is refused, here or later on, does not count. Raises as `take_json`."""
        if self._gate is None:
            return await self._pack(tenant, protocol, decoded, wait=wait)
        cost = Cost(decoded.accepted, sum(len(chunk.ndjson) for chunk in decoded.chunks))
        await self._gate.take(tenant, cost)
        try:
            return await self._pack(tenant, protocol, decoded, wait=wait)
        except CordwoodError:
            await self._gate.give_back(tenant, cost)
            raise

    async def _pack(self, tenant: Tenant, protocol: str, decoded: Decoded, *, wait: bool) -> Taken:
        parts: list[Part]
        is_stored: bool | None = None
        if wait:
            waited = await asyncio.gather(
                *(self._packer.pack_and_wait(tenant, protocol, chunk, self._wait_timeout_s) for chunk in decoded.chunks)
            )
            parts = [part for part, _ in waited]
            is_stored = all(stored for _, stored in waited)
        elif len(decoded.chunks) == 1:
            parts = [await self._packer.pack(tenant, protocol, decoded.chunks[0])]
        else:
            parts = await asyncio.gather(*(self._packer.pack(tenant, protocol, chunk) for chunk in decoded.chunks))
        accepted = decoded.accepted
        metrics.INGEST_EVENTS.labels(protocol, "accepted").inc(accepted)
        if decoded.rejects:
            metrics.INGEST_EVENTS.labels(protocol, "rejected").inc(len(decoded.rejects))
        return Taken(Receipt(parts) if parts else None, accepted, list(decoded.rejects), is_stored)
