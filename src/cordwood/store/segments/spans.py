"""Segments cut along time, newest first, so that an answer needs one span at a time and can stop early."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from cordwood.store.segments.catalog_entries import Segment

_PACKED_BYTES = 64
"""Large events weigh more: an ordinary one takes fewer bytes than this in a segment."""


def events_of(size_bytes: int) -> int:
    """How many events segments of this size are taken for."""
    return max(1, size_bytes // _PACKED_BYTES)


class Span(Struct, frozen=True):
    """The segments that may hold events with start ≤ timestamp < end, µs."""

    start_us: int
    end_us: int
    segments: Sequence[Segment]


def spans(
    segments: Sequence[Segment], start_us: int | None, end_us: int | None, first: int, growth: int, most: int
) -> Iterator[Span]:
    """Cut [start, end) into spans, newest first, of about `first` events, then `growth` times as many, up to `most`.

    How many events a span has is a guess: those of a segment are taken as evenly spread over its time. Together the
    spans cover every event of the segments in [start, end), each once.
    """
    at = max((segment.max_us + 1 for segment in segments), default=0)
    bottom = min((segment.min_us for segment in segments), default=0)
    at = at if end_us is None else min(at, end_us)
    bottom = bottom if start_us is None else max(bottom, start_us)
    wanted, left = first, list(segments)
    while at > bottom:
        cut = max(bottom, _cut(left, at, wanted))
        yield Span(cut, at, [segment for segment in left if segment.max_us >= cut and segment.min_us < at])
        at, wanted = cut, min(wanted * growth, most)
        left = [segment for segment in left if segment.min_us < at]


def _cut(segments: Sequence[Segment], at: int, wanted: int) -> int:
    """The latest time before `at` such that about `wanted` events lie between."""
    changes: list[tuple[int, float]] = []
    for segment in segments:
        density = max(segment.events, segment.size_bytes // _PACKED_BYTES) / (segment.max_us + 1 - segment.min_us)
        if segment.min_us < at:
            changes += [(min(segment.max_us + 1, at), density), (segment.min_us, -density)]
    changes.sort(reverse=True)
    density, gathered, above = 0.0, 0.0, at
    for below, change in changes:
        more = density * (above - below)
        if gathered + more >= wanted:
            return max(below, min(at - 1, above - int((wanted - gathered) / density)))
        gathered += more
        density += change
        above = below
    return min(at - 1, above)
