"""Deliveries of one channel: from the first to the channel's end, with a watchdog for when they stop coming."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Protocol, TypeVar

import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from cordwood.broker.amqp_link import Link
from cordwood.broker.amqp_message import batch_of_message
from cordwood.broker.interface import Settlement
from cordwood.errors import Corrupt, Unavailable
from cordwood.model.batch import Batch

log = structlog.get_logger()
T = TypeVar("T")

_CALL_TIMEOUT_S = 5.0
_LOOK_S = 5.0
_STRIKES = 3


class Graveyard(Protocol):
    """Where a delivery's end is told."""

    async def bury(self, message: DeliveredMessage, reason: str) -> bool:
        """Keep a message as a dead letter. Returns False when that failed."""
        ...

    def tell(self, message: DeliveredMessage, settlement: Settlement) -> None:
        """Answer who watches the batch, if anyone does, in the background."""
        ...


class RabbitDelivery:
    """A message in a worker's hands. Once its channel has closed, RabbitMQ delivers it again: nothing to settle."""

    def __init__(self, deliveries: "Deliveries", message: DeliveredMessage, batch: Batch) -> None:
        self._deliveries = deliveries
        self._message = message
        self.batch = batch
        self.is_redelivered = bool(message.redelivered)

    async def ack(self) -> None:
        await self._deliveries.settle(self, self._message, _ack, "stored")

    async def nack(self) -> None:
        await self._deliveries.settle(self, self._message, _nack)

    async def reject(self, reason: str) -> None:
        await self._deliveries.reject(self, self._message, reason)


class Deliveries:
    """What one channel delivers."""

    def __init__(
        self, link: Link, channel: AbstractChannel, queue: str, graveyard: Graveyard, held: set[RabbitDelivery]
    ) -> None:
        """`held` tells others what is in hand."""
        self._link = link
        self._channel = channel
        self._queue = queue
        self._graveyard = graveyard
        self._held = held
        self._inbox: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()  # bounded by the prefetch
        self._delivered = 0

    async def until_lost(self, prefetch: int) -> AsyncGenerator[RabbitDelivery, None]:
        """Raises Unavailable at the end of the channel. Settle only what this generator still knows of."""
        await self._within(self._channel.basic_qos(prefetch_count=prefetch))
        closing = self._channel.closing
        closing.add_done_callback(lambda _: self._inbox.put_nowait(None))
        self._channel.on_consumer_cancel_callbacks.add(lambda _: self._inbox.put_nowait(None))
        await self._within(self._channel.basic_consume(self._queue, self._arrived))
        watchdog = asyncio.create_task(self._watch(prefetch))
        try:
            while (message := await self._inbox.get()) is not None:
                delivery = await self._opened(message)
                if delivery is not None:
                    self._held.add(delivery)
                    yield delivery
            raise Unavailable("RabbitMQ ended the consumer")
        finally:
            watchdog.cancel()
            closing.cancel()
            self._held.clear()

    async def settle(
        self,
        delivery: RabbitDelivery,
        message: DeliveredMessage,
        call: "_Settle",
        settlement: Settlement | None = None,
    ) -> None:
        self._held.discard(delivery)
        if await self._settled(message, call) and settlement is not None:
            self._graveyard.tell(message, settlement)

    async def reject(self, delivery: RabbitDelivery, message: DeliveredMessage, reason: str) -> None:
        self._held.discard(delivery)
        if await self._bury(message, reason):
            self._graveyard.tell(message, "rejected")

    async def _arrived(self, message: DeliveredMessage) -> None:
        self._delivered += 1
        self._inbox.put_nowait(message)

    async def _opened(self, message: DeliveredMessage) -> RabbitDelivery | None:
        try:
            return RabbitDelivery(self, message, batch_of_message(message))
        except Corrupt as error:
            log.error("message_buried", queue=self._queue, reason=error.message)
            await self._bury(message, error.message)
            return None

    async def _bury(self, message: DeliveredMessage, reason: str) -> bool:
        """Should the copy with the reason fail, RabbitMQ moves the message there without one."""
        is_buried = await self._graveyard.bury(message, reason)
        return await self._settled(message, _ack if is_buried else _refuse)

    async def _settled(self, message: DeliveredMessage, call: "_Settle") -> bool:
        """Whether the channel still took it."""
        assert message.delivery_tag is not None, "consumed messages have one"
        if self._channel.is_closed:
            return False
        try:
            await self._link.run(call(self._channel, message.delivery_tag), _CALL_TIMEOUT_S)
        except Unavailable as error:
            log.info("settlement_lost", reason=error.message)
            return False
        except TimeoutError:
            self._link.drop(f"it did not take a settlement within {_CALL_TIMEOUT_S:g} s")
            return False
        return True

    async def _watch(self, prefetch: int) -> None:
        """Drop a connection that answers nothing, or delivers nothing although messages wait and there is room."""
        strikes = 0
        while True:
            delivered = self._delivered
            await asyncio.sleep(_LOOK_S)
            if self._delivered != delivered or len(self._held) >= prefetch:
                strikes = 0
                continue
            with contextlib.suppress(Unavailable):  # the link knows, and has begun anew
                strikes = strikes + 1 if await self._ready() else 0
            if strikes == _STRIKES:
                self._link.drop(f"messages wait, and none was delivered for {_STRIKES * _LOOK_S:g} s")

    async def _ready(self) -> int:
        """How many messages wait."""
        declared = await self._within(self._channel.queue_declare(self._queue, passive=True))
        return declared.message_count or 0

    async def _within(self, call: Coroutine[object, object, T]) -> T:
        try:
            return await self._link.run(call, _CALL_TIMEOUT_S)
        except TimeoutError as error:
            self._link.drop(f"no answer within {_CALL_TIMEOUT_S:g} s")
            raise Unavailable("RabbitMQ does not answer") from error


_Settle = Callable[[AbstractChannel, int], Coroutine[object, object, None]]


async def _ack(channel: AbstractChannel, tag: int) -> None:
    await channel.basic_ack(tag)


async def _nack(channel: AbstractChannel, tag: int) -> None:
    await channel.basic_nack(tag, requeue=True)


async def _refuse(channel: AbstractChannel, tag: int) -> None:
    await channel.basic_reject(tag, requeue=False)
