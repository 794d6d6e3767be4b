"""An empty answer says why, over every store."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cordwood.cache.memory import MemoryCache
from cordwood.cache.settings import CacheSettings
from cordwood.clock import SystemClock
from cordwood.language.parser import parse_filter
from cordwood.model.event import format_timestamp
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.query.diagnosis import Diagnosis
from cordwood.query.dropped import Dropped
from cordwood.query.engine import Engine
from cordwood.query.parameters import question_of
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Store
from tests.support.builders import load

NOON_US = 1_795_435_200_000_000
EVENTS: Sequence[dict[str, Any]] = [
    {"ts": NOON_US // 1000 + number, "level": "error" if number < 3 else "info", "service": "web", "n": number}
    for number in range(10)
]


async def why(store: Store, query: str, start_us: int | None = None, tenant: Tenant = DEFAULT_TENANT) -> dict[str, Any]:
    await store.write([load(EVENTS)])
    engine = Engine(store, MemoryCache(1 << 20), QuerySettings(), CacheSettings())
    plan = Plan(start_us=start_us, filter=parse_filter(query, NOON_US))
    found: dict[str, Any] = (await Diagnosis(engine, store).why_empty(plan, tenant))["empty"]
    return found


@pytest.mark.parametrize(
    ("query", "clause", "before", "alone"),
    [
        ("level:error service:wbe", "service:wbe", 3, 0),
        ("service:web level:error n:>7", "n:>7", 3, 2),
        ("level:fatal", "level:fatal", 10, 0),
        ("level:error (n:8 OR n:9)", "(n:8 OR n:9)", 3, 2),
    ],
)
async def test_the_clause_that_left_nothing_is_named(
    store: Store, query: str, clause: str, before: int, alone: int
) -> None:
    found = await why(store, query)
    assert found["events_in_range"] == 10
    assert found["removed_by"].strip("()") == clause.strip("()")
    assert (found["events_before"], found["matches_alone"]) == (before, alone)


async def test_a_field_that_no_event_has_is_named_with_what_may_be_meant(store: Store) -> None:
    found = await why(store, "level:error nn:1")
    assert found["unknown_fields"] == [{"name": "nn", "suggestion": "n"}]
    assert "unknown_fields" not in await why(store, "n:100")


async def unfilled(store: Store, query: str) -> dict[str, Any]:
    """What an answer to a query with pipes tells of its columns; `{}` where it tells nothing, or is not asked."""
    await store.write([load(EVENTS)])
    engine = Engine(store, MemoryCache(1 << 20), QuerySettings(), CacheSettings())
    plan, pipes, piped = question_of([("query", query)], NOON_US)
    assert piped is not None
    diagnosis, asked = Diagnosis(engine, store), list[int]()

    async def tell() -> dict[str, Any]:
        asked.append(1)
        return await diagnosis.unknown_fields(plan, piped, DEFAULT_TENANT)

    for _ in range(2):  # what was told is kept with the answer
        page = await engine.table(plan, pipes, DEFAULT_TENANT, tell)
    assert page.is_cached
    assert len(asked) <= 1
    answer: dict[str, Any] = json.loads(page.body + b"}")
    return {name: answer[name] for name in ("unknown_fields",) if name in answer}


@pytest.mark.parametrize(
    ("query", "name", "near"),
    [
        ("level:error | stats count() by nn", "nn", "n"),
        ("| stats max(nn) as most by service", "nn", "n"),
        ("| timechart span=1h count() by nn", "nn", "n"),
        ("| eval twice = 2 * nn | stats max(twice) as most", "nn", "n"),
        ("| fields zebra", "zebra", None),
    ],
)
async def test_a_field_without_a_value_in_any_row_is_named(
    store: Store, query: str, name: str, near: str | None
) -> None:
    assert await unfilled(store, query) == {"unknown_fields": [{"name": name, "suggestion": near}]}


@pytest.mark.parametrize(
    "query", ["| stats count() by n", "level:error | stats max(n) as most", "n:>100 | stats max(n) as most"]
)
async def test_fields_that_events_have_are_not_named(store: Store, query: str) -> None:
    assert await unfilled(store, query) == {}


@pytest.mark.parametrize("query", ["level:error | where nn > 1", "level:error | top nn"])
async def test_where_pipes_leave_nothing_their_fields_are_looked_for(store: Store, query: str) -> None:
    await store.write([load(EVENTS)])
    engine = Engine(store, MemoryCache(1 << 20), QuerySettings(), CacheSettings())
    plan, _, piped = question_of([("query", query)], NOON_US)
    found = (await Diagnosis(engine, store).why_empty(plan, DEFAULT_TENANT, piped))["empty"]
    assert found["events_matching"] == 3
    assert found["unknown_fields"] == [{"name": "nn", "suggestion": "n"}]


async def test_a_phrase_that_looks_like_a_field_is_told_apart_from_one(store: Store) -> None:
    assert (await why(store, "n=1"))["meant"] == "n:1"
    assert (await why(store, "level=error"))["meant"] == "level:error"
    assert "meant" not in await why(store, "nosuch=1")
    assert "meant" not in await why(store, '"n=1 and more"')


async def test_where_the_range_has_nothing_it_tells_what_there_is(store: Store) -> None:
    found = await why(store, "level:error", start_us=NOON_US + 60_000_000)
    assert found == {"events_in_range": 0, "events_stored": 10, "newest": "2026-11-23T12:00:00.009000Z"}


async def test_of_other_tenants_it_tells_nothing(store: Store) -> None:
    found = await why(store, "level:error", tenant=Tenant("other"))
    assert found == {"events_in_range": 0, "events_stored": 0, "tenant": found["tenant"]}
    assert found["tenant"] == "a key sees the logs of its own tenant alone, and this tenant has none"
    assert "tenant" not in await why(store, "nothing", start_us=NOON_US + 60_000_000)


async def test_what_matches_is_told_when_pipes_leave_nothing(store: Store) -> None:
    assert await why(store, "level:error") == {"events_in_range": 10, "events_matching": 3}


async def test_what_retention_took_out_of_the_range_is_told(store: Store) -> None:
    now_us = SystemClock().now_us()
    days_ago = [{"ts": (now_us - days * DAY_US) // 1000, "n": days} for days in (0, 5, 6)]
    await store.write([load(days_ago)])
    retention = Retention(3)

    async def told(start_us: int | None) -> dict[str, Any] | None:
        engine = Engine(store, MemoryCache(1 << 20), QuerySettings(), CacheSettings())

        async def rules() -> Retention:
            return retention

        plan = Plan(start_us=start_us, filter=parse_filter("level:fatal", now_us))
        diagnosis = Diagnosis(engine, store, Dropped(rules, store, SystemClock()))
        found: dict[str, Any] | None = (await diagnosis.why_empty(plan, DEFAULT_TENANT))["empty"].get("retention")
        return found

    assert await told(None) is None, "nothing was dropped yet"
    await store.expire(retention)
    dropped = await told(None)
    assert dropped is not None
    assert (dropped["days"], dropped["events_dropped"]) == (3, 2)
    assert dropped["dropped_before"] == format_timestamp((now_us // DAY_US - 3) * DAY_US)
    assert dropped["last_dropped_at"] >= format_timestamp(now_us)
    partly = await told((now_us // DAY_US - 5) * DAY_US)
    assert partly is not None
    assert partly["events_dropped"] == 1
    assert await told(now_us - 2 * DAY_US) is None, "the range is younger than what is dropped"
