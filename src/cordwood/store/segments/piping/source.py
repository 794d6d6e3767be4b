"""Events of segments as a relation: one SELECT for all that keep them in the same way."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from cordwood.model.plan import Plan
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import And, Exists, Filter, Leaf
from cordwood.store.segments.asking.binding import Values, quoted_name
from cordwood.store.segments.asking.conditions import ID_TEXT, condition, condition_on, message_of
from cordwood.store.segments.asking.places import Kept, array_places, pointers
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.sourcing import PLACE, Asked, Rows, Source, place_in
from cordwood.store.sql.rows import Names
from cordwood.store.sql.value import Kind, Order, Term, Value

_NO_FILES = """(SELECT NULL::TIMESTAMPTZ AS ts, NULL::UUID AS batch_id, NULL::UINTEGER AS ordinal,
    NULL::TIMESTAMPTZ AS inserted_at, NULL::VARCHAR AS level, NULL::VARCHAR AS service, NULL::VARCHAR AS shape,
    NULL::VARCHAR AS raw, NULL::VARCHAR AS filename, NULL::BIGINT AS file_row_number) AS nothing"""
_TYPES: Mapping[str, str] = {"whole": "BIGINT", "real": "DOUBLE", "text": "VARCHAR", "truth": "BOOLEAN"}
_COLUMN_KINDS: Mapping[str, Kind] = {"int": "whole", "float": "real", "str": "text", "bool": "truth"}
_NUMBERS = "('BIGINT', 'UBIGINT', 'DOUBLE')"

Make = Callable[[Kept], str]
"""A column, as SQL over segments that keep events so."""


class Events:
    """See `store.sql.dialect.Source`. Only what is asked for is read."""

    order: Order = (Term("ts", True), Term("batch_id", True), Term("ordinal", True))
    time = "at_us"
    event_id = "event_id"
    count = "count(*)"
    reference: Sequence[str] = PLACE

    def __init__(self, segments: Sequence[Segment], found: Filter, names: Names, values: Values) -> None:
        self._segments = segments
        self._filter = found
        self._names = names
        self._values = values
        self._columns: dict[str, Make] = {}
        self._further: list[Filter] = []
        self._known: dict[tuple[str, object, object], object] = {}
        self._every = frozenset[str]().union(*(segment.columns for segment in segments))
        self._has_texts = any(segment.has_texts for segment in segments)

    def value(self, field: Field) -> Value:
        key = ("value", field, None)
        if key not in self._known:
            self._known[key] = self._value(field)
        found = self._known[key]
        assert isinstance(found, Value)
        return found

    def is_there(self, field: Field) -> str:
        return self._test(("there", field, None), Exists(field), field)

    def holds(self, found: Leaf, field: Field | None) -> str:
        return self._test(("holds", found, field), found, field)

    def _test(self, key: tuple[str, object, object], found: Leaf, field: Field | None) -> str:
        if key not in self._known:
            asked = found if field is None else Exists(field)

            def make(kept: Kept) -> str:
                if field is None or isinstance(found, Exists):
                    sql = condition(found, kept, self._values)
                else:
                    sql = condition_on(found, field, kept, self._values)
                return f"({sql}) IS TRUE"

            self._known[key] = self._add(asked, make)
        name = self._known[key]
        assert isinstance(name, str)
        return name

    def _value(self, field: Field) -> Value:
        if field.derived in DERIVED_TIMES:
            column = "ts" if field.derived == "timestamp" else "inserted_at"
            return Value(time=self._add(Exists(field), lambda _: f"epoch_us({column})"))
        match field.derived:
            case "message":
                return Value(text=self._add(Exists(field), lambda kept: message_of(kept, self._values)))
            case "_id":
                return Value(text=self._add(Exists(field), lambda _: ID_TEXT))
            case None:
                return self._sent(field)
            case column:
                return Value(text=self._add(Exists(field), lambda _: column))

    def _sent(self, field: Field) -> Value:
        """A value of what was sent: in columns of its own, in an array, or in the text of an event."""
        own = {kind: f"{field.name}:{ending}" for ending, kind in _COLUMN_KINDS.items()}
        is_json = self._has_texts or any(column in self._every for column, _ in array_places(field.name))
        parts: dict[Kind, str] = {}
        for kind, column in own.items():
            if column in self._every or is_json:
                parts[kind] = self._add(Exists(field), _part(field, kind, column, self._values))
        return Value(**parts)

    def _add(self, asked: Filter, make: Make) -> str:
        name = self._names.new()
        self._columns[name] = make
        self._further.append(asked)
        return name

    def relation(self, root: Path, segments: Sequence[Segment], plan: Plan, rows: Mapping[str, Rows]) -> Asked:
        """What matches a plan in some of the segments; of those in `rows`, these rows are enough."""
        if not segments:
            return f"SELECT {self._selected(Kept(frozenset(), False, False))} FROM {_NO_FILES} WHERE false", {}
        asked = And((self._filter, *self._further))
        return Source(root, replace(plan, after=None), rows).selected(segments, asked, self._selected)

    def _selected(self, how: Kept) -> str:
        columns = [f"{make(how)} AS {name}" for name, make in self._columns.items()]
        always = ["ts", "batch_id", "ordinal", *place_in(how)]
        return ", ".join([*always, f"epoch_us(ts) AS {self.time}", f"{ID_TEXT} AS {self.event_id}", *columns])


def _part(field: Field, kind: Kind, column: str, values: Values) -> Make:
    def make(kept: Kept) -> str:
        ways = [quoted_name(column)] if column in kept.columns else []
        ways += [
            _of_json(quoted_name(array), places, kind, values)
            for array, places in array_places(field.name)
            if array in kept.columns
        ]
        if kept.has_texts:
            ways.append(_of_json("raw", pointers(field.name), kind, values))
        if not ways:
            return f"NULL::{_TYPES[kind]}"
        return ways[0] if len(ways) == 1 else f"coalesce({', '.join(ways)})"

    return make


def _of_json(column: str, places: Sequence[str], kind: Kind, values: Values) -> str:
    """A part of the first value that is not null at some places of the JSON in a column."""
    bound = ", ".join(values.bind(place) for place in places)
    scalar = "{'t': json_type(v), 'x': json_extract_string(v, '$')}"
    found = f"list_transform(json_extract({column}, [{bound}]), lambda v: {scalar})"
    first = f"list_filter({found}, lambda v: v['t'] <> 'NULL')[1]"
    match kind:
        case "text":
            part = "CASE WHEN j['t'] = 'VARCHAR' THEN j['x'] END"
        case "truth":
            part = "CASE WHEN j['t'] = 'BOOLEAN' THEN j['x'] = 'true' END"
        case "whole":
            part = f"CASE WHEN j['t'] IN {_NUMBERS} AND j['t'] <> 'DOUBLE' THEN TRY_CAST(j['x'] AS BIGINT) END"
        case _:
            part = f"""CASE WHEN j['t'] = 'DOUBLE' OR j['t'] IN {_NUMBERS} AND TRY_CAST(j['x'] AS BIGINT) IS NULL
                THEN nullif(nullif(TRY_CAST(j['x'] AS DOUBLE), 'inf'::DOUBLE), '-inf'::DOUBLE) END"""
    return f"CASE WHEN {column} IS NOT NULL THEN list_transform([{first}], lambda j: {part})[1] END"
