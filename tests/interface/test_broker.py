"""What `broker.interface` promises, asked of every broker."""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from cordwood.broker.interface import Broker, Delivery, Waiting
from cordwood.broker.rabbitmq import RabbitBroker
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.spool import Spool
from cordwood.broker.sqlite import SqliteBroker
from cordwood.errors import Overloaded
from cordwood.model.tenant import Tenant
from tests.support.builders import batch
from tests.support.waiting import eventually

Opens = Callable[..., Broker]


@pytest.fixture(params=["sqlite", "rabbitmq", "spool"])
def opens(request: pytest.FixtureRequest, tmp_path: Path, queue_name: str) -> Opens:
    """Opens the same queue, each time it is called."""
    if request.param == "sqlite":
        return lambda **settings: SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings(**settings))
    url = request.getfixturevalue("amqp_url")
    if request.param == "rabbitmq":
        return lambda **settings: RabbitBroker(url, BrokerSettings(queue=queue_name, **settings))
    spools = itertools.count()  # each process has its own

    def behind_a_spool(**given: Any) -> Broker:
        path = tmp_path / f"spool{next(spools)}.sqlite"
        broker = RabbitBroker(url, BrokerSettings(queue=queue_name, **given))
        return Spool(broker, SqliteBroker(path, BrokerSettings(max_size_bytes=1)), path)

    return behind_a_spool


@pytest.fixture
async def broker(opens: Opens) -> AsyncIterator[Broker]:
    async with opens() as opened:
        await eventually(lambda: _is_up(opened), 10, "the broker to be up")
        yield opened


async def _is_up(broker: Broker) -> bool:
    await broker.check()
    return True


@contextlib.asynccontextmanager
async def consuming(broker: Broker, prefetch: int = 10) -> AsyncIterator["asyncio.Queue[Delivery]"]:
    """Deliveries as they come, in a queue; stops consuming at the end."""
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()

    async def feed() -> None:
        async with contextlib.aclosing(broker.consume(prefetch)) as deliveries:  # type: ignore[type-var]
            async for delivery in deliveries:
                arrived.put_nowait(delivery)

    task = asyncio.create_task(feed())
    try:
        yield arrived
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def take(arrived: "asyncio.Queue[Delivery]") -> Delivery:
    async with asyncio.timeout(10):
        return await arrived.get()


async def test_a_published_batch_is_delivered_as_it_was(broker: Broker) -> None:
    sent = batch([{"message": "hello"}, {"n": 1}])
    await broker.publish(sent)
    async with consuming(broker) as arrived:
        delivery = await take(arrived)
        assert delivery.batch == sent
        await delivery.ack()


async def test_a_confirmed_batch_outlives_who_published_it(opens: Opens) -> None:
    sent = batch()
    async with opens() as broker:
        await eventually(lambda: _is_up(broker), 10)
        await broker.publish(sent)
    async with opens() as broker, consuming(broker) as arrived:
        assert (await take(arrived)).batch == sent


async def test_an_acked_batch_does_not_come_again(broker: Broker, opens: Opens) -> None:
    await broker.publish(batch())
    async with consuming(broker) as arrived:
        await (await take(arrived)).ack()
    later = batch()
    await broker.publish(later)
    async with opens() as other, consuming(other) as arrived:
        assert (await take(arrived)).batch == later


async def test_what_a_consumer_did_not_settle_comes_again(broker: Broker) -> None:
    sent = batch()
    await broker.publish(sent)
    async with consuming(broker) as arrived:
        await take(arrived)
    async with consuming(broker) as arrived:
        again = await take(arrived)
        assert again.batch == sent
        await again.ack()


@pytest.mark.parametrize(
    "settle",
    [lambda delivery: delivery.ack(), lambda delivery: delivery.nack(), lambda delivery: delivery.reject("late")],
    ids=["ack", "nack", "reject"],
)
async def test_settling_after_the_consumer_has_gone_raises_nothing(
    broker: Broker, settle: Callable[[Delivery], Awaitable[None]]
) -> None:
    await broker.publish(batch())
    async with consuming(broker) as arrived:
        delivery = await take(arrived)
    await settle(delivery)


async def test_a_publish_that_is_given_up_disturbs_no_other(broker: Broker) -> None:
    hasty = [asyncio.create_task(broker.publish(batch())) for _ in range(20)]
    patient = [asyncio.create_task(broker.publish(batch())) for _ in range(20)]
    await asyncio.sleep(0)  # all are under way
    for task in hasty:
        task.cancel()
    await asyncio.gather(*patient)
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*hasty, return_exceptions=True)
    )
    await broker.publish(batch())


async def test_a_batch_given_back_comes_again_marked(broker: Broker) -> None:
    sent = batch()
    await broker.publish(sent)
    async with consuming(broker) as arrived:
        await (await take(arrived)).nack()
        again = await take(arrived)
        assert again.batch == sent
        assert again.is_redelivered
        await again.ack()


