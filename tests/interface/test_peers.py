"""What `peers.interface` promises, where there are others; and that one which is alone hears nobody."""

import secrets
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.peers.alone import Alone
from cordwood.peers.interface import Asked
from cordwood.peers.redis import RedisPeers
from tests.support.servers import free_port
from tests.support.waiting import eventually

Pair = tuple[RedisPeers, RedisPeers]


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[Pair]:
    async with RedisPeers(redis_url) as one, RedisPeers(redis_url) as other:
        yield one, other


@pytest.fixture
def acme() -> Tenant:
    """A tenant of the test's own."""
    return Tenant(f"acme-{secrets.token_hex(6)}")


def question(what: str) -> Asked:
    return Asked(uuid4(), what, 1_795_000_000_000_000)


async def test_all_hear_what_each_tells(two: Pair, acme: Tenant) -> None:
    first, second, third = question("/a"), question("/b"), question("/c")
    await two[0].tell({acme: [first, second]})
    await two[1].tell({acme: [third]})
    for each in two:
        assert {asked.id for asked in await each.told(acme)} == {first.id, second.id, third.id}


async def test_what_is_told_takes_the_place_of_what_was_told_before(two: Pair, acme: Tenant) -> None:
    first, second = question("/a"), question("/b")
    await two[0].tell({acme: [first]})
    await two[0].tell({acme: [second]})
    assert await two[1].told(acme) == [second]
    await two[0].tell({acme: []})
    assert list(await two[1].told(acme)) == []


async def test_a_tenant_hears_of_its_own_only(two: Pair, acme: Tenant) -> None:
    await two[0].tell({acme: [question("/a")]})
    assert list(await two[1].told(Tenant(f"{acme}-b"))) == []


async def test_a_process_that_died_is_forgotten(two: Pair, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordwood.peers.redis.REMEMBERED_S", 0.05)
    await two[0].tell({acme: [question("/a")]})

    async def is_forgotten() -> bool:
        return not await two[1].told(acme)

    await eventually(is_forgotten, 5, "the question to be forgotten")


async def test_word_to_stop_reaches_whoever_answers(two: Pair) -> None:
    stopped, other = question("/a"), question("/b")
    await two[0].stop(stopped.id)
    assert list(await two[1].to_stop([other.id, stopped.id])) == [stopped.id]
    assert list(await two[1].to_stop([])) == []


async def test_redis_that_is_away_is_unavailable(acme: Tenant) -> None:
    async with RedisPeers(f"redis://127.0.0.1:{free_port()}") as peers:
        for call in (peers.tell({acme: []}), peers.told(acme), peers.stop(uuid4()), peers.to_stop([uuid4()])):
            with pytest.raises(Unavailable, match="other query processes cannot be heard"):
                await call


async def test_one_that_is_alone_hears_nobody(acme: Tenant) -> None:
    async with Alone() as peers:
        await peers.tell({acme: [question("/a")]})
        assert list(await peers.told(acme)) == []
        assert list(await peers.to_stop([uuid4()])) == []
