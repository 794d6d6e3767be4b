"""A plan's conditions as DuckDB SQL over segments that keep events in the same way, with every value bound."""

from collections.abc import Sequence

from cordwood.model.batch import batch_of
from cordwood.model.plan import Position
from cordwood.model.search.filters import Filter
from cordwood.store.segments.asking.binding import Values, any_of
from cordwood.store.segments.asking.conditions import condition
from cordwood.store.segments.asking.places import Kept


class Conditions:
    """Conditions joined by AND, and their values."""

    def __init__(self, name: str = "v") -> None:
        """`name` begins those of the values, for a statement that has several such conditions."""
        self._all: list[str] = []
        self._compared = Values(name)
        self._others: dict[str, object] = {}

    @property
    def values(self) -> dict[str, object]:
        return self._others | self._compared.bound

    @property
    def where(self) -> str:
        return "WHERE " + " AND ".join(self._all) if self._all else ""

    def between(self, start_us: int | None, end_us: int | None) -> None:
        """start ≤ timestamp < end."""
        if start_us is not None:
            self._all.append("ts >= make_timestamptz($start::BIGINT)")
            self._others["start"] = start_us
        if end_us is not None:
            self._all.append("ts < make_timestamptz($end::BIGINT)")
            self._others["end"] = end_us

    def of_rows(self, ranges: Sequence[tuple[int, int]]) -> None:
        """first ≤ row of the file < behind, for one of the ranges. Their numbers stand in the text: the engine leaves
        out row groups by constants only."""
        within = (f"file_row_number BETWEEN {first:d} AND {behind - 1:d}" for first, behind in ranges)
        self._all.append(any_of(within))

    def matching(self, found: Filter, kept: Kept) -> None:
        """What a filter holds for, in segments that keep it so."""
        self._all.append(condition(found, kept, self._compared))

    def behind(self, position: Position) -> None:
        """After a position in the newest-first order."""
        batch_id, ordinal = batch_of(position.id)
        self._others |= {"at": position.timestamp_us, "at_batch": str(batch_id), "at_ordinal": ordinal}
        self._all.append("""(ts < make_timestamptz($at::BIGINT) OR (ts = make_timestamptz($at::BIGINT)
            AND (batch_id < $at_batch::UUID OR (batch_id = $at_batch::UUID AND ordinal < $at_ordinal))))""")
