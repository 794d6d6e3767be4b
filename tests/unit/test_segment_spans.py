"""Segments cut along time."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.spans import Span, spans


def segment(min_us: int, max_us: int, events: int = 10, size_bytes: int = 440) -> Segment:
    return Segment(f"{min_us}-{max_us}", DEFAULT_TENANT, events, size_bytes, min_us, max_us)


def cut(segments: list[Segment], first: int, start: int | None = None, end: int | None = None) -> list[Span]:
    return list(spans(segments, start, end, first, 2, first * 4))


segments = st.lists(
    st.builds(
        lambda start, length, events: segment(start, start + length, events),
        st.integers(-(10**15), 10**15) | st.integers(-20, 20),
        st.integers(0, 10**12) | st.integers(0, 5),
        st.integers(1, 10**6),
    ),
    max_size=12,
)


@given(segments=segments, first=st.integers(50, 10**6), start=st.none() | st.integers(-30, 30))
def test_spans_are_the_whole_time_cut_up_and_hold_all_that_overlap(
    segments: list[Segment], first: int, start: int | None
) -> None:
    found = cut(segments, first, start)
    for newer, older in itertools.pairwise(found):
        assert newer.start_us == older.end_us
    for span in found:
        assert span.start_us < span.end_us
        overlapping = [each for each in segments if each.max_us >= span.start_us and each.min_us < span.end_us]
        assert list(span.segments) == overlapping
    for each in segments:
        if start is None or each.max_us >= start:
            assert found[0].end_us > each.max_us
            assert found[-1].start_us <= max(each.min_us, start if start is not None else each.min_us)


def test_one_after_the_other_are_opened_one_by_one() -> None:
    found = cut([segment(n * 100, n * 100 + 99) for n in range(20)], 10)
    assert [len(span.segments) for span in found] == [1, 2, 4, 4, 4, 4, 1]
    assert found[0].segments[0].min_us == 1900


def test_a_span_of_one_long_segment_is_a_part_of_its_time() -> None:
    (first, *_) = cut([segment(0, 999, 1000)], 100)
    assert (first.start_us, first.end_us) == (900, 1000)


def test_large_events_make_short_spans() -> None:
    (first, *_) = cut([segment(0, 999, 1000, 1000 * 64_000)], 1000)
    assert (first.start_us, first.end_us) == (999, 1000)


def test_the_ends_of_a_plan_are_kept() -> None:
    found = cut([segment(0, 99)], 10**6, 10, 20)
    assert [(span.start_us, span.end_us) for span in found] == [(10, 20)]
    assert cut([segment(0, 99)], 10, 200, 300) == []
    assert cut([], 10) == []
