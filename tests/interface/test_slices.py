"""Answers put together from parts of their time range are those of the whole, over every store."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from cordwood.cache.interface import Cache
from cordwood.cache.memory import MemoryCache
from cordwood.cache.redis import RedisCache
from cordwood.cache.settings import CacheSettings
from cordwood.language.parser import parse
from cordwood.model.answer import Row
from cordwood.model.histogram import By, Histogram
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Everything
from cordwood.model.search.spans import HOUR_US, MINUTE_US
from cordwood.model.tenant import Tenant
from cordwood.query.engine import Engine
from cordwood.query.pages import Page
from cordwood.query.rows import table_json
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Store
from cordwood.store.postgres.store import PostgresStore
from tests.interface.test_store import NOON, at
from tests.support.builders import load
from tests.support.clock import SettableClock
from tests.support.servers import free_port

NOW = NOON + 5 * MINUTE_US
DAY = 24 * HOUR_US
RANGES: Sequence[tuple[int | None, int | None]] = (
    (NOW - DAY, NOW),
    (NOW - DAY + MINUTE_US, NOW + MINUTE_US),
    (NOON - 5 * HOUR_US, None),
    (NOON - 5 * HOUR_US, NOON),
    (NOW - 3 * DAY, NOW + DAY),
    (NOON - HOUR_US, NOW),
    (None, NOW),
)
QUERIES = (
    "| stats count()",
    "level:error | stats count() as n, count(v), sum(n), avg(n), min(n), max(n)",
    "| stats count() by service",
    "| stats min(v), max(v), first(v), last(v) by service, level",
    "| stats count(), sum(v), avg(v) by v",
    "| stats count() if level:error as errors, sum(n) if n > 3 as some by service | sort -errors, service | limit 2",
    "| stats count() by service, time(30m)",
    "| stats count(), first(n), last(n), min(timestamp), max(timestamp) by time(6h)",
    "| timechart count() as n, rate() by level",
    "| timechart span=5m max(n) by service | sort -timestamp | limit 7",
    "| timechart span=1d count(), avg(n)",
    "| top 3 v",
    "| top 2 n by service",
    "| rare 3 v by level",
    "| top 5 service, v | sort v | limit 4 1",
    "| where n > 2 | stats count() as n by service | sort n",
    "| extract /(?P<letter>[a-c])/ from message | top 2 letter",
    "nothing:here | stats count(), sum(n), avg(n), min(n), first(n)",
    "nothing:here | stats count() by service",
    # None of these is put together.
    "| stats p50(n), count_distinct(v) by service",
    "| timechart span=7m count()",
    '| stats count() by service | where service = "web"',
)
SPANS: Sequence[tuple[int, By | None]] = ((5 * MINUTE_US, "level"), (HOUR_US, None), (5 * HOUR_US, "service"))


def _clock() -> SettableClock:
    clock = SettableClock()
    clock.advance_us(NOW - clock.now_us())
    return clock


class Asked:
    """What an engine answers, beside what the store says of the whole."""

    def __init__(self, store: Store, tenant: Tenant, cache: Cache | None = None) -> None:
        self.store = store
        self.tenant = tenant
        self.engine = Engine(
            store, cache or MemoryCache(8 << 20), QuerySettings(), CacheSettings(slice_min_events=0), clock=_clock()
        )

    async def table(self, query: str, start_us: int | None, end_us: int | None) -> tuple[Page, bytes]:
        search = parse(query, NOW)
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter)
        page = await self.engine.table(plan, search.pipes, self.tenant)
        rows: list[Row] = []
        async for block in self.store.rows(msgspec.structs.replace(plan, limit=10_001), search.pipes, self.tenant):
            rows += block
        return page, table_json(rows, {}, is_table=True, is_cut=False)

    async def histogram(self, plan: Plan, span_us: int, by: By | None) -> tuple[Page, bytes]:
        page = await self.engine.histogram(plan, self.tenant, span_us, by, 1000, _counts)
        return page, _counts(await self.store.histogram(plan, self.tenant, span_us, by, 1000))


def _counts(histogram: Histogram) -> bytes:
    return msgspec.json.encode(histogram.counts)


def some(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of the last day and a half, a few of earlier and later, whose field v is of any type."""
    made = []
    for _ in range(count):
        seconds = -chance.uniform(0, 86_400 * 1.5) if chance.random() < 0.8 else chance.uniform(-86_400 * 4, 7200)
        event = at(seconds, n=chance.randrange(9), message=chance.choice(["a b", "b", "c", "d"]))
        if chance.random() < 0.8:
            event["v"] = chance.choice([5, 5.0, "5", 0.5, "x", "Zoë", True, False, None, [1], {"w": 1}, 2**60, "05"])
        if chance.random() < 0.9:
            event["level"] = chance.choice(["info", "error"])
        if chance.random() < 0.8:
            event["service"] = chance.choice(["web", "api", "10", "9"])
        made.append(event)
    return made


