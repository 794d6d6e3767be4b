"""Pipes over segments give what the reference does, row by row."""

import json
import os
import random
from collections.abc import AsyncIterator, Sequence
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from cordwood.errors import Unavailable
from cordwood.language.match import Seen
from cordwood.model.answer import Row
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Pipe, Search
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments import runs, tables
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.awkward_columns import FIELDS, any_filter, events
from tests.support.builders import load
from tests.support.pipelines import Pipelines
from tests.support.reference.pipes import TimeRange, answer

_TIMES = int(os.environ.get("CORDWOOD_TEST_TIMES", "1"))
"""How many times as many pipelines are tried."""
_SEED = int(os.environ.get("CORDWOOD_TEST_SEED", "1"))
_FEW = 30
"""Fewer events than this stay text here."""


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SegmentStore]:
    """Events in columns, as text, and in merged segments that have both."""
    for room in (tables, runs):
        monkeypatch.setattr(room, "FEW_EVENTS", _FEW)
    rng = random.Random(20261126)
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as opened:
        for count, odd in ((20, 10), (12, 10), (40, 0)):
            await opened.write([load(events(rng, count, odd))])
        while await opened.merge_rest():
            pass
        for count, odd in ((40, 5), (2, 10), (30, 0)):
            await opened.write([load(events(rng, count, odd))])
        yield opened


async def seen(store: SegmentStore) -> list[Seen]:
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


async def rows(store: SegmentStore, plan: Plan, pipes: Sequence[Pipe]) -> list[dict[str, Any]]:
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


async def test_they_give_what_the_reference_does(store: SegmentStore) -> None:
    rng = random.Random(_SEED)
    every = await seen(store)
    times = sorted(each.timestamp_us for each in every)
    pipelines = Pipelines(rng, [name for name in FIELDS if name not in ("", "\\")])
    some = 0
    for _ in range(100 * _TIMES):
        text, pipes = pipelines.any()
        found = any_filter(rng, 1)
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
    assert some > 40


def first_difference(got: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    for number, (one, other) in enumerate(zip(got, expected, strict=False)):
        if not is_same(one, other):
            return f"row {number} of {len(got)}, {len(expected)}: got {one}\nexpected {other}"
    return f"{len(got)} rows, expected {len(expected)}: {(got or expected)[:3]}"
