"""A plan's conditions as DuckDB SQL over segments with the same columns, with every value bound.

Where an event that is kept as text repeats a key, a condition sees the first occurrence only: the engine gives no
other.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from cordwood.model.batch import batch_of
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, Position, paths

# What JSON may spell with an escape other than \u (RFC 8259 §7).
_ESCAPED = re.compile(r'["\\/\x00-\x1f]')
# What JSON calls a number (RFC 8259 §6), also with a plus sign or leading zeros.
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_WHOLE = 1 << 53
"""Below it, equal as doubles and equal as whole numbers are the same."""


def is_number(text: str) -> bool:
    """Whether a text spells a number, which then equals numbers by value."""
    return _NUMBER.fullmatch(text) is not None


def pointer(keys: Iterable[str]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def columns_asked(plan: Plan, columns: frozenset[str]) -> frozenset[str]:
    """Those of a segment's columns that a plan's conditions look at."""
    asked = {name for equals in plan.filters for name in columns_of(equals.field)}
    return columns & asked


def columns_of(field: str) -> list[str]:
    """The columns that can say something of a field: its own, and arrays that it may lead into."""
    segments = field.split(".")
    heads = (".".join(segments[:length]) for length in range(1, len(segments)))
    own = [f"{field}:{kind}" for kind in ("str", "int", "float", "bool")]
    return [*own, *(f"{head}:json" for head in heads)]


class Conditions:
    """Conditions joined by AND, and their values."""

    def __init__(self) -> None:
        self._all: list[str] = []
        self.values: dict[str, object] = {}

    @property
    def where(self) -> str:
        return "WHERE " + " AND ".join(self._all) if self._all else ""

    def between(self, start_us: int | None, end_us: int | None) -> None:
        """start ≤ timestamp < end."""
        if start_us is not None:
            self._all.append("ts >= make_timestamptz($start::BIGINT)")
            self.values["start"] = start_us
        if end_us is not None:
            self._all.append("ts < make_timestamptz($end::BIGINT)")
            self.values["end"] = end_us

    def of_rows(self, ranges: Sequence[tuple[int, int]]) -> None:
        """first ≤ row of the file < behind, for one of the ranges. Their numbers stand in the text: the engine leaves
        out row groups by constants only."""
        within = (f"file_row_number BETWEEN {first:d} AND {behind - 1:d}" for first, behind in ranges)
        self._all.append(_any(within))

    def of_event(self, batch_id: UUID, ordinal: int) -> None:
        """The event at `ordinal` in a batch."""
        self._all.append("batch_id = $batch::UUID AND ordinal = $ordinal")
        self.values |= {"batch": str(batch_id), "ordinal": ordinal}

    def matching(self, plan: Plan, columns: frozenset[str], *, has_texts: bool) -> None:
        """The filters of a plan, on segments with these columns; `has_texts`: some events are kept as text."""
        for number, equals in enumerate(plan.filters):
            self._all.append(_equals(equals, number, columns, self.values, has_texts=has_texts))

    def behind(self, position: Position) -> None:
        """After a position in the newest-first order."""
        batch_id, ordinal = batch_of(position.id)
        self.values |= {"at": position.timestamp_us, "at_batch": str(batch_id), "at_ordinal": ordinal}
        self._all.append("""(ts < make_timestamptz($at::BIGINT) OR (ts = make_timestamptz($at::BIGINT)
            AND (batch_id < $at_batch::UUID OR (batch_id = $at_batch::UUID AND ordinal < $at_ordinal))))""")


def _equals(equals: Equals, number: int, columns: frozenset[str], values: dict[str, object], *, has_texts: bool) -> str:
    if equals.field in DERIVED_FIELDS:
        values[f"text{number}"] = equals.text
        return f"{equals.field} = $text{number}"
    ways = [_typed(equals, number, name, values) for name in columns_of(equals.field) if name in columns]
    if has_texts:
        ways.append(_within("raw", paths(equals.field), f"{number}", equals.text, values))
    possible = [way for way in ways if way is not None]
    return _any(possible) if possible else "false"


def _typed(equals: Equals, number: int, name: str, values: dict[str, object]) -> str | None:
    """What a column of a field says; None when it cannot hold the value."""
    path, _, kind = name.rpartition(":")
    column = quoted_name(name)
    text, has_number = equals.text, is_number(equals.text)
    match kind:
        case "str":
            values[f"text{number}"] = text
            return f"{column} = $text{number}"
        case "int" if has_number:
            wanted = float(text)
            values[f"whole{number}"] = int(wanted) if wanted.is_integer() and abs(wanted) < _MAX_WHOLE else wanted
            return f"{column} = $whole{number}"
        case "float" if has_number:
            values[f"number{number}"] = float(text)
            return f"{column} = $number{number}"
        case "bool" if text in ("true", "false"):
            return column if text == "true" else f"NOT {column}"
        case "json":
            rest = equals.field.removeprefix(f"{path}.")
            return _within(column, paths(rest), f"{number}_{path.count('.')}", text, values)
    return None


def quoted_name(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _within(column: str, ways: list[tuple[str, ...]], number: str, text: str, values: dict[str, object]) -> str:
    """Whether the JSON in a column has the value at one of some places."""
    values[f"text{number}"] = text
    places = []
    for way, keys in enumerate(ways):
        place = f"path{number}_{way}"
        values[place] = pointer(keys)
        places.append(f"${place}")
    if is_number(text):
        values[f"number{number}"] = float(text)
        return _any(_equals_number(column, place, number) for place in places)
    found = _any(_equals_text(column, place, number, text) for place in places)
    # A search through bytes costs a tenth of a look into an event, and leaves few to look into.
    return found if _ESCAPED.search(text) else f"({_any(_spells(column, number))} AND {found})"


def _spells(column: str, number: str) -> list[str]:
    """Whether an event can spell a text at all: as it is, or with escapes."""
    return [f"contains({column}, $text{number})", f"contains({column}, '\\u')"]


def _equals_text(column: str, place: str, number: str, text: str) -> str:
    same = f"json_extract_string({column}, {place}) = $text{number}"
    if not text.startswith(("{", "[")):
        return same
    # The engine gives containers as text; no container equals a text.
    return f"({same} AND json_type({column}, {place}) = 'VARCHAR')"


def _equals_number(column: str, place: str, number: str) -> str:
    """The first comparison leaves few events for the exact ones."""
    found = f"json_extract_string({column}, {place})"
    is_number = f"json_type({column}, {place}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
    return f"(TRY_CAST({found} AS DOUBLE) = $number{number} AND ({found} = $text{number} OR {is_number}))"


def _any(conditions: Iterable[str]) -> str:
    return "(" + " OR ".join(conditions) + ")"
