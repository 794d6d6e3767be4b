"""RabbitMQ as the broker: a quorum queue, persistent messages, confirms, manual acks, a dead-letter exchange."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from uuid import UUID

import aiormq
import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from cordwood.broker.amqp_link import AMQP_ERRORS, Link
from cordwood.broker.amqp_message import REASON, batch_of_message, properties_of, settled_id
from cordwood.broker.interface import Backlog, Settlement
from cordwood.broker.settings import BrokerSettings
from cordwood.errors import Corrupt, Overloaded, Unavailable
from cordwood.model.batch import Batch

log = structlog.get_logger()

_PATIENCE_S = 1.0
"""How long a publish waits for a connection that is coming back."""
_BLOCKED_PATIENCE_S = 0.2
_FIRST_PAUSE_S = 0.1
# A worker holds deliveries while its store is away, it does not give them back in a loop; so many returns mean
# many crashes. RabbitMQ 4 would dead-letter after 20.
_DELIVERY_LIMIT = 1000


class RabbitDelivery:
    """A message in a worker's hands. Once its channel has closed, RabbitMQ delivers it again: nothing to settle."""

    def __init__(self, broker: "RabbitBroker", message: DeliveredMessage, batch: Batch) -> None:
        self._broker = broker
        self._message = message
        self.batch = batch
        self.is_redelivered = bool(message.redelivered)

    async def ack(self) -> None:
        if await self._settle(lambda channel, tag: channel.basic_ack(tag)):
            await self._broker._tell(self._message, "stored")

    async def nack(self) -> None:
        await self._settle(lambda channel, tag: channel.basic_nack(tag, requeue=True))

    async def reject(self, reason: str) -> None:
        await self._broker._bury(self._message, reason)
        await self._broker._tell(self._message, "rejected")

    async def _settle(self, call: Callable[[AbstractChannel, int], Awaitable[None]]) -> bool:
        self._broker._in_hand.pop(id(self._message), None)
        return await _settled(self._message, call)


