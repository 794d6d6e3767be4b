"""What `cache.interface` promises, asked of every cache."""

import secrets
from collections.abc import AsyncIterator

import pytest

from cordwood.cache.interface import Cache
from cordwood.cache.memory import MemoryCache
from cordwood.cache.redis import RedisCache
from tests.support.servers import free_port
from tests.support.waiting import eventually


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    made: Cache = (
        MemoryCache(1 << 20) if request.param == "memory" else RedisCache(request.getfixturevalue("redis_url"))
    )
    async with made as opened:
        yield opened


@pytest.fixture
def key() -> bytes:
    return secrets.token_bytes(16)


async def test_what_was_put_is_got(cache: Cache, key: bytes) -> None:
    assert await cache.get(key) is None
    await cache.put(key, b"value\x00\xff", 60)
    assert await cache.get(key) == b"value\x00\xff"
    await cache.put(key, b"", 60)
    assert await cache.get(key) == b""


async def test_many_are_put_and_got_at_once(cache: Cache, key: bytes) -> None:
    await cache.put_all({key + b"1": b"one", key + b"3": b"three"}, 60)
    assert list(await cache.get_all([key + b"1", key + b"2", key + b"3"])) == [b"one", None, b"three"]
    assert await cache.get(key + b"3") == b"three"
    await cache.put_all({}, 60)
    assert list(await cache.get_all([])) == []


async def test_a_value_is_forgotten_after_its_time(cache: Cache, key: bytes) -> None:
    await cache.put(key, b"value", 0.05)

    async def is_gone() -> bool:
        return await cache.get(key) is None

    await eventually(is_gone, 5, "the value to be forgotten")


async def test_memory_keeps_what_was_used_last_within_its_room() -> None:
    async with MemoryCache(100) as cache:
        await cache.put(b"a", b"x" * 40, 60)
        await cache.put(b"b", b"x" * 40, 60)
        assert await cache.get(b"a")
        await cache.put(b"c", b"x" * 40, 60)
        assert [key for key in (b"a", b"b", b"c") if await cache.get(key)] == [b"a", b"c"]
        await cache.put(b"a", b"x" * 200, 60)
        assert await cache.get(b"a") is None


async def test_a_redis_that_is_away_is_a_miss_and_asked_seldom() -> None:
    async with RedisCache(f"redis://127.0.0.1:{free_port()}/0") as cache:
        for _ in range(1000):
            assert await cache.get(b"key") is None
            await cache.put(b"key", b"value", 60)
            assert list(await cache.get_all([b"key", b"other"])) == [None, None]
            await cache.put_all({b"key": b"value"}, 60)
