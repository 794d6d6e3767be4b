"""What `tail.interface` promises, asked of every feed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.tail.interface import Missed, News, Stored, Tail
from cordwood.tail.memory import MemoryTail
from cordwood.tail.redis import RedisTail
from tests.support.builders import batch
from tests.support.servers import Redis, free_port
from tests.support.waiting import eventually

ROOM = 1 << 20
DEADLINE_S = 20


@pytest.fixture(params=["memory", "redis"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Tail, Tail]]:
    """The feed as a worker and as a query service have it: in Redis, two processes' ends."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            tail = await stack.enter_async_context(MemoryTail(ROOM))
            yield tail, tail
            return
        url = request.getfixturevalue("redis_url")
        worker = await stack.enter_async_context(RedisTail(url, ROOM))
        yield worker, await stack.enter_async_context(RedisTail(url, ROOM))


@pytest.fixture
def acme() -> Tenant:
    """A tenant of the test's own."""
    return Tenant(f"acme-{secrets.token_hex(6)}")


def stored(tenant: Tenant, number: int = 0, events: int = 1) -> Stored:
    return Stored(batch([{"n": number}] * events, tenant=tenant), 1_000 + number)


async def heard(news: AsyncIterator[News], count: int) -> list[News]:
    async with asyncio.timeout(DEADLINE_S):
        return [await anext(news) for _ in range(count)]


async def test_what_is_published_is_heard_as_it_is_and_in_order(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    published: list[News] = [Stored(batch([{"n": 0}, {"n": 1}], tenant=acme), 7, dead=(1,)), stored(acme, 1), Missed(3)]
    async with query.subscribe(acme) as news:
        await worker.publish({acme: published[:1]})
        await worker.publish({acme: published[1:]})
        assert await heard(news, 3) == published


async def test_everyone_who_watches_hears_it(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    async with query.subscribe(acme) as one, query.subscribe(acme) as two:
        await worker.publish({acme: [each := stored(acme)]})
        assert await heard(one, 1) == await heard(two, 1) == [each]


async def test_a_tenant_hears_nothing_of_another(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    other = Tenant(f"{acme}-other")
    async with query.subscribe(acme) as ours, query.subscribe(other) as theirs:
        await worker.publish({other: [secret := stored(other)], acme: [each := stored(acme)]})
        assert await heard(ours, 1) == [each]
        assert await heard(theirs, 1) == [secret]


async def test_what_was_published_before_is_not_heard(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    await worker.publish({acme: [stored(acme, 1)]})
    async with query.subscribe(acme) as news:
        await worker.publish({acme: [second := stored(acme, 2)]})
        assert await heard(news, 1) == [second]


async def test_a_slow_subscriber_is_told_how_many_it_missed(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    large = secrets.token_hex(ROOM // 5)
    async with query.subscribe(acme) as news:
        for n in range(40):
            await worker.publish({acme: [Stored(batch([{"n": n, "x": large}, {"n": n}], tenant=acme), n)]})
        told, missed = 0, 0
        async with asyncio.timeout(DEADLINE_S):
            while told + missed < 80:
                item = await anext(news)
                assert item.events is not None
                told, missed = (told, missed + item.events) if isinstance(item, Missed) else (told + 2, missed)
        assert told + missed == 80
        assert missed > 0


async def test_leaving_frees_the_subscription(ends: tuple[Tail, Tail], acme: Tenant) -> None:
    worker, query = ends
    async with query.subscribe(acme):
        pass
    await worker.publish({acme: [stored(acme)]})  # to nobody


class TestRedis:
    async def test_nothing_is_sent_where_nobody_listens(self, victim_redis: Redis, acme: Tenant) -> None:
        other = Tenant(f"{acme}-other")
        async with RedisTail(victim_redis.url, ROOM) as tail:
            before = await tail._redis.info("commandstats")
            for n in range(50):
                await tail.publish({acme: [stored(acme, n)]})
            async with tail.subscribe(other):
                await tail.publish({acme: [stored(acme)], other: [stored(other)]})
            after = await tail._redis.info("commandstats")
        calls = [each.get("cmdstat_publish", {}).get("calls", 0) for each in (before, after)]
        assert calls[1] - calls[0] == 1

    async def test_readers_hear_of_an_outage_and_go_on(self, victim_redis: Redis, acme: Tenant) -> None:
        async with (
            RedisTail(victim_redis.url, ROOM) as worker,
            RedisTail(victim_redis.url, ROOM) as query,
            query.subscribe(acme) as news,
        ):
            await worker.publish({acme: [first := stored(acme, 1)]})
            assert await heard(news, 1) == [first]
            victim_redis.kill()
            assert await heard(news, 1) == [Missed(None)], "nobody knows how many"
            with pytest.raises(Unavailable):
                await worker.publish({acme: [stored(acme, 2)]})
            with pytest.raises(Unavailable):
                async with query.subscribe(acme):
                    pass
            victim_redis.start()
            assert await heard(news, 1) == [Missed(None)], "up to here"

            async def is_told() -> bool:
                try:
                    await worker.publish({acme: [stored(acme, 3)]})
                except Unavailable:
                    return False
                return True

            await eventually(is_told, DEADLINE_S, "the worker to find Redis again")
            (again,) = await heard(news, 1)
            assert isinstance(again, Stored)
            assert again.inserted_at_us == 1_003

    async def test_what_is_not_understood_is_missed(self, redis_url: str, acme: Tenant) -> None:
        async with RedisTail(redis_url, ROOM) as tail, tail.subscribe(acme) as news:
            await tail._redis.publish(tail._channel(acme), b"another release")
            await tail._redis.publish(tail._channel(acme), b"")
            assert await heard(news, 1) == [Missed(None)]

    async def test_a_batch_of_another_tenant_is_not_let_through(self, redis_url: str, acme: Tenant) -> None:
        async with RedisTail(redis_url, ROOM) as tail, tail.subscribe(acme) as news:
            await tail.publish({acme: [stored(Tenant(f"{acme}-other"))]})
            assert await heard(news, 1) == [Missed(None)]

    async def test_a_redis_that_is_away_refuses_both_ends(self, acme: Tenant) -> None:
        async with RedisTail(f"redis://127.0.0.1:{free_port()}/0", ROOM) as tail:
            with pytest.raises(Unavailable):
                await tail.publish({acme: [stored(acme)]})
            with pytest.raises(Unavailable):
                async with tail.subscribe(acme):
                    pass
