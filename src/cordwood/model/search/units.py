"""Units of time and of size, and those that the names of fields tell: the three evaluators use these tables."""

import re

NS = 1
US = 1_000
MS = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

DURATIONS = {
    "w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MS, "us": US, "µs": US, "μs": US, "ns": NS,
}  # fmt: skip
"""Unit of a duration → nanoseconds, from the longest to the shortest."""

SIZES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50,
}  # fmt: skip
"""Unit of a size → bytes."""

# The last word of a field's name: `took_ms`, `http.duration.ms`, `request-seconds`; or of its last word, `durationMs`.
_LAST_WORD = re.compile(r"(?:^|[._-]|(?<=[a-z0-9])(?=[A-Z]))([A-Z]+|[A-Z]?[a-z]+)$")
_DURATION_NAMES = {
    "ns": NS, "nanos": NS, "nanoseconds": NS, "us": US, "micros": US, "microseconds": US,
    "ms": MS, "msec": MS, "millis": MS, "milliseconds": MS, "s": SECOND, "sec": SECOND, "secs": SECOND,
    "seconds": SECOND, "min": MINUTE, "mins": MINUTE, "minutes": MINUTE, "hours": HOUR, "days": DAY,
}  # fmt: skip
_SIZE_NAMES = {
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip


def duration_unit(field: str) -> int | None:
    """The nanoseconds that a plain number in this field counts, or None when its name tells no unit."""
    return _DURATION_NAMES.get(_last_word(field))


def size_unit(field: str) -> int:
    """The bytes that a plain number in this field counts: 1, unless its name tells another unit."""
    return _SIZE_NAMES.get(_last_word(field), 1)


def _last_word(field: str) -> str:
    found = _LAST_WORD.search(field)
    return found[1].lower() if found else ""
