"""Events counted by time and value, a lot of segments after the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from uuid import UUID

from cordwood.language.match import Seen, matcher
from cordwood.model.search.filters import Filter
from cordwood.model.search.spans import HOUR_US
from cordwood.store.rollups import Group, Tally, is_of_pairs
from cordwood.store.segments.engine import Row
from cordwood.store.segments.rollup import Pair, counts_in


class Counted:
    """Add the rows of each lot; then take the counts. Holds `most` of them and those of one more lot."""

    def __init__(self, tally: Tally, most: int) -> None:
        self._tally = tally
        self._most = most
        self._counts: Counter[Group] = Counter()
        self.rolled_up = 0
        self.columns = ", ".join(["epoch_us(ts) AS at_us", *tally.fields])
        """What a source of events has to give."""
        self.values: dict[str, object] = {"most": most}
        if tally.span_us is not None:
            self.values["span_us"] = tally.span_us

    def is_full(self) -> bool:
        """There are as many counts as are wanted: what further lots have can only be left out."""
        return len(self._counts) >= self._most

    def of(self, source: str) -> str:
        """The counts of a source, as SQL. A remainder has the sign of what was divided: before 1970 too, a span
        begins at its earlier end."""
        start = "at_us - ((at_us % $span_us::BIGINT) + $span_us::BIGINT) % $span_us::BIGINT"
        given = ", ".join(["0" if self._tally.span_us is None else start, *self._tally.fields])
        return f"SELECT {given}, count(*) FROM ({source}) GROUP BY ALL LIMIT $most::BIGINT"

    def add(self, rows: Sequence[Row]) -> None:
        for start_us, *values, events in rows:
            self._counts[start_us, tuple(values)] += events

    def is_of_rollups(self, found: Filter) -> bool:
        """Whether rollups tell: spans of whole hours, and a filter that asks for values of level and service only."""
        return is_rolled(self._tally) and is_of_pairs(found)

    def add_rollups(self, rollups: Sequence[bytes], found: Filter) -> None:
        """Those of whole segments, as far as the filter holds."""
        places = [0 if name == "level" else 1 for name in self._tally.fields]
        holds = matcher(found)
        self._counts.update(
            counts_in(
                rollups,
                self._tally.span_us,
                lambda pair: tuple(pair[place] for place in places),
                lambda pair: holds(_event_of(pair)),
            )
        )
        self.rolled_up = self._counts.total()

    @property
    def counts(self) -> Mapping[Group, int]:
        """At most as many as are wanted."""
        return self._counts if len(self._counts) <= self._most else dict(islice(self._counts.items(), self._most))


def is_rolled(tally: Tally) -> bool:
    """Whether rollups have what it counts by: whole hours."""
    return (tally.span_us or HOUR_US) % HOUR_US == 0


def _event_of(pair: Pair) -> Seen:
    """One of which no more matters."""
    level, service = pair
    return Seen({}, event_id=_NO_ID, timestamp_us=0, inserted_at_us=0, level=level, service=service)


_NO_ID = UUID(int=0)
