"""Spans: time cut into equal pieces, counted from 1970 UTC."""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_ROUND = (
    SECOND_US, 5 * SECOND_US, 10 * SECOND_US, 30 * SECOND_US, MINUTE_US, 5 * MINUTE_US, 10 * MINUTE_US, 30 * MINUTE_US,
    HOUR_US, 3 * HOUR_US, 6 * HOUR_US, 12 * HOUR_US, DAY_US, 7 * DAY_US, 30 * DAY_US,
)  # fmt: skip
_MOST = 120


def start_of(timestamp_us: int, span_us: int) -> int:
    """When the span that holds a moment begins; before 1970 too."""
    return timestamp_us // span_us * span_us


def fitting(start_us: int | None, end_us: int | None) -> int:
    """The shortest round span of which at most 120 fit into a time range; an hour for a range without an end."""
    if start_us is None or end_us is None:
        return HOUR_US
    return next((span for span in _ROUND if (end_us - start_us) <= span * _MOST), _ROUND[-1])
