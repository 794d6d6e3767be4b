"""Events counted by time and value, a lot of segments after the other."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from cordwood.model.histogram import By, Histogram, SpanCount, in_order
from cordwood.model.search.filters import And, Equals, Everything, Filter, Not, Or
from cordwood.model.search.spans import HOUR_US
from cordwood.store.segments.engine import Row
from cordwood.store.segments.rollup import Pair, counts_in


class Counted:
    """Add the rows of each lot; then take the counts. Holds `most` of them and those of one more lot."""

    def __init__(self, span_us: int, by: By | None, most: int) -> None:
        self._span_us = span_us
        self._by = by
        self._most = most
        self._rolled_up = 0
        self._counts: Counter[tuple[int, str | None]] = Counter()
        self.columns = f"epoch_us(ts) AS at_us, {'NULL::VARCHAR' if by is None else by} AS value"
        """What a source of events has to give."""
        self.values: dict[str, object] = {"span_us": span_us, "most": most}

    def is_full(self) -> bool:
        """There are as many counts as are wanted: what further lots have can only be left out."""
        return len(self._counts) >= self._most

    def of(self, source: str) -> str:
        """The counts of a source, as SQL. A remainder has the sign of what was divided: before 1970 too, a span
        begins at its earlier end."""
        return f"""
            SELECT at_us - ((at_us % $span_us::BIGINT) + $span_us::BIGINT) % $span_us::BIGINT AS start_us, value,
                count(*) AS n
            FROM ({source}) GROUP BY ALL LIMIT $most::BIGINT
        """

    def add(self, rows: Sequence[Row]) -> None:
        for start_us, value, events in rows:
            self._counts[start_us, value] += events

    def is_of_rollups(self, found: Filter) -> bool:
        """Whether rollups tell: spans of whole hours, and a filter that asks for values of level and service only."""
        return self._span_us % HOUR_US == 0 and _is_of_pairs(found)

    def add_rollups(self, rollups: Sequence[bytes], found: Filter) -> None:
        """Those of whole segments, as far as the filter holds."""
        place = 1 if self._by == "service" else 0
        self._counts.update(
            counts_in(
                rollups,
                self._span_us,
                lambda pair: pair[place] if self._by else None,
                lambda pair: _holds(found, pair),
            )
        )
        self._rolled_up = self._counts.total()

    def histogram(self) -> Histogram:
        first = islice(self._counts.items(), self._most)
        counts = in_order(SpanCount(start_us, value, events) for (start_us, value), events in first)
        return Histogram(counts, self._rolled_up)


def _is_of_pairs(found: Filter) -> bool:
    match found:
        case Everything():
            return True
        case Equals(field=field):
            return field.derived in ("level", "service")
        case Not(part=part):
            return _is_of_pairs(part)
        case And(parts=parts) | Or(parts=parts):
            return all(map(_is_of_pairs, parts))
    return False


def _holds(found: Filter, pair: Pair) -> bool:
    """Whether a filter that `_is_of_pairs` holds for events with this level and service."""
    match found:
        case Equals(field=field, text=text):
            return text == (pair[0] if field.derived == "level" else pair[1])
        case Not(part=part):
            return not _holds(part, pair)
        case And(parts=parts):
            return all(_holds(part, pair) for part in parts)
        case Or(parts=parts):
            return any(_holds(part, pair) for part in parts)
    assert found == Everything(), "others are looked for in events"
    return True
