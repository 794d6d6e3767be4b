"""Rollups: counts kept beside the events stay what the events say, asked of every store."""

import random
import sqlite3
from contextlib import closing
from typing import Any

import msgspec
import numpy as np
import psycopg
from msgspec.structs import replace

from cordwood.errors import BadQuery
from cordwood.language.parser import parse
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.search.pipes import Aggregate, Search, Stats
from cordwood.model.search.spans import HOUR_US
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load, Replay, Store
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.store import SegmentStore
from tests.interface.test_books import dead
from tests.interface.test_erasing import is_balanced, on
from tests.interface.test_histogram import MANY, require_equal
from tests.interface.test_store import NOON, OTHER, at
from tests.support.builders import equal, load
from tests.support.piped import SEED, TIMES, seen
from tests.support.piped import rows as answered
from tests.support.reference.pipes import TimeRange, answer

COUNT = Stats((Aggregate("count", None, "n"),))


async def all_rolled_up(store: Store, tenant: Tenant = DEFAULT_TENANT) -> int:
    """How many events there are, all told by rollups."""
    counted = await store.histogram(Plan(), tenant, HOUR_US, "level", MANY)
    assert counted.rolled_up == sum(each.count for each in counted.counts)
    return counted.rolled_up


async def test_what_expires_is_counted_no_more(store: Store) -> None:
    chance = random.Random(5)
    keeps = Tenant("keeps")
    for tenant in (DEFAULT_TENANT, OTHER, keeps):
        events = [on(day, level=chance.choice(["info", "error"]), n=n) for day in (0, 1, 2, 5, 9) for n in range(20)]
        await store.write([load(events, tenant=tenant)])
    await store.tend()
    assert await store.expire(Retention(2, {OTHER: 7, keeps: 100_000})) == 60
    for attempt in range(2):
        assert [await all_rolled_up(store, tenant) for tenant in (DEFAULT_TENANT, OTHER, keeps)] == [60, 80, 100]
        assert await is_balanced(store), attempt
        await store.tend()
    # A late event of a day that is gone, and a day that only one of them has left.
    await store.write([load([on(5, level="info")])])
    assert await all_rolled_up(store) == 61
    assert await store.expire(Retention(0)) > 100
    assert await all_rolled_up(store, keeps) == 20
    await store.tend()
    await require_equal(store, DEFAULT_TENANT)
    assert await is_balanced(store)


async def test_a_dead_letter_is_counted_once_it_is_replayed(store: Store) -> None:
    made = load([at(0, level="info"), at(1, level="error")])
    header = made.batch.header
    await store.write([dead(made, 1)])
    assert await all_rolled_up(store) == 1
    again = Load(replace(made.batch, header=replace(header, events=1)), b'{"level":"warn","time":0}\n', first=1)
    for _ in range(2):
        await store.replay(DEFAULT_TENANT, [Replay((header.id, 1), again)], "somebody")
        assert await all_rolled_up(store) == 2
        await require_equal(store, DEFAULT_TENANT)
    assert await is_balanced(store)


async def test_a_batch_delivered_twice_is_counted_once(store: Store) -> None:
    one, other = load([at(0), at(1)]), load([at(2)])
    await store.write([one])
    await store.tend()
    await store.write([one, other, one])
    assert await all_rolled_up(store) == 3
    await store.tend()
    assert await all_rolled_up(store) == 3
    assert await is_balanced(store)


async def test_days_before_1970_and_far_ahead_are_counted(store: Store) -> None:
    moments = [-DAY_US - 1, -1, 0, 253_402_300_799_999_999, -62_135_596_800_000_000]
    written = [f'{{"n":{n},"level":"info"}}'.encode() for n in range(len(moments))]
    for moment, line in zip(moments, written, strict=True):
        await store.write([load([line], received_at_us=moment)])
    for _ in range(2):
        assert await all_rolled_up(store) == len(moments)
        await require_equal(store, DEFAULT_TENANT)
        await store.tend()
    assert await is_balanced(store)


SERVICES = ["api", "checkout", "42", "7", "5ms", "Zoë", "odd \0 and \ue0c0", None]
FILTERS = [
    "*", "level:error", "-service:checkout", "level:error OR service:*", "service:a*", "service:/^.{1,2}$/", "level:*",
    "level:* -level:info", "service:42", "service:>=7", "service:out", "service:[6 TO 50]", "-service:*",
]  # fmt: skip
COUNTED = [
    "stats count() as count", "stats count() as count by level",
    "stats count() as count, count() as m by service, level",
    "stats count() as count by level, time(1h)", "stats count() as count by service, time(1d)",
    "timechart count() as count",
    "timechart span=1h count() as count by service", "timechart span=1d count() as count by level, service",
    "timechart span=30m count() as count by level", "timechart span=7s count() as count",
    "top 2 service", "top level, service",
    "rare 3 service by level", "top 1 service by level",
]  # fmt: skip
BEHIND = [
    "", "| sort -count, level", "| limit 2", "| where count > 3", "| eval twice = count * 2 | sort service",
    "| stats sum(count) as s, count() as rows by level", "| rename count as c | fields c, service", "| top level",
]  # fmt: skip