class RabbitBroker:
    """Publishes on one connection, consumes on another, so that a blocked publisher does not stop acks."""

    def __init__(self, url: str, settings: BrokerSettings) -> None:
        self._settings = settings
        self._queue = settings.queue
        self._dead = f"{settings.queue}.dead"
        self._publisher = Link(url, "publisher", self._prepare_publisher, confirms=True)
        self._consumer = Link(url, "consumer", self._declare, confirms=False)
        self._stack = contextlib.AsyncExitStack()
        self._reply_to: str | None = None
        self._watched: dict[UUID, asyncio.Future[Settlement]] = {}
        self._in_hand: dict[int, float] = {}

    async def __aenter__(self) -> "RabbitBroker":
        await self._stack.enter_async_context(self._publisher)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def publish(self, batch: Batch) -> None:
        channel = await self._publisher.channel(_PATIENCE_S)
        await self._publisher.ensure_unblocked(_BLOCKED_PATIENCE_S)
        reply_to = self._reply_to if batch.header.id in self._watched else None
        properties = properties_of(batch.header, reply_to=reply_to)
        try:
            async with asyncio.timeout(self._settings.confirm_timeout_s):
                await channel.basic_publish(batch.body, routing_key=self._queue, properties=properties, mandatory=True)
        except TimeoutError as error:
            await self._publisher.drop()
            raise Unavailable(
                f"RabbitMQ did not confirm a batch within {self._settings.confirm_timeout_s:g} s",
                hint="look at RabbitMQ's load and disk; the same batch may be sent again",
            ) from error
        except aiormq.exceptions.PublishError as error:
            await self._publisher.drop()  # the next channel declares the queue again
            raise Unavailable(f"the queue {self._queue!r} does not exist", hint="it is being made again") from error
        except aiormq.exceptions.DeliveryError as error:
            raise Overloaded(
                f"RabbitMQ refused a batch: the queue {self._queue!r} is full",
                hint="see why workers do not keep up, or raise CORDWOOD_BROKER_MAX_SIZE_BYTES",
                retry_after_s=5,
            ) from error
        except AMQP_ERRORS as error:
            raise Unavailable(f"the connection to RabbitMQ broke while publishing: {error}") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # The client cancels its own futures when a channel closes under them.
            raise Unavailable("the connection to RabbitMQ broke while publishing") from error

    @contextlib.asynccontextmanager
    async def watch(self, batch_id: UUID) -> AsyncIterator["asyncio.Future[Settlement]"]:
        future: asyncio.Future[Settlement] = asyncio.get_running_loop().create_future()
        self._watched[batch_id] = future
        try:
            yield future
        finally:
            del self._watched[batch_id]
            future.cancel()

    async def consume(self, prefetch: int) -> AsyncGenerator[RabbitDelivery, None]:
        async with self._consumer:
            while True:
                try:
                    channel = await self._consumer.channel(_PATIENCE_S)
                    async with contextlib.aclosing(self._deliveries(channel, prefetch)) as deliveries:
                        async for delivery in deliveries:
                            yield delivery
                except Unavailable:
                    continue  # the link logs why, and paces itself
                except AMQP_ERRORS as error:
                    log.warning("consuming_interrupted", reason=str(error))
                    await self._consumer.drop()
                    await asyncio.sleep(_FIRST_PAUSE_S)

    async def backlog(self) -> Backlog:
        """`batches` counts those that no worker holds; their size RabbitMQ does not tell. The age is that of the oldest
        batch this process holds, as none that waits is older."""
        channel = await self._publisher.channel(_PATIENCE_S)
        try:
            declared = await channel.queue_declare(self._queue, passive=True)
        except AMQP_ERRORS as error:
            raise Unavailable(f"RabbitMQ does not tell the length of {self._queue!r}: {error}") from error
        waiting = declared.message_count or 0
        oldest_s = min(self._in_hand.values(), default=None)
        if oldest_s is None:
            return Backlog(waiting, None, 0.0 if waiting == 0 else None)
        return Backlog(waiting + len(self._in_hand), None, max(0.0, time.time() - oldest_s))

    async def check(self) -> None:
        await self._publisher.channel(_PATIENCE_S)
        await self._publisher.ensure_unblocked(_BLOCKED_PATIENCE_S)

    async def _deliveries(self, channel: AbstractChannel, prefetch: int) -> AsyncGenerator[RabbitDelivery, None]:
        inbox: asyncio.Queue[DeliveredMessage] = asyncio.Queue()  # bounded by the prefetch

        async def on_message(message: DeliveredMessage) -> None:
            inbox.put_nowait(message)

        await channel.basic_qos(prefetch_count=prefetch)
        started = await channel.basic_consume(self._queue, on_message)
        cancelled = asyncio.Event()
        channel.on_consumer_cancel_callbacks.add(lambda _: cancelled.set())
        ended = asyncio.ensure_future(asyncio.wait({channel.closing}))
        gone = asyncio.create_task(cancelled.wait())
        try:
            while True:
                getting = asyncio.create_task(inbox.get())
                await asyncio.wait({getting, ended, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                    raise ConnectionError("RabbitMQ ended the consumer")
                message = getting.result()
                try:
                    batch = batch_of_message(message)
                except Corrupt as error:
                    log.error("message_buried", reason=error.message)
                    await self._bury(message, error.message)
                    continue
                self._in_hand[id(message)] = batch.header.received_at_us / 1e6
                yield RabbitDelivery(self, message, batch)
        finally:
            self._in_hand.clear()
            ended.cancel()
            gone.cancel()
            if started.consumer_tag and not channel.is_closed:
                # What is unsettled goes back when the channel closes with its link.
                with contextlib.suppress(*AMQP_ERRORS):
                    await channel.basic_cancel(started.consumer_tag)

    async def _bury(self, message: DeliveredMessage, reason: str) -> None:
        """Into the dead letters with its reason; should that fail, RabbitMQ moves it there without one."""
        self._in_hand.pop(id(message), None)
        properties = message.header.properties
        properties.headers = {**(properties.headers or {}), REASON: reason[:1000]}
        try:
            channel = await self._publisher.channel(_PATIENCE_S)
            async with asyncio.timeout(self._settings.confirm_timeout_s):
                await channel.basic_publish(message.body, exchange=self._dead, properties=properties, mandatory=True)
        except (Unavailable, TimeoutError, *AMQP_ERRORS) as error:
            log.warning("reason_lost", reason=reason, because=str(error))
            await _settled(message, lambda channel, tag: channel.basic_reject(tag, requeue=False))
            return
        await _settled(message, lambda channel, tag: channel.basic_ack(tag))

    async def _tell(self, message: DeliveredMessage, settlement: Settlement) -> None:
        """Answer who watches, if anyone does and is still there."""
        properties = message.header.properties
        if not properties.reply_to:
            return
        reply = aiormq.spec.Basic.Properties(correlation_id=properties.message_id, delivery_mode=1)
        with contextlib.suppress(*AMQP_ERRORS):
            await message.channel.basic_publish(settlement.encode(), routing_key=properties.reply_to, properties=reply)

    async def _prepare_publisher(self, channel: AbstractChannel) -> None:
        await self._declare(channel)
        replies = await channel.queue_declare("", exclusive=True, auto_delete=True)
        await channel.basic_consume(replies.queue or "", self._on_settled, no_ack=True)
        self._reply_to = replies.queue

    async def _on_settled(self, message: DeliveredMessage) -> None:
        batch_id = settled_id(message)
        future = None if batch_id is None else self._watched.get(batch_id)
        if future is not None and not future.done():
            future.set_result("stored" if message.body == b"stored" else "rejected")

    async def _declare(self, channel: AbstractChannel) -> None:
        """Everything that has to exist; safe to repeat."""
        await channel.exchange_declare(self._dead, exchange_type="fanout", durable=True)
        await channel.queue_declare(self._dead, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.queue_bind(self._dead, self._dead)
        await channel.queue_declare(
            self._queue,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-overflow": "reject-publish",
                "x-max-length-bytes": self._settings.max_size_bytes,
                "x-dead-letter-exchange": self._dead,
                "x-dead-letter-strategy": "at-least-once",
                "x-delivery-limit": _DELIVERY_LIMIT,
            },
        )


async def _settled(message: DeliveredMessage, call: Callable[[AbstractChannel, int], Awaitable[None]]) -> bool:
    """Whether the channel still took it."""
    assert message.delivery_tag is not None, "consumed messages have one"
    if message.channel.is_closed:
        return False
    try:
        await call(message.channel, message.delivery_tag)
    except AMQP_ERRORS as error:
        log.info("settlement_lost", reason=str(error))
        return False
    return True
