"""Segments that cannot hold an answer are not opened, and no answer is lost by that."""

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cordwood.language.filters.regexes import compile_regex
from cordwood.model.plan import Plan
from cordwood.model.search.field import MESSAGE
from cordwood.model.search.filters import Regex
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.skipping import Part, Skipping
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import equal, load

FEW, MANY = 5, 3000
"""Events that stay text, and events that get columns."""

_SPELLINGS = [
    *("GET /a/b", "get", "", "-", "é", "É", "line\nbreak", 'say "b"', "tab\tbed", "\x1b[31mred", "\x00", "back\\slash"),
    *("a_b", "x" * 70, "x" * 70 + "y", "500", "5e2", "true", "null", "2026-11-25T10:00:00.123Z"),
]
VALUES: list[Any] = [
    *_SPELLINGS,
    *(500, 500.0, 5e2, 0, -0.0, -1, 0.1, 1e300, 2**53, 2**53 + 1, 2**63, True, False, None),
    *(["a", "b"], [1, 500], {"c": "deep"}, {"c": 500}, [], {}),
]
_NUMBERS = ["500.0", "0", "-0", "-1", "0.1", "1e300", str(2**53), str(2**53 + 1), str(2**63)]
_ASKED = [*_SPELLINGS, *_NUMBERS, "false", "deep", "error", "shop", '["a","b"]', "none of these"]
QUESTIONS = [(field, text) for field in ("a", "a.c", "b", "level", "service", "nowhere") for text in _ASKED]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SegmentStore]:
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as opened:
        yield opened


