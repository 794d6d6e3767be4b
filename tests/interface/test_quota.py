"""What `tenancy.quota.interface` promises, asked of either way to count."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from cordwood.clock import SystemClock
from cordwood.errors import Overloaded
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost, Quota
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.tenancy.quota.redis import RedisQuota
from cordwood.tenancy.quota.rules import DAY_S, SECOND_US
from tests.support.servers import Redis, free_port
from tests.support.waiting import eventually

NOON_US = 20_000 * DAY_S * SECOND_US + DAY_S // 2 * SECOND_US


class HeldClock(SystemClock):
    us = NOON_US

    def now_us(self) -> int:
        return self.us


@pytest.fixture(params=["memory", "redis"])
async def quota(request: pytest.FixtureRequest) -> AsyncIterator[Quota]:
    counted_here = MemoryQuota(SystemClock())
    made: Quota = (
        counted_here if request.param == "memory" else RedisQuota(request.getfixturevalue("redis_url"), counted_here)
    )
    async with made as opened:
        yield opened


@pytest.fixture
def acme() -> Tenant:
    """A tenant of the test's own."""
    return Tenant(f"acme-{secrets.token_hex(6)}")


async def is_let_in(quota: Quota, tenant: Tenant, limits: Limits, cost: Cost) -> bool:
    try:
        await quota.take(tenant, limits, cost)
    except Overloaded:
        return False
    return True


async def test_a_day_is_counted_to_the_byte_and_a_refusal_counts_nothing(quota: Quota, acme: Tenant) -> None:
    limits = Limits(daily_bytes=1000)
    await quota.take(acme, limits, Cost(1, 900))
    with pytest.raises(Overloaded) as refused:
        await quota.take(acme, limits, Cost(1, 101))
    said = refused.value.message
    assert acme in said
    assert "1,000 bytes a day" in said
    assert "900 are used" in said
    left_s = DAY_S - time.time() % DAY_S
    assert abs(refused.value.retry_after_s - left_s) < 5, "until midnight UTC"
    await quota.take(acme, limits, Cost(1, 100))
    assert (await quota.state(acme, limits)).bytes_today == 1000
    assert not await is_let_in(quota, acme, limits, Cost(1, 1))
    await quota.give_back(acme, limits, Cost(1, 100))
    assert await is_let_in(quota, acme, limits, Cost(1, 100))


async def test_tenants_do_not_share_a_limit(quota: Quota, acme: Tenant) -> None:
    limits = Limits(daily_bytes=10, rate_events_per_s=1)
    await quota.take(acme, limits, Cost(5, 10))
    other = Tenant(f"{acme}-other")
    assert not await is_let_in(quota, acme, limits, Cost(1, 1))
    assert await is_let_in(quota, other, limits, Cost(1, 1))


async def test_a_large_request_is_let_in_and_paid_for(quota: Quota, acme: Tenant) -> None:
    limits = Limits(rate_events_per_s=1000)
    await quota.take(acme, limits, Cost(30_000, 1))
    with pytest.raises(
        Overloaded, match=rf"{acme} may send 1,000 events a second; it is (30.0|29.9) s ahead"
    ) as refused:
        await quota.take(acme, limits, Cost(1, 1))
    assert refused.value.retry_after_s in (29, 30), "when the debt is paid and the bucket no longer empty"
    assert 29_000_000 < (await quota.state(acme, limits)).events_ahead_us <= 30_000_000


async def test_bytes_have_a_rate_of_their_own(quota: Quota, acme: Tenant) -> None:
    limits = Limits(rate_events_per_s=1000, rate_bytes_per_s=100)
    await quota.take(acme, limits, Cost(1, 1000))
    with pytest.raises(Overloaded, match="100 bytes a second"):
        await quota.take(acme, limits, Cost(1, 1))


async def test_room_comes_back_with_time_and_the_rate_is_kept(quota: Quota, acme: Tenant) -> None:
    limits = Limits(rate_events_per_s=200)
    started = time.monotonic()
    taken = 0

    async def has_run_for_a_while() -> bool:
        nonlocal taken
        taken += 10 if await is_let_in(quota, acme, limits, Cost(10, 1)) else 0
        return time.monotonic() - started > 2

    await eventually(has_run_for_a_while, 5)
    ran_s = time.monotonic() - started
    assert 200 * ran_s * 0.8 < taken <= 200 * (ran_s + 1) + 10


