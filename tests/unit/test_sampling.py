"""A sample of rows: the share that was asked for, each row once, spread over all of them."""

import random

import pytest

from cordwood.store.segments.sampling import stretches


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("sizes", [[10_000_000], [50_000] * 40, [100] * 5_000, [1, 1_000_000, 7, 0, 300_000]])
def test_a_sample_has_its_share_of_rows_each_once(sizes: list[int], share: float) -> None:
    rows = {f"file{number}": ((0, size),) for number, size in enumerate(sizes)}
    chosen = stretches(rows, share)
    total = 0
    for path, ranges in chosen.items():
        at = 0
        for first, behind in ranges:
            assert at <= first < behind <= rows[path][0][1]
            at = behind
            total += behind - first
    assert total == pytest.approx(sum(sizes) * share, abs=100)
    assert stretches(rows, share) == chosen


def test_a_sample_is_of_the_rows_that_may_match_only() -> None:
    source = random.Random(3)
    rows = {}
    for number in range(50):
        ends = sorted(source.sample(range(100_000), 6))
        rows[f"file{number}"] = tuple(zip(ends[::2], ends[1::2], strict=True))
    for path, ranges in stretches(rows, 0.3).items():
        for first, behind in ranges:
            assert any(low <= first and behind <= high for low, high in rows[path])


def test_a_sample_is_spread_over_all_files() -> None:
    rows = {f"file{number:02}": ((0, 1_000_000),) for number in range(20)}
    assert sorted(stretches(rows, 0.01)) == sorted(rows)
