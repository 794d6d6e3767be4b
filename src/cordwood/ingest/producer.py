"""Who numbers batches, and what is said of the numbers: one producer per tenant, for as long as it is busy."""

import asyncio
import contextlib
from collections.abc import Iterator
from uuid import UUID

import structlog
from msgspec import Struct

from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import CordwoodError
from cordwood.model.batch import Batch, BatchHeader, compressed
from cordwood.model.ledger import Heartbeat, Range, heartbeat_lines
from cordwood.model.tenant import DEFAULT_TENANT, Tenant

log = structlog.get_logger()

_IDLE_US = 30_000_000
"""A producer that numbered nothing for this long ends: silence of the others then means that they died."""
_RANGES_AT_ONCE = 10_000
"""Runs of abandoned numbers that one heartbeat carries; the rest waits for the next."""
_LAST_BEAT_S = 3.0


class Number(Struct, frozen=True):
    """A batch's place in the ledger."""

    producer: UUID
    sequence: int


class _Producer:
    def __init__(self, producer: UUID, tenant: Tenant) -> None:
        self.id = producer
        self.tenant = tenant
        self.highest = 0
        self.publishing: set[int] = set()
        self.used_at_us = 0
        self.abandoned: list[Range] = []

    @property
    def settled(self) -> int:
        return min(self.publishing) - 1 if self.publishing else self.highest

    def said(self, is_ending: bool, now_us: int) -> Heartbeat:
        """What can be said now: as much as fits."""
        ranges, rest = self.abandoned[:_RANGES_AT_ONCE], self.abandoned[_RANGES_AT_ONCE:]
        return Heartbeat(
            producer=self.id,
            tenant=self.tenant,
            settled=min(self.settled, rest[0][0] - 1) if rest else self.settled,
            said_at_us=now_us,
            abandoned=ranges,
            is_ended=is_ending and not rest and not self.publishing,
        )

    def abandon(self, sequence: int) -> None:
        """Failures come in runs: an outage of any length is a handful of ranges."""
        if self.abandoned and self.abandoned[-1][1] == sequence - 1:
            self.abandoned[-1] = (self.abandoned[-1][0], sequence)
        else:
            self.abandoned.append((sequence, sequence))


class Producers:
    """Numbers batches; tells the ledger by heartbeats, which travel with the batches."""

    def __init__(self, broker: Broker, clock: Clock, interval_s: float) -> None:
        self._broker = broker
        self._clock = clock
        self._interval_s = interval_s
        self._busy: dict[Tenant, _Producer] = {}
        self._ending: list[_Producer] = []

    @contextlib.contextmanager
    def number(self, tenant: Tenant) -> Iterator[Number]:
        """The number of a batch that the block publishes; abandoned when the block fails."""
        producer = self._busy.get(tenant)
        if producer is None:
            producer = self._busy[tenant] = _Producer(self._clock.batch_id(), tenant)
        producer.highest += 1
        sequence = producer.highest
        producer.publishing.add(sequence)
        try:
            yield Number(producer.id, sequence)
        except BaseException:
            producer.abandon(sequence)
            raise
        finally:
            producer.publishing.remove(sequence)
            producer.used_at_us = self._clock.now_us()

    async def beat_until(self, stop: asyncio.Event) -> None:
        """A heartbeat now and then until `stop`."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await stop.wait()
            await self._beat()

    async def end(self) -> None:
        """The last heartbeat: no number follows. Call it when nothing is being published any more."""
        self._ending += self._busy.values()
        self._busy.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_BEAT_S):
                await self._beat()
        if self._ending:
            log.warning("last_heartbeat_lost", producers=len(self._ending), hint="the audit calls them unverified")

    async def _beat(self) -> None:
        now_us = self._clock.now_us()
        for tenant, producer in list(self._busy.items()):
            if not producer.publishing and now_us - producer.used_at_us > _IDLE_US:
                self._ending.append(self._busy.pop(tenant))
        speaking = [*self._ending, *self._busy.values()]
        if not speaking:
            return
        ending = {producer.id for producer in self._ending}
        said = [(producer, producer.said(producer.id in ending, now_us)) for producer in speaking]
        beats = [beat for _, beat in said]
        try:
            await self._broker.publish(self._batch(beats, now_us))
        except CordwoodError as error:
            log.info("heartbeat_put_off", reason=error.message)
            return
        for producer, beat in said:
            # The last range may have grown meanwhile: then it is said again, as a whole.
            producer.abandoned = [each for each in producer.abandoned if each not in beat.abandoned]
        ended = {beat.producer for beat in beats if beat.is_ended}
        self._ending = [producer for producer in self._ending if producer.id not in ended]

    def _batch(self, beats: list[Heartbeat], now_us: int) -> Batch:
        lines = heartbeat_lines(beats)
        header = BatchHeader(
            id=self._clock.batch_id(),
            tenant=DEFAULT_TENANT,
            events=len(beats),
            size_bytes=len(lines),
            protocol="heartbeat",
            received_at_us=now_us,
            producer=beats[0].producer,
            sequence=0,
            kind="heartbeat",
        )
        return Batch(header, compressed(lines))