async def test_a_rejected_batch_does_not_come_again(broker: Broker) -> None:
    await broker.publish(batch())
    good = batch()
    async with consuming(broker) as arrived:
        await (await take(arrived)).reject("cannot be stored")
        await broker.publish(good)
        last = await take(arrived)
        assert last.batch == good
        await last.ack()


async def test_no_more_than_the_prefetch_is_in_hand(broker: Broker) -> None:
    for _ in range(5):
        await broker.publish(batch())
    async with consuming(broker, prefetch=2) as arrived:
        first, second = await take(arrived), await take(arrived)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await arrived.get()
        await first.ack()
        await second.ack()
        for _ in range(3):
            await (await take(arrived)).ack()


@pytest.mark.parametrize("outcome", ["stored", "rejected"])
async def test_a_watcher_hears_how_a_batch_was_settled(broker: Broker, outcome: str) -> None:
    sent = batch()
    async with broker.watch(sent.header.id) as settled, consuming(broker) as arrived:
        await broker.publish(sent)
        delivery = await take(arrived)
        assert not settled.done()
        await (delivery.ack() if outcome == "stored" else delivery.reject("no"))
        async with asyncio.timeout(10):
            assert await settled == outcome


async def test_a_watcher_hears_a_worker_that_has_its_own_connection(broker: Broker, opens: Opens) -> None:
    sent = batch()
    async with broker.watch(sent.header.id) as settled, opens() as workers, consuming(workers) as arrived:
        await broker.publish(sent)
        await (await take(arrived)).ack()
        async with asyncio.timeout(10):
            assert await settled == "stored"


async def test_a_watch_that_was_left_is_forgotten(broker: Broker) -> None:
    sent = batch()
    async with broker.watch(sent.header.id) as settled:
        await broker.publish(sent)
    assert settled.cancelled()
    async with consuming(broker) as arrived:
        await (await take(arrived)).ack()


async def test_publishing_the_same_batch_again_is_allowed(broker: Broker) -> None:
    sent = batch()
    await broker.publish(sent)
    await broker.publish(sent)
    async with consuming(broker) as arrived:
        delivery = await take(arrived)
        assert delivery.batch == sent
        await delivery.ack()


async def test_many_publishers_at_once_lose_nothing(broker: Broker) -> None:
    sent = [batch([{"n": n}]) for n in range(200)]
    await asyncio.gather(*(broker.publish(each) for each in sent))
    seen: set[UUID] = set()
    async with consuming(broker, prefetch=50) as arrived:
        while len(seen) < len(sent):
            delivery = await take(arrived)
            seen.add(delivery.batch.header.id)
            await delivery.ack()
    assert seen == {each.header.id for each in sent}


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(opens: Opens) -> None:
    filler = [{"noise": secrets.token_hex(2000)}]
    async with opens(max_size_bytes=20_000) as broker:
        await eventually(lambda: _is_up(broker), 10)
        with pytest.raises(Overloaded) as refused:
            for _ in range(50):
                await broker.publish(batch(filler))
        assert refused.value.hint
        async with consuming(broker) as arrived:
            while True:
                try:
                    async with asyncio.timeout(0.5):
                        await (await arrived.get()).ack()
                except TimeoutError:
                    break
            await broker.publish(batch(filler))
            await (await take(arrived)).ack()


async def test_the_backlog_counts_what_waits(broker: Broker) -> None:
    assert (await broker.backlog()).batches == 0
    for _ in range(3):
        await broker.publish(batch())
    await eventually(lambda: _waits(broker, 3), 10, "three batches to be counted")


async def _waits(broker: Broker, batches: int) -> bool:
    return (await broker.backlog()).batches == batches


async def test_a_queue_that_knows_all_tells_which_events_of_a_tenant_wait(broker: Broker, opens: Opens) -> None:
    mine, other = Tenant("mine"), Tenant("other")
    if not isinstance(broker, SqliteBroker):
        assert await broker.waiting(mine) is None
        return
    assert await broker.waiting(mine) == Waiting(0, None)
    before_us = time.time_ns() // 1000
    first = batch([{"n": 1}, {"n": 2}], tenant=mine)
    for each in (first, first, batch([{"n": 3}], tenant=mine), batch([{"n": 4}], tenant=other)):
        await broker.publish(each)
    beat = replace(batch([{"n": 5}], tenant=mine), header=replace(batch().header, tenant=mine, kind="heartbeat"))
    await broker.publish(beat)
    waiting = await broker.waiting(mine)
    assert (waiting.events, (await broker.waiting(other)).events) == (3, 1)
    assert waiting.since_us is not None
    assert before_us <= waiting.since_us <= time.time_ns() // 1000
    async with consuming(broker) as arrived:
        await (await take(arrived)).ack()
        await (await take(arrived)).reject("no reason")
        await eventually(lambda: _waits(broker, 2), 10, "both to be settled")
        assert await broker.waiting(mine) == Waiting(0, None)
        assert (await broker.waiting(other)).events == 1
    async with opens() as again:
        assert await again.waiting(other) == await broker.waiting(other)
