"""Counts over time: what a histogram is made of."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

By = Literal["level", "service"]


class SpanCount(Struct, frozen=True):
    """How many events of one span of time have one value. `start_us` is a multiple of the span, µs since 1970 UTC."""

    start_us: int
    value: str | None
    """Of what is counted by; None: the events that have none, and all of them where nothing is."""
    count: int


class Histogram(Struct, frozen=True):
    """Counts in the order of `in_order`, and how many of the events were counted as they were stored, not looked at."""

    counts: Sequence[SpanCount]
    rolled_up: int = 0


def in_order(counts: Iterable[SpanCount]) -> list[SpanCount]:
    """By time, then value by code points, events without one last."""
    return sorted(counts, key=lambda each: (each.start_us, each.value is None, each.value or ""))
