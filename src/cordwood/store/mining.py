"""Texts of many events, a lot at a time → the table that `| patterns` makes."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from cordwood.patterns import Pattern, Patterns, merge, mine
from cordwood.store.sql.table import Table

_MOST_PARTS = 32


def mined(texts: pa.Array, times_us: pa.Array) -> Patterns:
    """The patterns of texts, with their times in µs since 1970 UTC; a null is no text. CPU-heavy: for threads, of which
    several go on at once."""
    found = mine(texts)
    rows = np.flatnonzero(found.numbers >= 0)
    numbers, times = found.numbers[rows], times_us.to_numpy(zero_copy_only=False)[rows]
    first = np.full(len(found.templates), np.iinfo(np.int64).max)
    last = np.full(len(found.templates), np.iinfo(np.int64).min)
    np.minimum.at(first, numbers, times)
    np.maximum.at(last, numbers, times)
    counted = zip(found.templates, found.counts.tolist(), first.tolist(), last.tolist(), strict=True)
    return tuple(Pattern(template, count, _name(since), _name(until)) for template, count, since, until in counted)


class Mined:
    """Keeps patterns, no texts."""

    def __init__(self) -> None:
        self._parts: list[Patterns] = []

    def add(self, part: Patterns) -> None:
        """Those of further texts."""
        self._parts.append(part)
        if len(self._parts) >= _MOST_PARTS:
            self._parts = [merge(self._parts).patterns]

    def table(self) -> Table:
        """The patterns, the most frequent first."""
        found: Sequence[Pattern] = merge(self._parts).patterns
        return Table(
            {
                "pattern": ("text", [each.template for each in found]),
                "count": ("whole", [each.count for each in found]),
                "first_seen": ("time", [_time(each.first) for each in found]),
                "last_seen": ("time", [_time(each.last) for each in found]),
                "pattern_id": ("text", [each.id for each in found]),
            }
        )


def _name(us: int) -> str:
    """A time as a text whose order is that of times."""
    return f"{us + (1 << 62):020d}"


def _time(name: str) -> int:
    return int(name) - (1 << 62)
