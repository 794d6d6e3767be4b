"""RabbitMQ misbehaving: stopped, killed, blocked, deaf, with other queues, users or messages than we expect."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pika  # type: ignore[import-untyped]
import pytest
from aiormq import Channel
from aiormq.abc import AbstractChannel, DeliveredMessage

from cordwood.broker.amqp_delivery import Deliveries
from cordwood.broker.amqp_link import Link
from cordwood.broker.amqp_topology import declare
from cordwood.broker.interface import Delivery
from cordwood.broker.rabbitmq import RabbitBroker
from cordwood.broker.settings import BrokerSettings
from cordwood.errors import ConfigError, CordwoodError, Overloaded, Unavailable
from tests.support.builders import batch
from tests.support.proxy import Proxy
from tests.support.servers import RabbitMQ, free_port
from tests.support.waiting import eventually

SETTLED_S = 2.5
"""A quorum queue killed sooner after its declaration does not recover on RabbitMQ 3.10."""


@pytest.fixture
async def broker(amqp_url: str, queue_name: str) -> AsyncIterator[RabbitBroker]:
    async with RabbitBroker(amqp_url, BrokerSettings(queue=queue_name)) as opened:
        await up(opened)
        yield opened


@pytest.fixture
def admin(amqp_url: str) -> Iterator[Any]:
    """A channel of another client library: an independent look at what is in RabbitMQ."""
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    yield connection.channel()
    connection.close()


async def is_away(broker: RabbitBroker) -> bool:
    try:
        await broker.check()
    except CordwoodError:
        return True
    return False


async def up(broker: RabbitBroker) -> None:
    async def is_up() -> bool:
        return not await is_away(broker)

    await eventually(is_up, 30, "the broker to be up")


async def first(broker: RabbitBroker) -> Delivery:
    async with contextlib.aclosing(broker.consume(1)) as deliveries:
        async with asyncio.timeout(10):
            return await anext(deliveries)


class Traffic:
    """Publishes and consumes until told to stop; remembers what was confirmed and what was delivered."""

    def __init__(self, broker: RabbitBroker, *, publishers: int = 8) -> None:
        self._broker = broker
        self._numbers = itertools.count()
        self._publishers = publishers
        self.confirmed: set[UUID] = set()
        self.delivered: set[UUID] = set()
        self.refusals: list[CordwoodError] = []

    async def __aenter__(self) -> "Traffic":
        self._publishing = [asyncio.create_task(self._publish()) for _ in range(self._publishers)]
        self._consuming = asyncio.create_task(self._consume())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop_publishing()
        self._consuming.cancel()
        await asyncio.gather(self._consuming, return_exceptions=True)

    async def stop_publishing(self) -> None:
        assert not [task for task in self._publishing if task.done()], "only a refusal may end a publish early"
        for task in self._publishing:
            task.cancel()
        await asyncio.gather(*self._publishing, return_exceptions=True)
        self._publishing = []

    async def goes_on(self, count: int = 100) -> None:
        """Both directions move again."""
        confirmed, delivered = len(self.confirmed) + count, len(self.delivered) + count

        async def moved() -> bool:
            assert not self._consuming.done(), self._consuming
            return len(self.confirmed) >= confirmed and len(self.delivered) >= delivered

        await eventually(moved, 30, "publishing and consuming to go on")

    async def all_delivered(self) -> None:
        async def arrived() -> bool:
            return self.confirmed <= self.delivered

        await eventually(arrived, 30, "every confirmed batch to be delivered")

    async def _publish(self) -> None:
        while True:
            each = batch([{"n": next(self._numbers)}])
            try:
                async with asyncio.timeout(10):  # longer than the confirm timeout: a hang fails the test
                    await self._broker.publish(each)
            except CordwoodError as error:
                self.refusals.append(error)
                await up(self._broker)
            else:
                self.confirmed.add(each.header.id)

    async def _consume(self) -> None:
        async with contextlib.aclosing(self._broker.consume(20)) as deliveries:
            async for delivery in deliveries:
                self.delivered.add(delivery.batch.header.id)
                async with asyncio.timeout(10):
                    await delivery.ack()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_what_was_confirmed_survives_the_end_of_the_broker_under_load(
    victim_rabbitmq: RabbitMQ, queue_name: str, how: str
) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=5)
    async with RabbitBroker(victim_rabbitmq.url, settings) as broker:
        await up(broker)
        await asyncio.sleep(SETTLED_S)
        async with Traffic(broker) as traffic:
            await traffic.goes_on()
            await asyncio.to_thread(getattr(victim_rabbitmq, how))
            await eventually(lambda: is_away(broker), 10, "the end to be noticed")
            await asyncio.to_thread(victim_rabbitmq.start)
            await traffic.goes_on()
            await traffic.stop_publishing()
            await traffic.all_delivered()
        assert all(isinstance(each, Unavailable) for each in traffic.refusals)


async def test_a_confirmed_batch_is_there_after_the_broker_was_killed(
    victim_rabbitmq: RabbitMQ, queue_name: str
) -> None:
    settings = BrokerSettings(queue=queue_name)
    sent = batch()
    async with RabbitBroker(victim_rabbitmq.url, settings) as broker:
        await up(broker)
        await asyncio.sleep(SETTLED_S)
        await broker.publish(sent)
    await asyncio.to_thread(victim_rabbitmq.kill)
    await asyncio.to_thread(victim_rabbitmq.start)
    async with RabbitBroker(victim_rabbitmq.url, settings) as broker:
        delivery = await first(broker)
    assert delivery.batch == sent


async def test_a_blocked_broker_is_overload_said_at_once_and_then_over(
    victim_rabbitmq: RabbitMQ, queue_name: str
) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=20)
    async with RabbitBroker(victim_rabbitmq.url, settings) as broker:
        await up(broker)
        waiting = batch()
        await broker.publish(waiting)
        await asyncio.to_thread(victim_rabbitmq.control, "set_vm_memory_high_watermark", "0.000001")
        try:

            async def is_overloaded() -> bool:
                # The first publish makes RabbitMQ say that it is blocked: whether that one was kept is not known.
                try:
                    async with asyncio.timeout(3):
                        await broker.publish(batch())
                except Unavailable as error:
                    assert "short of memory" not in error.message or "drain the queue" in error.hint
                    return False
                except Overloaded as error:
                    return bool(error.hint)
                return False

            await eventually(is_overloaded, 20, "publishers to be blocked")
            with pytest.raises(Overloaded):
                await broker.check()
            # Workers must be able to drain it: acks go on, though watchers cannot be answered.
            async with contextlib.aclosing(broker.consume(10)) as deliveries:
                async with asyncio.timeout(10):
                    delivery = await anext(deliveries)
                    assert delivery.batch == waiting
                    await delivery.ack()
        finally:
            await asyncio.to_thread(victim_rabbitmq.control, "set_vm_memory_high_watermark", "0.4")
        await up(broker)
        await broker.publish(batch())


async def test_a_connection_that_fell_silent_is_given_up_for_a_new_one(amqp_url: str, queue_name: str) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=0.5)
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, settings) as broker:
        await up(broker)
        proxy.fall_silent()
        with pytest.raises(Unavailable, match="did not confirm"):
            await broker.publish(batch())
        await up(broker)
        await broker.publish(batch())

        async def is_closed() -> bool:
            return proxy.connections == 1

        await eventually(is_closed, 5, "the silent connection to be closed")


async def test_a_connection_that_takes_nothing_is_given_up_for_a_new_one(amqp_url: str, queue_name: str) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=0.5)
    large = batch([{"noise": os.urandom(1 << 18).hex()}])
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, settings) as broker:
        await up(broker)
        proxy.fall_deaf()
        outcomes = await asyncio.gather(*(broker.publish(large) for _ in range(64)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        await up(broker)
        await broker.publish(batch())


async def test_a_connection_that_stalls_and_breaks_hangs_no_publisher(amqp_url: str, queue_name: str) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=20)
    large = batch([{"noise": os.urandom(1 << 18).hex()}])
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, settings) as broker:
        await up(broker)
        proxy.fall_deaf()
        publishing = [asyncio.create_task(broker.publish(large)) for _ in range(64)]
        await asyncio.wait(publishing, timeout=0.5)  # until the socket's buffers and the client's queue are full
        proxy.cut()
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*publishing, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}


async def test_cut_connections_hang_nobody(amqp_url: str, queue_name: str) -> None:
    settings = BrokerSettings(queue=queue_name, confirm_timeout_s=5)
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, settings) as broker:
        await up(broker)
        async with Traffic(broker, publishers=64) as traffic:
            for _ in range(5):
                await traffic.goes_on()
                proxy.cut()
            await traffic.goes_on()
            await traffic.stop_publishing()
            await traffic.all_delivered()


async def test_a_consumer_that_rabbitmq_forgot_is_made_anew(
    amqp_url: str, queue_name: str, broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cordwood.broker.amqp_delivery._LOOK_S", 0.1)

    async def prepare(channel: AbstractChannel) -> None:
        await declare(channel, queue_name, BrokerSettings().max_size_bytes)

    async with Link(amqp_url, "consumer", prepare, confirms=False) as link:
        channel = await link.channel(10)
        assert isinstance(channel, Channel), "which knows its consumers"
        deliveries = Deliveries(link, channel, queue_name, broker, set())
        async with contextlib.aclosing(deliveries.until_lost(1)) as arriving:
            waiting = asyncio.create_task(anext(arriving))

            async def is_consuming() -> bool:
                return bool(channel.consumers)

            await eventually(is_consuming, 10, "the consumer to be there")
            # No notice reaches the program, as when RabbitMQ loses a consumer.
            await channel.basic_cancel(next(iter(channel.consumers)))
            await broker.publish(batch())
            with pytest.raises(Unavailable):
                async with asyncio.timeout(10):
                    await waiting
        await link.channel(10)


async def test_a_reason_is_kept_with_the_dead_letter(broker: RabbitBroker, queue_name: str, admin: Any) -> None:
    sent = batch()
    await broker.publish(sent)
    async with contextlib.aclosing(broker.consume(1)) as deliveries:
        await (await anext(deliveries)).reject("no column for it")
        properties, body = await letter(admin, f"{queue_name}.dead")
    assert body == sent.body
    assert properties.message_id == str(sent.header.id)
    assert properties.headers["x-cordwood-reason"] == "no column for it"
    assert properties.headers["x-cordwood-events"] == 1


async def test_a_batch_whose_reason_cannot_be_kept_is_dead_lettered_all_the_same(
    broker: RabbitBroker, queue_name: str, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bury(message: DeliveredMessage, reason: str) -> bool:
        return False

    monkeypatch.setattr(broker, "bury", bury)
    sent = batch()
    await broker.publish(sent)
    async with contextlib.aclosing(broker.consume(1)) as deliveries:
        await (await anext(deliveries)).reject("no column for it")
        properties, body = await letter(admin, f"{queue_name}.dead")
    assert body == sent.body
    assert "x-death" in properties.headers


@pytest.mark.parametrize(
    "properties",
    [
        pika.BasicProperties(),
        pika.BasicProperties(message_id="not an id", headers={"x-cordwood-tenant": "default"}),
        pika.BasicProperties(headers={"CC": ["elsewhere"], "x-cordwood-events": "many"}, expiration="60000"),
        pika.BasicProperties(user_id="guest", reply_to="nowhere", priority=9, headers={"a": None, "b": [1, {"c": 2}]}),
    ],
)
async def test_a_message_that_is_no_batch_is_buried_and_holds_nobody_up(
    broker: RabbitBroker, queue_name: str, admin: Any, properties: pika.BasicProperties
) -> None:
    admin.basic_publish("", queue_name, b"what?", properties)
    sent = batch()
    await broker.publish(sent)
    async with contextlib.aclosing(broker.consume(1)) as deliveries:
        async with asyncio.timeout(10):
            delivery = await anext(deliveries)
        assert delivery.batch == sent
        await delivery.ack()
        found, body = await letter(admin, f"{queue_name}.dead")
    assert body == b"what?"
    assert "is no batch" in found.headers["x-cordwood-reason"]


async def test_messages_are_persistent_and_readable_by_others(
    broker: RabbitBroker, queue_name: str, admin: Any
) -> None:
    sent = batch()
    await broker.publish(sent)
    properties, body = await letter(admin, queue_name)
    assert properties.delivery_mode == 2
    assert (properties.content_type, properties.content_encoding) == ("application/x-ndjson", "zstd")
    assert properties.type == "cordwood.batch"
    assert properties.timestamp == sent.header.received_at_us // 1_000_000
    named = {name: value for name, value in properties.headers.items() if name.startswith("x-cordwood-")}
    assert named == {
        "x-cordwood-tenant": "default",
        "x-cordwood-events": 1,
        "x-cordwood-size-bytes": sent.header.size_bytes,
        "x-cordwood-protocol": "json",
        "x-cordwood-received-at-us": sent.header.received_at_us,
        "x-cordwood-producer": str(sent.header.producer),
        "x-cordwood-sequence": 1,
        "x-cordwood-kind": "events",
        "x-cordwood-version": 1,
    }
    assert body == sent.body


async def test_a_deleted_queue_is_made_again_by_who_publishes(
    broker: RabbitBroker, queue_name: str, admin: Any
) -> None:
    admin.queue_delete(queue_name)
    with pytest.raises(Unavailable, match="does not exist"):
        await broker.publish(batch())
    await up(broker)
    await broker.publish(batch())


async def test_a_deleted_queue_is_made_again_by_who_consumes(broker: RabbitBroker, queue_name: str, admin: Any) -> None:
    async with contextlib.aclosing(broker.consume(1)) as deliveries:
        await broker.publish(batch())
        await (await anext(deliveries)).ack()
        admin.queue_delete(queue_name)
        waiting = asyncio.create_task(anext(deliveries))

        async def is_there() -> bool:
            with contextlib.suppress(Unavailable):
                return (await broker.backlog()).batches == 0
            return False

        async def is_taken() -> bool:
            # RabbitMQ may refuse, for a moment, what a channel sends to the successor of a queue it had sent to.
            with contextlib.suppress(Overloaded):
                await broker.publish(batch())
                return True
            return False

        await eventually(is_there, 10, "the queue to be declared again")
        await eventually(is_taken, 10, "a batch to be taken by the new queue")
        async with asyncio.timeout(10):
            await (await waiting).ack()


async def test_a_queue_with_other_arguments_is_said_so(amqp_url: str, queue_name: str, admin: Any) -> None:
    admin.queue_declare(queue_name, durable=True)
    async with RabbitBroker(amqp_url, BrokerSettings(queue=queue_name)) as broker:
        with pytest.raises(Unavailable) as refused:
            await broker.publish(batch())
        assert "inequivalent arg" in refused.value.message
        assert "CORDWOOD_BROKER_QUEUE" in refused.value.hint
        with pytest.raises(Unavailable, match="inequivalent arg"):
            await broker.check()
        admin.queue_delete(queue_name)
        await up(broker)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"netloc": "guest:sesame-3141@{host}"}, "user and password"),
        ({"path": "/nowhere"}, "does not open the virtual host 'nowhere'"),
        ({"netloc": "guest:sesame-3141@127.0.0.1:{free_port}"}, "connect call failed"),
    ],
)
async def test_why_a_broker_cannot_be_reached_is_said_without_secrets(
    amqp_url: str, queue_name: str, change: dict[str, str], said: str
) -> None:
    parts = urlsplit(amqp_url)
    host = parts.netloc.rpartition("@")[2]
    changed = {name: value.format(host=host, free_port=free_port()) for name, value in change.items()}
    async with RabbitBroker(parts._replace(**changed).geturl(), BrokerSettings(queue=queue_name)) as broker:
        with pytest.raises(Unavailable) as refused:
            await broker.check()
    text = f"{refused.value.message} {refused.value.hint}"
    assert said in text.lower()
    assert "sesame" not in text
    assert "guest" not in text


def test_a_url_without_sense_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError):
        RabbitBroker("amqp://guest:sesame@host:many/", BrokerSettings())


async def test_the_backlog_knows_what_is_in_hand_and_says_what_it_cannot_know(broker: RabbitBroker) -> None:
    assert (await broker.backlog()).oldest_age_s == 0
    for _ in range(3):
        await broker.publish(batch())

    async def counted() -> bool:
        return (await broker.backlog()).batches == 3

    await eventually(counted, 10, "three batches to be counted")
    waiting = await broker.backlog()
    assert (waiting.size_bytes, waiting.oldest_age_s) == (None, None)
    async with contextlib.aclosing(broker.consume(2)) as deliveries:
        held = [await anext(deliveries), await anext(deliveries)]
        await eventually(counted, 10, "those in hand to be counted too")
        assert (await broker.backlog()).oldest_age_s is not None
        for delivery in held:
            await delivery.ack()


async def test_leaving_ends_every_task(amqp_url: str, queue_name: str) -> None:
    before = asyncio.all_tasks()
    async with RabbitBroker(amqp_url, BrokerSettings(queue=queue_name)) as broker:
        await up(broker)
        async with Traffic(broker) as traffic:
            await traffic.goes_on()

    async def ended() -> bool:
        return asyncio.all_tasks() == before

    await eventually(ended, 5, "the tasks to end")


async def letter(admin: Any, queue: str) -> tuple[pika.BasicProperties, bytes]:
    """The next message in a queue, taken by the other client."""
    found: list[tuple[pika.BasicProperties, bytes]] = []

    async def arrived() -> bool:
        method, properties, body = admin.basic_get(queue, auto_ack=True)
        if method is not None:
            found.append((properties, body))
        return bool(found)

    await eventually(arrived, 15, f"a message in {queue}")
    return found[0]