async def test_what_others_take_at_once_is_never_more_than_the_limit(quota: Quota, acme: Tenant) -> None:
    limits = Limits(daily_bytes=50 * 7)
    let_in = await asyncio.gather(*(is_let_in(quota, acme, limits, Cost(1, 7)) for _ in range(200)))
    assert sum(let_in) == 50


async def test_several_processes_share_one_count_in_redis(redis_url: str, acme: Tenant) -> None:
    limits = Limits(daily_bytes=50 * 7, rate_events_per_s=1_000_000)
    async with (
        RedisQuota(redis_url, MemoryQuota(SystemClock())) as one,
        RedisQuota(redis_url, MemoryQuota(SystemClock())) as two,
    ):
        let_in = await asyncio.gather(*(is_let_in(each, acme, limits, Cost(1, 7)) for each in (one, two) * 60))
        assert sum(let_in) == 50
        assert (await one.state(acme, limits)).bytes_today == (await two.state(acme, limits)).bytes_today == 350
        # One gives back: the other does not bring up what it saw before.
        await one.give_back(acme, limits, Cost(1, 7))
        assert (await two.state(acme, limits)).bytes_today == 343


async def test_while_redis_is_away_this_process_counts_on(victim_redis: Redis, acme: Tenant) -> None:
    limits = Limits(daily_bytes=100)
    async with RedisQuota(victim_redis.url, MemoryQuota(SystemClock())) as quota:
        await quota.take(acme, limits, Cost(1, 60))
        victim_redis.kill()
        began = time.monotonic()
        assert await is_let_in(quota, acme, limits, Cost(1, 30))
        assert not await is_let_in(quota, acme, limits, Cost(1, 30)), "what Redis had counted is not forgotten"
        assert time.monotonic() - began < 1
        victim_redis.start()  # empty: it keeps nothing on disk

        async def is_counted_in_redis() -> bool:
            async with RedisQuota(victim_redis.url, MemoryQuota(SystemClock())) as other:
                await is_let_in(quota, acme, limits, Cost(1, 5))
                return (await other.state(acme, limits)).bytes_today >= 95

        await eventually(is_counted_in_redis, 5, "Redis to count on from there")


async def test_a_redis_that_never_was_costs_no_request() -> None:
    async with RedisQuota(f"redis://127.0.0.1:{free_port()}/0", MemoryQuota(SystemClock())) as quota:
        began = time.monotonic()
        for _ in range(500):
            await quota.take(Tenant("acme"), Limits(daily_bytes=1 << 40), Cost(1, 1))
        assert time.monotonic() - began < 1


class TestDays:
    async def test_the_day_ends_at_midnight_utc(self) -> None:
        clock = HeldClock()
        async with MemoryQuota(clock) as quota:
            limits, acme = Limits(daily_bytes=10), Tenant("acme")
            await quota.take(acme, limits, Cost(1, 10))
            with pytest.raises(Overloaded) as refused:
                await quota.take(acme, limits, Cost(1, 1))
            clock.us += refused.value.retry_after_s * SECOND_US - 1
            assert not await is_let_in(quota, acme, limits, Cost(1, 1))
            clock.us += 1
            assert await is_let_in(quota, acme, limits, Cost(1, 1))

    async def test_retry_after_is_neither_early_nor_late(self) -> None:
        clock = HeldClock()
        async with MemoryQuota(clock) as quota:
            limits, acme = Limits(rate_events_per_s=10), Tenant("acme")
            await quota.take(acme, limits, Cost(45, 1))
            with pytest.raises(Overloaded) as refused:
                await quota.take(acme, limits, Cost(1, 1))
            assert refused.value.retry_after_s == 4
            clock.us += 35 * SECOND_US // 10
            assert not await is_let_in(quota, acme, limits, Cost(1, 1)), "the bucket is just empty"
            clock.us += 1
            assert await is_let_in(quota, acme, limits, Cost(1, 1))
