"""Slices: a tenant's hours, each with a version that every write into it raises. The cache's keys hold versions."""

from collections.abc import Iterable

HOUR_US = 3_600_000_000
_FAR_US = 400 * 24 * HOUR_US
FAR_SLICE = -(1 << 62)
"""The one slice of all timestamps far from now, so that no input makes slices without bound."""


def slice_of(timestamp_us: int, now_us: int) -> int:
    """The slice that an event counts for: its hour since 1970, or the far slice."""
    return timestamp_us // HOUR_US if abs(timestamp_us - now_us) < _FAR_US else FAR_SLICE


def slices_of(hours: Iterable[int], now_us: int) -> set[int]:
    """The slices of events in these hours since 1970. An hour that is only partly far counts for both."""
    ends = (moment for hour in hours for moment in (hour * HOUR_US, (hour + 1) * HOUR_US - 1))
    return {slice_of(moment, now_us) for moment in ends}


def hours(start_us: int | None, end_us: int | None) -> tuple[int | None, int | None]:
    """The first and last hour that start ≤ timestamp < end touches; None where it is open."""
    return (None if start_us is None else start_us // HOUR_US, None if end_us is None else end_us // HOUR_US)