def spread(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of three days and of a year."""
    made = []
    for _ in range(count):
        seconds = chance.uniform(-130_000, 130_000) if chance.random() < 0.9 else -chance.uniform(0, 365 * 86_400)
        level, service = chance.choice(["info", "warn", "error", None]), chance.choice(SERVICES)
        given = {"level": level, "service": service}
        made.append(at(seconds, **{name: value for name, value in given.items() if value is not None}))
    return made


async def test_counts_out_of_rollups_are_those_of_the_events(store: Store) -> None:
    assert isinstance(store, SegmentStore | PostgresStore)
    chance = random.Random(SEED)
    for _ in range(4):
        await store.write([load(spread(chance, 60))])
    await store.delete(Plan(filter=equal("service", "api"), end_us=NOON), DEFAULT_TENANT, "tester", dry_run=False)
    await store.tend()
    await store.write([load(spread(chance, 40))])
    every = await seen(store)
    for _ in range(60 * TIMES):
        text = f"{chance.choice(FILTERS)} | {chance.choice(COUNTED)} {chance.choice(BEHIND)}"
        try:
            search = parse(text, NOON)
        except BadQuery:
            continue  # a pipe that looks for a column that is not there
        some = [each.timestamp_us + chance.choice([0, 1]) for each in chance.sample(every, 2)]
        start_us, end_us = chance.choice([sorted(some), (None, NOON), (NOON - HOUR_US, None), (NOON - DAY_US, NOON)])
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter)
        expected = answer(search, every, TimeRange(start_us, end_us))
        got = await answered(store, plan, search.pipes)
        assert got == expected, (text, start_us, end_us)
        matching = answer(Search(search.filter, (COUNT,)), every, TimeRange(start_us, end_us))
        assert [{"n": await store.count(plan, DEFAULT_TENANT)}] == matching, (text, start_us, end_us)


async def test_a_count_adds_what_rollups_tell_and_what_a_range_cuts(store: Store) -> None:
    """One that stopped at the rollups was too small, and alerts did not fire."""
    await store.write([load([at(600, level="error")])])
    await store.write([load([at(1200, level="error"), at(60, level="error")])])
    await store.write([load([at(7200, level="error"), at(4000, level="error")])])
    plan = Plan(start_us=NOON + 300_000_000, end_us=NOON + 7100_000_000, filter=equal("level", "error"))
    assert await store.count(plan, DEFAULT_TENANT) == 3
    assert len([row async for block in store.read(plan, DEFAULT_TENANT) for row in block]) == 3


async def test_events_are_not_looked_at_where_rollups_tell(kind: str, place: str, store: Store) -> None:
    assert isinstance(store, SegmentStore | PostgresStore)
    await store.write([load([at(0, level="info", service="api"), at(5, level="error", service="api")])])
    await store.tend()
    double(kind, place)
    for text, expected in (
        ("level:error | stats count()", [{"count()": 2}]),
        ("* | top level", [{"level": "error", "count": 2}, {"level": "info", "count": 2}]),
        ("service:a* | timechart span=1h count() as n", [{"timestamp": "2026-11-23T12:00:00.000000Z", "n": 4}]),
    ):
        search = parse(text, NOON)
        assert await answered(store, Plan(filter=search.filter), search.pipes) == expected
    assert await store.count(Plan(filter=equal("service", "api")), DEFAULT_TENANT) == 4
    assert await store.count(Plan(filter=equal("service", "api"), end_us=NOON + 1), DEFAULT_TENANT) == 1


def double(kind: str, place: str) -> None:
    """Make every rollup say twice as much."""
    if kind == "segments":
        with closing(sqlite3.connect(f"{place}/catalog.sqlite")) as catalog, catalog:
            for path, rollup in catalog.execute("SELECT path, rollup FROM segments").fetchall():
                catalog.execute("UPDATE segments SET rollup = ? WHERE path = ?", (twice(rollup), path))
        return
    with psycopg.connect(place) as connection:
        connection.execute("UPDATE rollups SET events = 2 * events")
        for path, rollup in connection.execute("SELECT path, rollup FROM segments").fetchall():
            connection.execute("UPDATE segments SET rollup = %s WHERE path = %s", (twice(rollup), path))


def twice(rollup: bytes) -> bytes:
    pairs, hours, places, counts = msgspec.msgpack.decode(rollup)
    return msgspec.msgpack.encode((pairs, hours, places, (2 * np.frombuffer(counts, "<u4")).astype("<u4").tobytes()))
