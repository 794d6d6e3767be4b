"""RabbitMQ as the broker: a quorum queue, persistent messages, confirms, manual acks, a dead-letter exchange."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

import aiormq
import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import DeliveryError, PublishError

from cordwood.broker.amqp_delivery import Deliveries, RabbitDelivery
from cordwood.broker.amqp_link import Link
from cordwood.broker.amqp_message import dead_properties, properties_of, settled_id, settlement_properties
from cordwood.broker.amqp_topology import dead_letters_of, declare
from cordwood.broker.interface import Backlog, Settlement
from cordwood.broker.settings import BrokerSettings
from cordwood.errors import CordwoodError, Overloaded, Unavailable
from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant

log = structlog.get_logger()

_PATIENCE_S = 1.0
"""How long a publish waits for a connection that is coming back."""
_TELL_TIMEOUT_S = 1.0
_MAX_TELLING = 1000
"""Answers to watchers under way; more are not sent, and those watchers wait in vain, as they may."""
_COUNT_TIMEOUT_S = 5.0


class RabbitBroker:
    """Publishes on one connection, consumes on another, so that a blocked publisher does not stop acks."""

    def __init__(self, url: str, settings: BrokerSettings) -> None:
        """Raises ConfigError for a URL that cannot be read."""
        self._url = url
        self._settings = settings
        self._queue = settings.queue
        self._publisher = Link(url, "publisher", self._prepare_publisher, confirms=True)
        self._reply_to: str | None = None
        self._watched: dict[UUID, asyncio.Future[Settlement]] = {}
        self._held: set[RabbitDelivery] = set()
        self._telling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "RabbitBroker":
        await self._publisher.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._telling:
            await asyncio.wait(self._telling, timeout=_TELL_TIMEOUT_S)
        for task in self._telling:
            task.cancel()
        await self._publisher.__aexit__(*exc)

    async def publish(self, batch: Batch) -> None:
        reply_to = self._reply_to if batch.header.id in self._watched else None
        await self._publish(batch.body, properties_of(batch.header, reply_to=reply_to), routing_key=self._queue)

    @contextlib.asynccontextmanager
    async def watch(self, batch_id: UUID) -> AsyncIterator["asyncio.Future[Settlement]"]:
        """The worker answers to a queue of this connection: a settlement while it is broken is never heard."""
        future: asyncio.Future[Settlement] = asyncio.get_running_loop().create_future()
        self._watched[batch_id] = future
        try:
            yield future
        finally:
            del self._watched[batch_id]
            future.cancel()

    async def consume(self, prefetch: int) -> AsyncGenerator[RabbitDelivery, None]:
        async with Link(self._url, "consumer", self._prepare_consumer, confirms=False) as link:
            while True:
                try:
                    channel = await link.channel(_PATIENCE_S)
                    deliveries = Deliveries(link, channel, self._queue, self, self._held)
                    async with contextlib.aclosing(deliveries.until_lost(prefetch)) as arriving:
                        async for delivery in arriving:
                            yield delivery
                except Unavailable as error:
                    link.drop(error.message)  # it logs why, and paces itself

    async def backlog(self) -> Backlog:
        """`batches` leaves out what other processes hold; `size_bytes` RabbitMQ does not tell. The age is that of the
        oldest batch in this process's hands, and None when others wait and none is: RabbitMQ does not tell it."""
        await self._publisher.channel(_PATIENCE_S)
        try:
            waiting = await self._publisher.run_aside(self._ready, _COUNT_TIMEOUT_S)
        except TimeoutError as error:
            raise Unavailable(f"RabbitMQ does not tell the length of {self._queue!r}") from error
        if self._held:
            oldest_us = min(delivery.batch.header.received_at_us for delivery in self._held)
            return Backlog(waiting + len(self._held), None, max(0.0, time.time() - oldest_us / 1e6), self._queue)
        return Backlog(waiting, None, None if waiting else 0.0, self._queue)

    async def waiting(self, tenant: Tenant) -> None:
        """RabbitMQ counts batches, whosever they are, and knows of no spool."""

    async def check(self) -> None:
        await self._publisher.channel(_PATIENCE_S)
        self._publisher.ensure_unblocked()

    async def bury(self, message: DeliveredMessage, reason: str) -> bool:
        """For deliveries: whether a copy with the reason is now among the dead letters."""
        try:
            dead = dead_letters_of(self._queue)
            await self._publish(message.body, dead_properties(message, reason), exchange=dead)
        except CordwoodError as error:
            log.warning("reason_lost", reason=reason, because=error.message)
            return False
        return True

    def tell(self, message: DeliveredMessage, settlement: Settlement) -> None:
        """For deliveries: answer who watches, if anyone does and is still there."""
        reply_to = message.header.properties.reply_to
        if reply_to and len(self._telling) < _MAX_TELLING:
            task = asyncio.create_task(self._tell(message, settlement, reply_to))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, message: DeliveredMessage, settlement: Settlement, reply_to: str) -> None:
        """Not on the consumer's connection: RabbitMQ may block one that publishes, acks included."""
        with contextlib.suppress(CordwoodError, DeliveryError, TimeoutError):
            channel = await self._publisher.channel(_PATIENCE_S)
            self._publisher.ensure_unblocked()
            properties = settlement_properties(message)
            answer = channel.basic_publish(settlement.encode(), routing_key=reply_to, properties=properties)
            await self._publisher.run(answer, _TELL_TIMEOUT_S)

    async def _publish(
        self, body: bytes, properties: aiormq.spec.Basic.Properties, *, exchange: str = "", routing_key: str = ""
    ) -> None:
        """Return once confirmed. Raises as `publish`."""
        link, timeout_s = self._publisher, self._settings.confirm_timeout_s
        began = asyncio.get_running_loop().time()
        channel = await link.channel(min(_PATIENCE_S, timeout_s))
        link.ensure_unblocked()
        left_s = began + timeout_s - asyncio.get_running_loop().time()
        try:
            await link.run(
                channel.basic_publish(
                    body, exchange=exchange, routing_key=routing_key, properties=properties, mandatory=True
                ),
                left_s,
            )
        except TimeoutError as error:
            if not link.has_answered_since(began):
                link.drop(f"it confirmed nothing for {timeout_s:g} s")
            raise Unavailable(
                f"RabbitMQ did not confirm a batch within {timeout_s:g} s",
                hint="look at RabbitMQ's load and disk; the same batch may be sent again",
            ) from error
        except PublishError as error:
            link.drop("the queue is gone")  # the next channel declares it again
            raise Unavailable(f"the queue {self._queue!r} does not exist", hint="it is being made again") from error
        except DeliveryError as error:
            raise Overloaded(
                f"RabbitMQ refused a batch: the queue {self._queue!r} is full, or cannot be written",
                hint="see why workers do not keep up, raise CORDWOOD_BROKER_MAX_SIZE_BYTES, or look at RabbitMQ's log",
                retry_after_s=5,
            ) from error

    async def _ready(self, channel: AbstractChannel) -> int:
        declared = await channel.queue_declare(self._queue, passive=True)
        return declared.message_count or 0

    async def _prepare_consumer(self, channel: AbstractChannel) -> None:
        await declare(channel, self._queue, self._settings.max_size_bytes)

    async def _prepare_publisher(self, channel: AbstractChannel) -> None:
        await declare(channel, self._queue, self._settings.max_size_bytes)
        replies = await channel.queue_declare("", exclusive=True, auto_delete=True)
        await channel.basic_consume(replies.queue or "", self._on_settled, no_ack=True)
        self._reply_to = replies.queue

    async def _on_settled(self, message: DeliveredMessage) -> None:
        batch_id = settled_id(message)
        future = None if batch_id is None else self._watched.get(batch_id)
        if future is not None and not future.done():
            future.set_result("stored" if message.body == b"stored" else "rejected")