async def require_equal(asked: Asked, chance: random.Random) -> int:
    """Everything is answered as the whole is; how many parts were kept ones."""
    kept = 0
    for query in QUERIES:
        for start_us, end_us in (RANGES[0], chance.choice(RANGES)):
            page, whole = await asked.table(query, start_us, end_us)
            assert rows_of(page.body) == rows_of(whole), (query, start_us, end_us)
            kept += page.slices[0] if page.slices else 0
    for start_us, end_us in chance.sample(RANGES, 3):
        plan = Plan(start_us=start_us, end_us=end_us, filter=parse("n:>2", NOW).filter)
        for span_us, by in SPANS:
            page, whole = await asked.histogram(plan, span_us, by)
            assert page.body == whole, (start_us, end_us, span_us)
            kept += page.slices[0] if page.slices else 0
        for each in (plan, msgspec.structs.replace(plan, filter=Everything())):
            assert (await asked.engine.count(each, asked.tenant))[0] == await asked.store.count(each, asked.tenant)
    return kept


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """The rows with their columns in order; the last digits of doubles may differ."""
    rows: list[dict[str, Any]] = msgspec.json.decode(body + b"}")["rows"]
    return [{name: _about(value) for name, value in row.items()} for row in rows]


def _about(value: Any) -> Any:
    return float(f"{value:.12g}") if isinstance(value, float) else value


async def test_parts_make_the_whole_whatever_is_written_in_between(used_store: Store, tenant: Tenant) -> None:
    store, chance = used_store, random.Random(23)
    asked = Asked(store, tenant)
    await store.write([load(some(chance, 200), tenant=tenant)])
    await require_equal(asked, chance)
    await store.write([load(some(chance, 5), tenant=tenant)])
    assert await require_equal(asked, chance) > 0
    removed = await store.delete(Plan(filter=parse("n:<2", NOW).filter), tenant, "tester", dry_run=False)
    assert removed > 0
    await store.write([load([at(-86_400 * 500, n=8, service="old")], tenant=tenant)])
    await require_equal(asked, chance)


async def test_a_late_event_asks_for_its_part_only(used_store: Store, tenant: Tenant) -> None:
    asked = Asked(used_store, tenant)
    await used_store.write([load([at(-3600 * n, n=n) for n in range(24)], tenant=tenant)])

    async def slices(start_us: int, end_us: int) -> tuple[int, int] | None:
        page, whole = await asked.table("| stats count() by n", start_us, end_us)
        assert rows_of(page.body) == rows_of(whole)
        return page.slices

    assert await slices(NOW - DAY, NOW) == (0, 25)
    minute_later = (NOW - DAY + MINUTE_US, NOW + MINUTE_US)
    assert await slices(*minute_later) == (23, 2), "the hours that the range cuts"
    await used_store.write([load([at(-3600 * 7 + 60, n=100)], tenant=tenant)])
    assert await slices(*minute_later) == (22, 3)
    assert await slices(NOON - 10 * HOUR_US, NOON) == (10, 0), "parts are those of any range"
    assert await slices(NOON - 10 * HOUR_US, NOON) is None, "kept as a whole"


async def test_parts_are_not_those_of_another_question_or_tenant(used_store: Store, tenant: Tenant) -> None:
    await used_store.write(
        [load([at(-3600 * n, n=n, level="error" if n % 2 else "info") for n in range(9)], tenant=tenant)]
    )
    asked = Asked(used_store, tenant)
    for query in ("| stats count()", "level:error | stats count()", "| stats sum(n)", "| stats count() by level"):
        page, whole = await asked.table(query, NOW - DAY, NOW)
        assert (page.slices, page.body) == ((0, 25), whole), query
    asked.tenant = Tenant(f"{tenant}-2")
    page, whole = await asked.table("| stats count()", NOW - DAY, NOW)
    assert (page.slices, page.body) == ((0, 25), whole)


async def test_too_many_groups_are_asked_for_as_a_whole(
    used_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cordwood.query.slices.keeping._MOST_ROWS", 20)
    await used_store.write([load([at(-60 * n, n=n) for n in range(500)], tenant=tenant)])
    asked = Asked(used_store, tenant)
    for _ in range(2):
        page, whole = await asked.table("| stats count() by n", NOW - DAY, NOW)
        assert (page.slices, rows_of(page.body)) == (None, rows_of(whole))
        await used_store.write([load([at(0)], tenant=tenant)])


async def test_a_count_is_never_stale_while_others_write(used_store: Store, tenant: Tenant) -> None:
    """Who asks after a batch was stored finds it, whoever else asks for the same parts at that moment."""
    asked, chance = Asked(used_store, tenant), random.Random(9)
    plan = Plan(start_us=NOON - 10 * HOUR_US, end_us=NOON, filter=parse("n:*", NOW).filter)
    pipes = parse("| stats count() as n", NOW).pipes
    stored, begun, is_over = 0, 0, False

    async def write() -> None:
        nonlocal stored, begun, is_over
        for number in range(25):
            events = [at(-chance.uniform(1, 36_000), n=number) for _ in range(chance.randrange(1, 4))]
            begun += len(events)
            await used_store.write([load(events, tenant=tenant)])
            stored += len(events)
        is_over = True

    async def read(number: int) -> int:
        times = 0
        while not is_over:
            before = stored
            if number % 2:
                count, _ = await asked.engine.count(plan, tenant)
            else:
                ((counted,),) = [row.values() for row in rows_of((await asked.engine.table(plan, pipes, tenant)).body)]
                count = int(counted)
            assert before <= count <= begun
            times += 1
        return times

    _, times = await asyncio.gather(write(), asyncio.gather(*map(read, range(4))))
    assert min(times) > 1
    assert (await asked.engine.count(plan, tenant))[0] == stored


async def test_a_cache_without_room_for_all_parts_changes_no_answer(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(-60 * n, n=n) for n in range(900)], tenant=tenant)])
    asked = Asked(used_store, tenant, MemoryCache(2000))
    for minute in range(3):
        moved = minute * MINUTE_US
        page, whole = await asked.table("| stats count() by n", NOW - DAY + moved, NOW + moved)
        assert rows_of(page.body) == rows_of(whole)


