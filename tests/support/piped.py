"""Answers of pipes, compared with the reference's."""

import json
import os
import random
from collections.abc import Callable, Sequence
from math import isclose
from typing import Any

from cordwood.errors import Unavailable
from cordwood.language.match import Seen
from cordwood.model.answer import Row
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Filter
from cordwood.model.search.pipes import Pipe, Search
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.store import SegmentStore
from tests.support.pipelines import Pipelines
from tests.support.reference.pipes import TimeRange, answer

TIMES = int(os.environ.get("CORDWOOD_TEST_TIMES", "1"))
"""How many times as many pipelines are tried."""
SEED = int(os.environ.get("CORDWOOD_TEST_SEED", "1"))

Store = SegmentStore | PostgresStore


async def seen(store: Store) -> list[Seen]:
    """Every event."""
    return [
        Seen(
            json.loads(event.data),
            event_id=event.id,
            timestamp_us=event.timestamp_us,
            inserted_at_us=event.inserted_at_us,
            level=event.level,
            service=event.service,
        )
        async for block in store.read(Plan(), DEFAULT_TENANT)
        for event in block
    ]


async def rows(store: Store, plan: Plan, pipes: Sequence[Pipe]) -> list[dict[str, Any]]:
    """An answer as people see it."""
    found: list[Row] = [row async for block in store.rows(plan, pipes, DEFAULT_TENANT) for row in block]
    return [{**({} if row.event is None else json.loads(row.event.data)), **row.columns} for row in found]


def is_same(one: Any, other: Any) -> bool:
    """Sums may differ in their last digits."""
    match one, other:
        case (float(), float() | int()) | (int(), float()):
            return not isinstance(one, bool) and not isinstance(other, bool) and isclose(one, other, rel_tol=1e-9)
        case dict(), dict():
            return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(is_same, one, other))
        case _:
            return type(one) is type(other) and one == other


async def compare(
    store: Store, pipelines: Pipelines, rng: random.Random, any_filter: Callable[[random.Random], Filter], count: int
) -> int:
    """Fails where an answer differs; how many answers had any rows."""
    every = await seen(store)
    times = sorted(each.timestamp_us for each in every)
    some = 0
    for _ in range(count * TIMES):
        text, pipes = pipelines.any()
        found = any_filter(rng)
        start_us, end_us = rng.choice([(None, None), (times[len(times) // 4], times[-1])])
        plan = Plan(start_us=start_us, end_us=end_us, filter=found)
        expected = answer(Search(found, pipes), every, TimeRange(start_us, end_us))
        try:
            got = await rows(store, plan, pipes)
        except Unavailable as error:
            raise AssertionError(f"{text}\n{found}\n{error.__cause__}") from error
        assert len(got) == len(expected) and all(map(is_same, got, expected)), (
            f"{text}\n{found}\n{first_difference(got, expected)}"
        )
        some += bool(expected)
    return some


def first_difference(got: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    """The first row that differs, for a person."""
    for number, (one, other) in enumerate(zip(got, expected, strict=False)):
        if not is_same(one, other):
            return f"row {number} of {len(got)}, {len(expected)}: got {one}\nexpected {other}"
    return f"{len(got)} rows, expected {len(expected)}: {(got or expected)[:3]}"
