"""Histograms: what every store counts over time is what its events say."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from cordwood.model.answer import StoredEvent
from cordwood.model.histogram import By, SpanCount, in_order
from cordwood.model.plan import Plan
from cordwood.model.search.filters import And, Everything, Filter, Not, Or
from cordwood.model.search.spans import DAY_US, HOUR_US, MINUTE_US, SECOND_US, start_of
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store
from cordwood.store.segments.store import SegmentStore
from tests.interface.test_store import NOON, at, opened, rows
from tests.support.builders import equal, load

MANY = 100_000
ERRORS: Filter = equal("level", "error")
FILTERS: tuple[Filter, ...] = (
    Everything(),
    ERRORS,
    Not(equal("service", "checkout")),
    Or((ERRORS, And((equal("service", "api"), Not(equal("level", "info")))))),
    equal("n", "3"),
)
QUESTIONS: tuple[tuple[int, By | None], ...] = (
    (MINUTE_US, None),
    (HOUR_US, "level"),
    (DAY_US, "service"),
    (7 * SECOND_US, "level"),
)
RANGES = ((None, None), (NOON, NOON + HOUR_US), (NOON - 17 * MINUTE_US + 1, NOON + 40 * MINUTE_US + 123_456))


def some(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of an hour or two, some of a year ago, some without a level or a service."""
    made = []
    for n in range(count):
        seconds = chance.uniform(-4000, 4000) if chance.random() < 0.9 else -chance.uniform(0, 365 * 86_400)
        event = at(seconds, n=n % 7)
        if chance.random() < 0.9:
            event["level"] = chance.choice(["info", "warn", "error"])
        if chance.random() < 0.8:
            event["service"] = chance.choice(["api", "checkout", "odd \0 and \ue0c0", "Zoë"])
        made.append(event)
    return made


def told(events: list[StoredEvent], span_us: int, by: By | None) -> list[SpanCount]:
    """What plain Python counts."""
    counts = Counter((start_of(event.timestamp_us, span_us), getattr(event, by) if by else None) for event in events)
    return in_order(SpanCount(start_us, value, count) for (start_us, value), count in counts.items())


async def require_equal(store: Store, tenant: Tenant) -> None:
    """Every histogram says what the events do."""
    for start_us, end_us in RANGES:
        for found in FILTERS:
            plan = Plan(start_us=start_us, end_us=end_us, filter=found)
            events = await rows(store, plan, tenant)
            for span_us, by in QUESTIONS:
                counted = await store.histogram(plan, tenant, span_us, by, MANY)
                assert list(counted.counts) == told(events, span_us, by), (plan, span_us, by)


async def test_histograms_are_what_the_events_say_whatever_happens_to_them(used_store: Store, tenant: Tenant) -> None:
    store, chance = used_store, random.Random(18)
    loads = [load(some(chance, 150), tenant=tenant) for _ in range(4)]
    for each in loads:
        await store.write([each])
    await require_equal(store, tenant)
    await store.write(loads[:2])  # delivered twice
    await require_equal(store, tenant)
    removed = await store.delete(Plan(filter=FILTERS[3], start_us=NOON), tenant, "tester", dry_run=False)
    assert removed > 0
    await require_equal(store, tenant)
    await store.tend()
    if isinstance(store, SegmentStore):
        while await store.merge_rest() is not None:
            pass
    await store.write([load(some(chance, 50), tenant=tenant)])
    await require_equal(store, tenant)


async def test_a_span_before_1970_begins_at_its_earlier_end(used_store: Store, tenant: Tenant) -> None:
    await used_store.write(
        [load([{"timestamp": "1969-12-31T23:59:30Z"}, {"timestamp": "1970-01-01T00:00:30Z"}], tenant=tenant)]
    )
    counts = await used_store.histogram(Plan(), tenant, MINUTE_US, None, MANY)
    assert counts.counts == [SpanCount(-MINUTE_US, None, 1), SpanCount(0, None, 1)]


async def test_no_more_counts_are_made_than_are_wanted(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(n, service=f"s{n}") for n in range(50)], tenant=tenant)])
    assert len((await used_store.histogram(Plan(), tenant, HOUR_US, "service", 10)).counts) == 10
    assert len((await used_store.histogram(Plan(), tenant, HOUR_US, "service", 50)).counts) == 50


async def test_another_tenants_events_are_not_counted(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(0)], tenant=tenant)])
    assert (await used_store.histogram(Plan(), Tenant(f"{tenant}-2"), HOUR_US, None, MANY)).counts == []


async def test_whole_spans_are_counted_without_looking_at_events(kind: str, used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([at(0, level="error"), at(9), at(7200)], tenant=tenant)])
    await used_store.write([load([at(100)], tenant=tenant)])

    async def rolled_up(plan: Plan, span_us: int) -> int:
        return (await used_store.histogram(plan, tenant, span_us, "level", MANY)).rolled_up

    is_by_minute = kind == "postgres"
    assert await rolled_up(Plan(), HOUR_US) == 4
    assert await rolled_up(Plan(filter=ERRORS), DAY_US) == 1
    assert await rolled_up(Plan(end_us=NOON + HOUR_US), HOUR_US) == (3 if is_by_minute else 1)
    assert await rolled_up(Plan(end_us=NOON + MINUTE_US + 1), HOUR_US) == (2 if is_by_minute else 0)
    assert await rolled_up(Plan(), MINUTE_US) == (4 if is_by_minute else 0)
    assert await rolled_up(Plan(), SECOND_US) == 0
    assert await rolled_up(Plan(filter=equal("n", "3")), HOUR_US) == 0


async def test_more_services_than_a_rollup_takes_are_counted_in_the_events(used_store: Store, tenant: Tenant) -> None:
    events = [at(0, service=f"s{n}") for n in range(5000)]
    await used_store.write([load(events, tenant=tenant)])
    counted = await used_store.histogram(Plan(), tenant, HOUR_US, "service", MANY)
    assert (len(counted.counts), counted.rolled_up) == (5000, 0)


async def test_an_audit_finds_a_rollup_that_counts_other_events(tmp_path: Path, tenant: Tenant) -> None:
    async with opened("segments", str(tmp_path)) as store:
        old = {"timestamp": "1969-12-31T23:30:00Z", "service": "old"}
        await store.write([load([at(0, level="error"), at(9), at(7200), old], tenant=tenant)])
        assert (await store.accounts(tenant, is_counted=True)).damaged == []
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as catalog:
            ((rollup,),) = catalog.execute("SELECT rollup FROM segments").fetchall()
            end = bytearray(rollup)
            end[-4] += 1  # one more of the last entry
            for wrong in (bytes(end), b"", b"nonsense"):
                catalog.execute("UPDATE segments SET rollup = ?", (wrong,))
                catalog.commit()
                (damage,) = (await store.accounts(tenant, is_counted=True)).damaged
                assert "rollup" in damage.reason


async def test_an_audit_finds_rollups_to_be_true(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load(some(random.Random(4), 200), tenant=tenant)])
    await used_store.delete(Plan(filter=ERRORS), tenant, "tester", dry_run=False)
    await used_store.tend()
    assert (await used_store.accounts(tenant, is_counted=True)).damaged in ([], ())
