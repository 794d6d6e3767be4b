"""What may come next in a query, over every store: fields and values are those that the store has in the time range."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from cordwood.cache.memory import MemoryCache
from cordwood.cache.settings import CacheSettings
from cordwood.errors import Corrupt, Overloaded, Unavailable
from cordwood.language.parser import parse_filter
from cordwood.model.answer import Coverage
from cordwood.model.census import Asked, Census
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.censuses import Censuses
from cordwood.query.engine import Engine
from cordwood.query.line.completing import Completer
from cordwood.query.line.names import Names
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Store
from tests.support.builders import load
from tests.support.clock import SettableClock

NOON_US = 1_795_435_200_000_000
MINUTE_US = 60_000_000
EVENTS: Sequence[dict[str, Any]] = [
    {
        "ts": NOON_US // 1000 + number,
        "level": "error" if number < 3 else "info",
        "service": "pay web" if number < 6 else "Payment" if number < 9 else "web",
        "http": {"status": 500 if number < 3 else 200},
        "odd key": 'a"b\\' if number < 7 else "*",
        "user": f"user-{number:03}",
    }
    for number in range(10)
] + [{"ts": NOON_US // 1000 + 3_600_000, "later": True, "service": "night"}]
ALL = Plan()
AT_NOON = Plan(start_us=NOON_US, end_us=NOON_US + MINUTE_US)


class Counting:
    """A store that tells how often it was asked, and may be made to fail, or never to answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[Asked] = []
        self.fails: Exception | None = None
        self.is_stuck = False

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        self.asked.append(asked)
        if self.is_stuck:
            await asyncio.get_running_loop().create_future()
        if self.fails is not None:
            raise self.fails
        return await self._store.census(plan, tenant, asked)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        return await self._store.coverage(plan, tenant)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Line:
    """A query line over a store."""

    def __init__(self, store: Store, tenant: Tenant, longest_s: float = 60) -> None:
        self.clock = SettableClock()
        self.store = Counting(store)
        engine = Engine(self.store, MemoryCache(1 << 20), QuerySettings(), CacheSettings())
        self._completer = Completer(Names(Censuses(engine, self.store), self.clock), self.clock, longest_s)
        self._tenant = tenant

    async def options(self, text: str, plan: Plan = ALL, tenant: Tenant | None = None) -> list[tuple[str, str]]:
        found = await self._completer.completed(text, len(text), plan, tenant or self._tenant, 20)
        return [(each.text, each.detail) for each in found.options]

    async def texts(self, text: str, plan: Plan = ALL, tenant: Tenant | None = None) -> list[str]:
        return [text for text, _ in await self.options(text, plan, tenant)]


@pytest.fixture
async def line(used_store: Store, tenant: Tenant) -> Line:
    await used_store.write([load(EVENTS, tenant=tenant)])
    return Line(used_store, tenant)


async def test_fields_of_the_time_range_are_offered_the_most_frequent_first(line: Line) -> None:
    fields = await line.options("", AT_NOON)
    assert ("http.status:", "int · 100 %") in fields
    assert ('"odd key":', "str · 100 %") in fields
    assert "later:" not in dict(fields)
    assert (await line.texts("", ALL))[0] == "service:"
    assert await line.options("lat") == [("later:", "bool · 9 %")]
    assert (await line.texts("STAT"))[0] == "http.status:"


async def test_values_are_offered_as_the_language_writes_them(line: Line) -> None:
    assert await line.options("service:") == [('"pay web"', "6"), ("Payment", "3"), ("night", "1"), ("web", "1")]
    assert await line.texts("service:pay") == ['"pay web"', "Payment"]
    assert await line.texts("service:WEB") == ["web", '"pay web"']
    assert await line.texts('service:"pay w') == ['"pay web"']
    assert await line.texts("http.status:") == ["200", "500"]
    assert await line.texts('"odd key":') == ['"a\\"b\\\\"', '"*"']
    assert (await line.texts("level:"))[:3] == ["info", "error", "trace"]
    assert await line.texts("service:", Plan(start_us=NOON_US + MINUTE_US)) == ["night"]


async def test_what_was_put_in_finds_the_events_that_have_it(line: Line, used_store: Store, tenant: Tenant) -> None:
    for start in ("service:", '"odd key":', "http.status:", "later:"):
        for text, count in await line.options(start):
            plan = Plan(filter=parse_filter(start + text, NOON_US))
            assert (await used_store.census(plan, tenant, Asked(1))).matched == int(count)


async def test_of_many_values_those_that_begin_as_typed_are_asked_for(used_store: Store, tenant: Tenant) -> None:
    events = [{"ts": NOON_US // 1000, "user": f"user-{number:03}"} for number in range(300)]
    await used_store.write([load([*events, {"ts": NOON_US // 1000, "user": "zoe"}], tenant=tenant)])
    line = Line(used_store, tenant)
    assert await line.texts("user:zo") == ["zoe"]
    assert len(line.store.asked) == 2
    assert await line.texts("user:zo") == ["zoe"]
    assert len(line.store.asked) == 2


async def test_keys_that_are_hit_one_after_the_other_are_answered_from_memory(
    line: Line, used_store: Store, tenant: Tenant
) -> None:
    plan = Plan(start_us=NOON_US)
    for text in ("s", "se", "ser", "service:", "service:p", "service:pa"):
        assert await line.texts(text, plan)
        plan = Plan(start_us=plan.start_us + 1 if plan.start_us else None)
        # While events arrive an answer is new each time, and would be counted anew.
        await used_store.write([load([{"ts": NOON_US // 1000, "fresh": 1}], tenant=tenant)])
    assert len(line.store.asked) == 2
    assert await line.texts("fre", plan) == []
    line.clock.advance_us(15_000_000)
    assert await line.texts("fre", plan) == ["fresh:"]


async def test_another_tenant_has_names_of_its_own(line: Line, used_store: Store) -> None:
    other = Tenant(f"tenant-{secrets.token_hex(6)}")
    await used_store.write([load([{"ts": NOON_US // 1000, "latte": 1, "service": "bar"}], tenant=other)])
    for _ in range(2):
        assert await line.texts("lat") == ["later:"]
        assert await line.texts("lat", tenant=other) == ["latte:"]
        assert await line.texts("service:", tenant=other) == ["bar"]
        assert "bar" not in await line.texts("service:")


@pytest.mark.parametrize("error", [Unavailable("away"), Overloaded("busy"), Corrupt("damaged")])
async def test_when_the_store_cannot_answer_the_grammar_does(line: Line, error: Exception) -> None:
    line.store.fails = error
    assert "level:" in await line.texts("")
    assert await line.texts("level:er") == ["error"]
    assert await line.texts("service:") == []
    line.store.fails = None
    assert "web" in await line.texts("service:")


async def test_a_store_that_does_not_answer_is_not_waited_for(line: Line, used_store: Store, tenant: Tenant) -> None:
    slow = Line(used_store, tenant, longest_s=0.02)
    slow.store.is_stuck = True
    assert "level:" in await slow.texts("")
    assert await slow.texts("a | st") == ["stats "]


async def test_a_store_is_not_asked_for_what_cannot_stand_there(line: Line) -> None:
    for text in ("message:", "timestamp:", "a | st", "| stats count() as n by x | sort ", '"a phrase with serv'):
        await line.texts(text)
    assert line.store.asked == []
