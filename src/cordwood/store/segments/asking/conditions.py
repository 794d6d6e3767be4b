"""A filter → SQL over segments that keep events in the same way, with every value bound.

The SQL is true where the filter holds, and false or null elsewhere: the engine leaves out row groups only by plain
comparisons, and those are null where there is no value. What has to tell false from null, as NOT does, asks `IS TRUE`.

Where an event that is kept as text repeats a key, a field of that name is its first occurrence: the engine gives no
other. In any value (`*:`) all occurrences are looked at.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from cordwood.model.batch import batch_of
from cordwood.model.event import MESSAGE_NAMES
from cordwood.model.search.field import Field
from cordwood.model.search.filters import (
    And,
    Bound,
    Equals,
    Everything,
    Exists,
    Filter,
    Leaf,
    Not,
    Or,
    Regex,
    Time,
    Within,
    Words,
)
from cordwood.store.segments.asking.binding import Values, all_of, any_of, quoted_name
from cordwood.store.segments.asking.numbers import of_doubles, of_integers, of_json
from cordwood.store.segments.asking.places import (
    SCALARS,
    Kept,
    array_places,
    is_time,
    object_regex,
    pointer,
    pointers,
)
from cordwood.store.segments.asking.quantities_sql import number_text
from cordwood.store.segments.asking.value_tests import Needle, ValueTest, is_spelt_so, value_test

_ANYWHERE = "$..*"
_ELEMENTS = "$[*]"
_NUMBERS = "('BIGINT', 'UBIGINT', 'DOUBLE')"
_KIND, _TEXT = "e['t']", "e['x']"
"""Of a JSON value."""
ID_TEXT = "left(batch_id::VARCHAR, 28) || lower(lpad(to_hex(ordinal), 8, '0'))"
"""An event's id."""


def condition(found: Filter, kept: Kept, values: Values) -> str:
    """What is true of the rows that a filter holds for. `kept` tells of the columns that the filter looks at."""
    match found:
        case Everything():
            return "true"
        case And(parts=parts):
            return all_of(condition(part, kept, values) for part in parts)
        case Or(parts=parts):
            return any_of(condition(part, kept, values) for part in parts)
        case Not(part=part):
            return f"({condition(part, kept, values)}) IS NOT TRUE"
        case Words(field=None) | Regex(field=None):
            return _Fields(kept, values).anywhere(value_test(found, values))
        case _:
            return _of_field(found, kept, values)


def condition_on(found: Leaf, field: Field, kept: Kept, values: Values) -> str:
    """What is true of the rows in which the value of a field does what a filter asks of another, under whose name it
    goes now."""
    if not isinstance(found, Everything | Exists) and found.field == field:
        return condition(found, kept, values)
    fields, test = _Fields(kept, values), value_test(found, values)
    assert test.text is not None, "every filter may hold for a text"
    match field.derived:
        case None:
            return fields.hold(field.name, test)
        case "message":
            return fields.message(test)
        case "_id":
            return test.text(f"({ID_TEXT})")
        case "timestamp" | "_inserted_at":
            text = f"strftime({'ts' if field.derived == 'timestamp' else 'inserted_at'}, '%Y-%m-%dT%H:%M:%S.%fZ')"
            return f"list_transform([{text}], lambda x: {test.text('x')})[1]"
        case column:
            return test.text(column)


def message_of(kept: Kept, values: Values) -> str:
    """The message of each row; null where there is none."""
    return _first(_Fields(kept, values).messages())


def _of_field(found: Leaf, kept: Kept, values: Values) -> str:
    field = found.field if not isinstance(found, Everything) else None
    assert field is not None, "handled before"
    if is_time(field):
        return _of_time(found, field, values)
    fields = _Fields(kept, values)
    if isinstance(found, Exists):
        return fields.exist(field)
    if field.derived == "_id":
        return _of_id(found, values)
    test = value_test(found, values)
    match field.derived:
        case None:
            return fields.hold(field.name, test)
        case "message":
            return fields.message(test)
        case column:
            assert test.text is not None, "every filter may hold for a text"
            return test.text(column)


def _of_time(found: Leaf, field: Field, values: Values) -> str:
    if isinstance(found, Exists):
        return "true"
    assert isinstance(found, Within), "a time is compared"
    column = "ts" if field.derived == "timestamp" else "inserted_at"

    def end(sign: str, bound: Bound) -> str:
        assert isinstance(bound.value, Time), "with times"
        return f"{column} {sign}{'=' * bound.is_included} make_timestamptz({values.bind(bound.value.us)}::BIGINT)"

    return all_of(end(sign, bound) for sign, bound in ((">", found.low), ("<", found.high)) if bound is not None)


