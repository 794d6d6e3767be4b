"""The watermark of an answer holds for the answer, over every store."""

from typing import cast

import pytest

from cordwood.broker.interface import Broker, Waiting
from cordwood.cache.memory import MemoryCache
from cordwood.cache.settings import CacheSettings
from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.model.answer import Arrived, Coverage
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.arrivals import Arrivals
from cordwood.query.engine import Engine
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Store
from tests.support.builders import load


class Queue:
    """The part of a broker that is asked."""

    def __init__(self) -> None:
        self.told: Waiting | None = Waiting(0, None)

    async def waiting(self, tenant: Tenant) -> Waiting | None:
        return self.told


class AwayQueue(Queue):
    """One that cannot be read."""

    async def waiting(self, tenant: Tenant) -> Waiting | None:
        raise Unavailable("away")


def arrivals(queue: Queue) -> Arrivals:
    return Arrivals(SystemClock(), cast("Broker", queue))


async def test_what_is_stored_while_an_answer_is_looked_up_is_not_said_to_be_in_it(
    used_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue()
    engine = Engine(used_store, MemoryCache(1 << 20), QuerySettings(), CacheSettings(), arrivals(queue))
    await used_store.write([load([{"n": 1}], tenant=tenant)])
    assert not (await engine.page(Plan(), tenant)).is_cached
    before_us = SystemClock().now_us()
    queue.told = Waiting(1, before_us)
    coverage = used_store.coverage

    async def then_stored(plan: Plan, owner: Tenant) -> Coverage:
        found = await coverage(plan, owner)
        await used_store.write([load([{"n": 2}], tenant=tenant)])
        queue.told = Waiting(0, None)
        return found

    monkeypatch.setattr(used_store, "coverage", then_stored)
    page = await engine.page(Plan(), tenant)
    assert page.is_cached, "it has one event, and another is stored"
    assert page.coverage.arrived == Arrived(before_us, 1)


async def test_a_queue_that_cannot_tell_makes_no_watermark(tenant: Tenant) -> None:
    queue = Queue()
    queue.told = None
    assert await arrivals(queue).of(tenant) == Arrived(None, None)
    assert await arrivals(AwayQueue()).of(tenant) == Arrived(None, None)
    assert await Arrivals(SystemClock(), None).of(tenant) == Arrived(None, None)