def _events(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Events that have few of the values each, so that there is something to skip."""
    values = rng.sample(VALUES, 3)
    return [
        {"a": rng.choice(values), "b": rng.choice(values), "severity": rng.choice(["error", "info"]), "service": "shop"}
        for _ in range(count)
    ]


async def test_no_answer_is_lost_by_skipping(store: SegmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(20261125)
    for count in [FEW, MANY] * 12:
        await store.write([load(_events(rng, count))])
    plans = [Plan(filter=equal(field, text)) for field, text in QUESTIONS]
    found = [await store.count(plan, DEFAULT_TENANT) for plan in plans]
    skipped = sum([(await store.coverage(plan, DEFAULT_TENANT)).skipped for plan in plans])

    def every(_: Skipping, __: Plan, segments: Sequence[Segment]) -> list[Part]:
        return [Part(segment, None, 1) for segment in segments]

    monkeypatch.setattr(Skipping, "possible", every)
    assert found == [await store.count(plan, DEFAULT_TENANT) for plan in plans]
    assert skipped > len(plans) * 4


async def test_a_rare_value_opens_what_may_have_it_and_nothing_else(store: SegmentStore, tmp_path: Path) -> None:
    for number in range(10):
        traces = [{"trace_id": f"{number:08x}{n:024x}", "message": f"request {n} of {number}"} for n in range(MANY)]
        await store.write([load(traces)])
    plan = Plan(filter=equal("trace_id", f"{7:08x}{1234:024x}"))
    coverage = await store.coverage(plan, DEFAULT_TENANT)
    assert (coverage.read, coverage.skipped) == (1, 9)
    catalog = store._catalog.segments(DEFAULT_TENANT, None, None)
    (kept,) = store._reader._skipping.possible(plan, catalog)
    for segment in catalog:
        if segment != kept.segment:
            (tmp_path / segment.path).unlink()
    (event,) = [event async for block in store.read(plan, DEFAULT_TENANT) for event in block]
    assert b"request 1234 of 7" in event.data
    assert await store.count(Plan(filter=equal("trace_id", "not there")), DEFAULT_TENANT) == 0


@pytest.mark.parametrize(
    ("expression", "read"),
    [(r"^request \d+ of 7 ends$", 0), (r"user kim\b .* late$", 1), ("kim", 3), ("user kim|user tom", 3), ("", 3)],
)
async def test_an_expression_opens_what_has_its_words(store: SegmentStore, expression: str, read: int) -> None:
    for user in ("kim", "kimberly", "tom"):
        await store.write([load([{"message": f"{n}: user {user} came late"} for n in range(MANY)])])
    plan = Plan(filter=Regex(MESSAGE, expression))
    assert (await store.coverage(plan, DEFAULT_TENANT)).read == read
    found = compile_regex(expression)
    users = [user for user in ("kim", "kimberly", "tom") if found.search(f"1: user {user} came late")]
    assert await store.count(plan, DEFAULT_TENANT) == MANY * len(users)


async def test_row_groups_of_a_segment_are_skipped(store: SegmentStore) -> None:
    """By their words, and by their times, which the answer tells."""
    early, late = 1_795_000_000, 1_795_600_000
    shapes = [
        [{"ts": early + n, "message": f"request {n}"} for n in range(10_000)],
        [{"ts": late + n, "message": f"answer {n}", "took": n} for n in range(9_000)],
        [{"ts": late + n, "job": f"job{n}"} for n in range(9_500)],
    ]
    await store.write([load([event for events in shapes for event in events])])
    assert (await _groups(store, Plan())) == (3, 0)
    assert (await _groups(store, Plan(filter=equal("message", "answer 8765")))) == (1, 2)
    assert (await _groups(store, Plan(start_us=late * 1_000_000))) == (2, 1)
    assert (await _groups(store, Plan(end_us=late * 1_000_000))) == (1, 2)
    assert (await _groups(store, Plan(filter=equal("job", "none")))) == (0, 3)
    assert await store.count(Plan(filter=equal("message", "answer 8765")), DEFAULT_TENANT) == 1
    assert await store.count(Plan(end_us=late * 1_000_000), DEFAULT_TENANT) == 10_000
    (event,) = [
        event async for block in store.read(Plan(filter=equal("job", "job9499")), DEFAULT_TENANT) for event in block
    ]
    assert event.timestamp_us == (late + 9_499) * 1_000_000


async def test_stretches_of_a_row_group_are_skipped(store: SegmentStore) -> None:
    """16,384 rows each: the engine reads only the pages of those that it is told."""
    begin = 1_795_000_000
    hosts = ["early"] * 16_384 + ["late"] * 16_384 + ["latest"] * 1000
    await store.write([load([{"ts": begin + n, "host": host, "n": n} for n, host in enumerate(hosts)])])
    assert (await _groups(store, Plan())) == (3, 0)
    assert (await _groups(store, Plan(filter=equal("n", "20000")))) == (1, 2)
    # A host is in the dictionary of all rows: that does not count.
    assert (await _groups(store, Plan(filter=equal("host", "late")))) == (1, 2)
    assert (await _groups(store, Plan(start_us=(begin + 16_384) * 1_000_000))) == (2, 1)
    assert await store.count(Plan(filter=equal("host", "late")), DEFAULT_TENANT) == 16_384
    assert await store.count(Plan(start_us=(begin + 16_000) * 1_000_000), DEFAULT_TENANT) == 384 + 17_384
    (event,) = [
        event async for block in store.read(Plan(filter=equal("n", "20000")), DEFAULT_TENANT) for event in block
    ]
    assert event.timestamp_us == (begin + 20_000) * 1_000_000


async def _groups(store: SegmentStore, plan: Plan) -> tuple[int, int]:
    coverage = await store.coverage(plan, DEFAULT_TENANT)
    return coverage.groups_read, coverage.groups_skipped


async def test_what_was_seen_a_moment_ago_is_not_asked_again(
    store: SegmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write([load([{"a": "one"}])])
    plan, other = Plan(filter=equal("a", "one")), Plan(filter=equal("a", "two"))
    seen = await store.coverage(plan, DEFAULT_TENANT)
    await store.write([load([{"a": "one"}, {"a": "two"}])])
    assert await store.count(plan, DEFAULT_TENANT, seen) == 1
    assert len([event async for block in store.read(plan, DEFAULT_TENANT, seen) for event in block]) == 1
    # Of something else, nothing is known.
    assert await store.count(other, DEFAULT_TENANT, seen) == 1
    assert await store.count(plan, Tenant("other"), seen) == 0
    assert await store.count(Plan(filter=plan.filter, end_us=0), DEFAULT_TENANT, seen) == 0
    assert await store.count(plan, DEFAULT_TENANT) == 2
    monkeypatch.setattr("cordwood.store.segments.reader._SAME_MOMENT_S", 0)
    assert await store.count(plan, DEFAULT_TENANT, seen) == 2
    assert len([event async for block in store.read(plan, DEFAULT_TENANT, seen) for event in block]) == 2


async def test_filters_that_are_kept_stay_within_bounds(store: SegmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordwood.store.segments.skipping._CACHE_BYTES", 4000)
    for number in range(6):
        await store.write([load([{"a": f"word{number}"}])])
    for _ in range(2):
        for number in range(6):
            plan = Plan(filter=equal("a", f"word{number}"))
            assert await store.count(plan, DEFAULT_TENANT) == 1
            assert (await store.coverage(plan, DEFAULT_TENANT)).skipped == 5
    skipping = store._reader._skipping
    assert 0 < skipping._bytes <= 4000