def _of_id(found: Leaf, values: Values) -> str:
    if not isinstance(found, Equals):
        test = value_test(found, values).text
        assert test is not None, "every filter may hold for a text"
        return test(f"({ID_TEXT})")
    try:
        event = UUID(found.text)
    except ValueError:
        return "false"
    if str(event) != found.text:
        return "false"
    batch_id, ordinal = batch_of(event)
    return f"(batch_id = {values.bind(str(batch_id))}::UUID AND ordinal = {values.bind(ordinal)})"


class _Fields:
    """Conditions on the values of fields, wherever events keep them."""

    def __init__(self, kept: Kept, values: Values) -> None:
        self._kept = kept
        self._values = values

    def hold(self, name: str, test: ValueTest) -> str:
        """Whether a field has a value that does what is asked."""
        ways = [self._typed(f"{name}:{kind}", test) for kind in SCALARS]
        arrays = [(column, places) for column, places in array_places(name) if column in self._kept.columns]
        ways += [self._json(quoted_name(column), self._places(column, places), test) for column, places in arrays]
        if (column := f"{name}:json") in self._kept.columns:
            ways.append(self._json(quoted_name(column), self._elements(quoted_name(column)), test))
        if self._kept.has_texts:
            raw = self._json("raw", self._places("raw", pointers(name)), test)
            ways.append(all_of([*self._names_in_raw(name), raw]))
        return any_of(way for way in ways if way is not None)

    def anywhere(self, test: ValueTest) -> str:
        """Whether any value at any depth does."""
        ways = [self._typed(column, test) for column in sorted(self._kept.columns)]
        jsons = [quoted_name(column) for column in sorted(self._kept.columns) if column.endswith(":json")]
        if self._kept.has_texts:
            jsons.append("raw")
        ways += [self._json(column, f"json_extract({column}, '{_ANYWHERE}')", test) for column in jsons]
        return any_of(way for way in ways if way is not None)

    def exist(self, field: Field) -> str:
        """Whether a field is there, and not null."""
        if field.derived == "_id":
            return "true"
        if field.derived == "message":
            return any_of(f"({text}) IS NOT NULL" for text in self.messages())
        if field.derived is not None:
            return f"{field.derived} IS NOT NULL"
        name, columns = field.name, self._kept.columns
        own = {f"{name}:{kind}" for kind in (*SCALARS, "json")}
        ways = [f"{quoted_name(column)} IS NOT NULL" for column in sorted(own & columns)]
        for column, places in array_places(name):
            if column in columns:
                ways += self._not_null(quoted_name(column), places)
        if self._kept.has_shapes:
            ways.append(self._is_object(name))
        if self._kept.has_texts:
            ways.append(all_of([*self._names_in_raw(name), any_of(self._not_null("raw", pointers(name)))]))
        return any_of(ways)

    def message(self, test: ValueTest) -> str:
        """Whether the message does."""
        assert test.text is not None, "every filter may hold for a text"
        # A column at a time: to put them together first costs a third of a search for a word.
        ways, before = list[str](), list[str]()
        for column in self._message_columns():
            name, is_text = quoted_name(column), column.endswith(":str")
            is_some = [f"{name} <> ''"] if is_text and test.is_of_empty else []
            ways.append(all_of([*before, test.text(name if is_text else _text_of_column(column)), *is_some]))
            before.append(f"({name} IS NULL OR {name} = '')" if is_text else f"{name} IS NULL")
        for text in self.messages()[1:]:
            # A number that is a message may have another spelling there.
            needle = test.needle if test.needle is not None and test.needle.is_of_texts else None
            spelt = ["raw IS NOT NULL"] if needle is None else self._spelt("raw", needle)
            ways.append(all_of([*spelt, f"list_transform([{text}], lambda x: {test.text('x')})[1]"]))
        return any_of(ways)

    def _typed(self, column: str, test: ValueTest) -> str | None:
        """What a column of texts, numbers or booleans says; None if none of its values will do."""
        if column not in self._kept.columns:
            return None
        name, kind = quoted_name(column), column.rpartition(":")[2]
        match kind:
            case "str":
                return None if test.text is None else test.text(name)
            case "int":
                return None if test.number is None else test.number(of_integers(name))
            case "float":
                return None if test.number is None else test.number(of_doubles(name))
            case "bool":
                return test.truth(name)
            case _:
                return None

    def _json(self, column: str, found: str, test: ValueTest) -> str:
        """Whether one of some JSON values out of a column does: `found` is a list of them."""
        ways = []
        if test.text is not None:
            ways.append(f"WHEN {_KIND} = 'VARCHAR' THEN {test.text(_TEXT)}")
        if test.number is not None:
            ways.append(f"WHEN {_KIND} IN {_NUMBERS} THEN {test.number(of_json(_KIND, _TEXT))}")
        if test.truths:
            names = ", ".join("'true'" if each else "'false'" for each in test.truths)
            ways.append(f"WHEN {_KIND} = 'BOOLEAN' THEN {_TEXT} IN ({names})")
        if not ways:
            return "false"
        scalars = f"list_transform({found}, lambda v: {{'t': json_type(v), 'x': json_extract_string(v, '$')}})"
        held = f"len(list_filter({scalars}, lambda e: CASE {' '.join(ways)} END)) > 0"
        return held if test.needle is None else all_of([*self._spelt(column, test.needle), held])

    def _spelt(self, column: str, needle: Needle) -> list[str]:
        """Whether JSON holds a text, as it is or with escapes."""
        return [any_of([needle.within(column, self._values), f"contains({column}, '\\u')"])]

    def _places(self, column: str, places: Sequence[str]) -> str:
        """The values at some places, and of arrays their elements, as a list."""
        name = column if column == "raw" else quoted_name(column)
        bound = [self._values.bind(place) for place in places]
        values = f"json_extract({name}, [{', '.join(bound)}])"
        return f"list_concat({', '.join([values, *(self._elements(f'json_extract({name}, {one})') for one in bound)])})"

    def _elements(self, array: str) -> str:
        return f"json_extract({array}, '{_ELEMENTS}')"

    def _not_null(self, column: str, places: Iterable[str]) -> list[str]:
        return [f"json_type({column}, {self._values.bind(place)}) <> 'NULL'" for place in places]

    def _names_in_raw(self, name: str) -> list[str]:
        """What an event that has a field must have in its text: the longest part of the name."""
        parts = [part for part in name.split(".") if not part.isdigit() and is_spelt_so(part)]
        if not parts:
            return []
        part = self._values.bind(max(parts, key=len))
        return [f"(contains(raw, {part}) OR contains(raw, '\\u'))"]

    def _is_object(self, name: str) -> str:
        """Whether a shape has an object there: also one that is empty, or has nothing but nulls."""
        last = self._values.bind(name.rpartition(".")[2] + '"')
        searched = f"regexp_matches(shape, {self._values.bind(object_regex(name))})"
        # Not by AND: below NOT the engine computes both sides for all rows.
        return f"CASE WHEN contains(shape, {last}) THEN {searched} ELSE false END"

    def messages(self) -> list[str]:
        """The message of events in columns, and of events kept as text if there are any; null if there is none."""
        found = [_first([_text_of_column(column) for column in self._message_columns()])]
        if self._kept.has_texts:
            found.append(_first([self._text_in_raw(name) for name in MESSAGE_NAMES]))
        return found

    def _message_columns(self) -> list[str]:
        """The columns that messages may be in, the one that counts first in front."""
        present = [f"{name}:{kind}" for name in MESSAGE_NAMES for kind in SCALARS]
        return [column for column in present if column in self._kept.columns]

    def _text_in_raw(self, name: str) -> str:
        place = self._values.bind(pointer([name]))
        number = of_json("m['t']", "m['x']").text
        return f"""list_transform([{{'t': json_type(raw, {place}), 'x': json_extract_string(raw, {place})}}],
            lambda m: CASE WHEN m['t'] = 'VARCHAR' THEN nullif(m['x'], '') WHEN m['t'] = 'BOOLEAN' THEN m['x']
            WHEN m['t'] IN {_NUMBERS} THEN {number} END)[1]"""


def _text_of_column(column: str) -> str:
    name = quoted_name(column)
    match column.rpartition(":")[2]:
        case "str":
            return f"nullif({name}, '')"
        case "float":
            return number_text(name)
        case _:
            return f"CAST({name} AS VARCHAR)"


def _first(texts: Sequence[str]) -> str:
    if not texts:
        return "NULL::VARCHAR"
    return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