async def test_few_events_are_asked_for_at_once(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(-60 * n, n=n) for n in range(100)], tenant=tenant)])
    asked = Asked(used_store, tenant)
    settings = CacheSettings(slice_min_events=101)
    asked.engine = Engine(used_store, MemoryCache(8 << 20), QuerySettings(), settings, clock=_clock())
    page, whole = await asked.table("| stats count()", NOW - DAY, NOW)
    is_known = type(used_store) is not PostgresStore
    assert (page.slices, page.body) == (None if is_known else (0, 25), whole)


async def test_without_its_cache_an_answer_is_only_slower(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(-3600 * n, n=n) for n in range(20)], tenant=tenant)])
    async with RedisCache(f"redis://127.0.0.1:{free_port()}/0") as away:
        asked = Asked(used_store, tenant, away)
        for _ in range(2):
            page, whole = await asked.table("| stats count(), sum(n)", NOW - DAY, NOW)
            assert (page.slices, page.body) == ((0, 25), whole)


async def test_parts_are_shared_by_those_who_share_a_cache(used_store: Store, tenant: Tenant, redis_url: str) -> None:
    await used_store.write([load([at(-3600 * n, n=n) for n in range(20)], tenant=tenant)])
    async with RedisCache(redis_url) as one, RedisCache(redis_url) as other:
        page, whole = await Asked(used_store, tenant, one).table("| stats count(), sum(n)", NOW - DAY, NOW)
        assert page.slices == (0, 25)
        minute = MINUTE_US
        page, whole = await Asked(used_store, tenant, other).table(
            "| stats count(), sum(n)", NOW - DAY + minute, NOW + minute
        )
        assert (page.slices, page.body) == ((23, 2), whole)


async def test_equal_parts_that_are_asked_for_at_once_are_read_once(
    used_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await used_store.write([load([at(-3600 * n, n=n) for n in range(20)], tenant=tenant)])
    asked = Asked(used_store, tenant)
    ranges: list[Plan] = []
    rows = used_store.rows

    def noted(plan: Plan, *rest: Any) -> Any:
        ranges.append(plan)
        return rows(plan, *rest)

    monkeypatch.setattr(used_store, "rows", noted)
    search = parse("| stats count()", NOW)
    moments = [number * MINUTE_US for number in range(1, 6)]
    plans = [Plan(start_us=NOON - 5 * HOUR_US, end_us=NOON + moment, filter=search.filter) for moment in moments]
    pages = await asyncio.gather(*(asked.engine.table(plan, search.pipes, tenant) for plan in plans))
    assert {page.body for page in pages} == {pages[0].body}
    assert [plan.end_us for plan in ranges if plan.start_us == NOON - 5 * HOUR_US] == [NOON]
    assert sorted(plan.end_us or 0 for plan in ranges if plan.start_us == NOON) == [plan.end_us for plan in plans]


async def test_nobody_waits_for_what_was_read_before_something_was_stored(
    used_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await used_store.write([load([at(-3600 * n) for n in range(1, 9)], tenant=tenant)])
    asked = Asked(used_store, tenant)
    has_read, may_go_on = asyncio.Event(), asyncio.Event()
    rows = used_store.rows

    async def held(*question: Any) -> AsyncIterator[Sequence[Row]]:
        found = [block async for block in rows(*question)]
        if not has_read.is_set():
            has_read.set()
            await may_go_on.wait()
        for block in found:
            yield block

    monkeypatch.setattr(used_store, "rows", held)
    search = parse("| stats count() as n", NOW)
    plan = Plan(start_us=NOON - 10 * HOUR_US, end_us=NOON)

    async def count() -> Any:
        async with asyncio.timeout(20):
            return rows_of((await asked.engine.table(plan, search.pipes, tenant)).body)[0]["n"]

    async with asyncio.TaskGroup() as group:
        early = group.create_task(count())
        await has_read.wait()
        await used_store.write([load([at(-60)], tenant=tenant)])
        assert await count() == 9
        may_go_on.set()
    assert early.result() == 8
    assert await count() == 9
