"""How a time range is cut into parts, and rows of parts are merged."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.model.search.spans import DAY_US, HOUR_US, MINUTE_US
from cordwood.query.slices.merging import Merge, merged, real
from cordwood.query.slices.parts import cut, place_of, runs, versions_of
from cordwood.store.slices import FAR_SLICE

NOW = 1_795_435_200_000_000 + 7 * MINUTE_US
moments = st.integers(-500 * DAY_US, 5 * DAY_US).map(lambda us: NOW + us)


@given(moments, moments | st.none())
def test_parts_are_the_range_and_nothing_twice(start_us: int, end_us: int | None) -> None:
    parts = cut(start_us, end_us, NOW)
    if not parts:
        return
    assert (parts[0].start_us, parts[-1].end_us) == (start_us, end_us)
    assert all(part.end_us == after.start_us for part, after in pairwise(parts))
    for part in parts:
        if part.length_us:
            assert part.end_us == part.start_us + part.length_us
            assert part.start_us % part.length_us == 0
            assert part.end_us <= NOW, "what goes on is asked for every time"


@given(moments, moments | st.none(), st.data())
def test_all_that_is_missing_is_asked_for_and_falls_into_place(
    start_us: int, end_us: int | None, data: st.DataObject
) -> None:
    parts = cut(start_us, end_us, NOW)
    missing = [not part.length_us or data.draw(st.booleans()) for part in parts]
    asked = runs(parts, missing, 5 * MINUTE_US)
    assert len(asked) <= 6
    covered = [number for run in asked for number in range(run.first, run.end)]
    assert len(covered) == len(set(covered))
    assert {number for number, is_missing in enumerate(missing) if is_missing} <= set(covered)
    for run in runs(parts, missing, None):
        mine = parts[run.first : run.end]
        for number, part in enumerate(mine):
            last_us = part.end_us - 1 if part.end_us is not None else part.start_us
            for at_us in (part.start_us, last_us):
                assert place_of(mine, at_us // run.span_us * run.span_us) == number


def test_longer_ranges_are_cut_into_longer_parts() -> None:
    assert len(cut(NOW - DAY_US, NOW, NOW)) == 25
    assert len(cut(NOW - 7 * DAY_US, NOW, NOW)) < 56
    assert len(cut(NOW - 366 * DAY_US, NOW, NOW)) < 110
    for start_us, end_us in ((None, NOW), (NOW - 2 * HOUR_US, NOW), (NOW + DAY_US, NOW + 3 * DAY_US)):
        assert cut(start_us, end_us, NOW) == []


def test_a_version_counts_for_its_part_and_the_far_one_for_all() -> None:
    parts = cut(NOW - 3 * HOUR_US, NOW, NOW)
    hours = [part.start_us // HOUR_US for part in parts]
    none = versions_of(parts, {})
    assert none == [0] * 4
    for place, hour in enumerate(hours):
        assert [version > 0 for version in versions_of(parts, {hour: 7})] == [each == place for each in range(4)]
    assert versions_of(parts, {FAR_SLICE: 7}) == [7] * 4
    whole = cut(NOW - 5 * HOUR_US, NOW - 7 * MINUTE_US, NOW)
    assert not any(versions_of(whole, {NOW // HOUR_US: 7})), "the hour behind the end is none of them"


@pytest.mark.parametrize(
    ("how", "values", "whole"),
    [
        ("add", [None, 2, 0.5, None], 2.5),
        ("add", [None, None], None),
        ("least", ["x", None, 3, "b", True], 3),
        ("least", [True, "x", "b"], "b"),
        ("least", [True, False], False),
        ("greatest", ["x", 3, 2.5, True], 3),
        ("greatest", [False, "b", "x", True], "x"),
        ("first", [None, "a", "b"], "a"),
        ("last", ["a", False, None], False),
    ],
)
def test_values_of_parts_become_that_of_the_whole(how: Merge, values: list[object], whole: object) -> None:
    assert merged([{"[]": [value]} for value in values], [how]) == {"[]": [whole]}


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, None), (2.0, 2), (2.5, 2.5), (2**60, float(2**60)), (float("inf"), None), (10**400, None)],
)
def test_doubles_are_shown_as_answers_have_them(number: float | None, shown: float | None) -> None:
    assert (real(number), type(real(number))) == (shown, type(shown))
