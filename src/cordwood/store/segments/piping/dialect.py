"""The SQL of DuckDB."""

from collections.abc import Mapping, Sequence

from cordwood.model.event import MIN_TIMESTAMP_US
from cordwood.model.search.filters import Exists, Leaf
from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.asking.numbers import of_doubles, of_integers
from cordwood.store.segments.asking.quantities_sql import begins_as_quantity, number_of, number_text
from cordwood.store.segments.asking.value_tests import ValueTest, engine_regex, value_test
from cordwood.store.sql.value import Kind, Order, Value, is_there

_MOST_OF_EACH = 100
_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Duck:
    """See `store.sql.dialect.Dialect`."""

    types: Mapping[Kind, str] = {
        "whole": "BIGINT",
        "real": "DOUBLE",
        "time": "BIGINT",
        "text": "VARCHAR",
        "truth": "BOOLEAN",
        "items": "INTEGER",
    }
    fence = ""
    no_items = "[]"

    def __init__(self, values: Values) -> None:
        self._values = values

    def bind(self, value: str | float) -> str:
        return self._values.bind(value)

    def number_of(self, text: str) -> str:
        return f"CASE WHEN {begins_as_quantity(text)} THEN {self.finite(f'({number_of(text)})')} END"

    def whole_of(self, real: str) -> str:
        return f"CASE WHEN trunc({real}) = {real} THEN TRY_CAST({real} AS BIGINT) END"

    def text_of_real(self, real: str) -> str:
        return number_text(real)

    def text_of_time(self, time: str) -> str:
        return f"strftime(make_timestamp({time}), '%Y-%m-%dT%H:%M:%S.%fZ')"

    def seconds(self, time: str) -> str:
        return f"CAST({time} AS DOUBLE) / 1000000"

    def arithmetic(self, sign: str, left: str, right: str) -> str:
        if sign == "/":
            return f"CASE WHEN {right} <> 0 THEN {left} / {right} END"
        return f"{left} {sign} {right}"

    def finite(self, real: str) -> str:
        return f"nullif(nullif({real}, 'inf'::DOUBLE), '-inf'::DOUBLE)"

    def power_of_ten(self, digits: str) -> str:
        return f"CAST('1e' || CAST(CAST({digits} AS INTEGER) AS VARCHAR) AS DOUBLE)"

    def ordered(self, text: str) -> str:
        return text

    def unordered(self, ordered: str) -> str:
        return ordered

    def lower(self, text: str) -> str:
        return f"translate({text}, '{_UPPER}', '{_LOWER}')"

    def upper(self, text: str) -> str:
        return f"translate({text}, '{_LOWER}', '{_UPPER}')"

    def length(self, text: str) -> str:
        return f"CAST(length({text}) AS DOUBLE)"

    def part(self, text: str, start: str, length: str | None) -> str:
        def bounded(number: str) -> str:
            return f"CAST(least({number}, 4294967295) AS BIGINT)"

        further = "" if length is None else f", {bounded(length)}"
        return f"substring({text}, {bounded(start)}{further})"

    def replaced(self, text: str, old: str, new: str) -> str:
        return f"replace({text}, {old}, {new})"

    def contains(self, text: str, part: str) -> str:
        return f"contains({text}, {part})"

    def starts_with(self, text: str, part: str) -> str:
        return f"starts_with({text}, {part})"

    def ends_with(self, text: str, part: str) -> str:
        return f"ends_with({text}, {part})"

    def extracted(self, text: str, pattern: str, groups: Mapping[str, int], count: int) -> Mapping[str, str]:
        names = ", ".join(f"'g{number}'" for number in range(1, count + 1))
        found = f"regexp_extract({text}, {self.bind(engine_regex(pattern))}, [{names}])"
        return {name: f"nullif({found}['g{number}'], '')" for name, number in groups.items()}

    def holds(self, found: Leaf, value: Value) -> str:
        if isinstance(found, Exists):
            return is_there(value)
        test = value_test(found, self._values)
        ways = list[str | None]()
        if test.text is not None and value.text is not None:
            ways.append(test.text(value.text))
        if test.text is not None and value.time is not None:
            ways.append(f"list_transform([{self.text_of_time(value.time)}], lambda m: {test.text('m')})[1]")
        if test.number is not None and value.whole is not None:
            ways.append(test.number(of_integers(value.whole)))
        if test.number is not None and value.real is not None:
            ways.append(test.number(of_doubles(value.real)))
        if value.truth is not None:
            ways.append(test.truth(value.truth))
        if value.items is not None:
            ways.append(self._holds_for_one(test, value.items))
        asked = [way for way in ways if way is not None]
        return "(" + " OR ".join(f"({way}) IS TRUE" for way in asked) + ")" if asked else "false"

    def _holds_for_one(self, test: ValueTest, items: str) -> str:
        ways = [
            None if test.text is None else f"({test.text('i.text')}) IS TRUE",
            None if test.number is None else f"({test.number(of_integers('i.whole'))}) IS TRUE",
            None if test.number is None else f"({test.number(of_doubles('i.real'))}) IS TRUE",
            None if (truth := test.truth("i.truth")) is None else f"({truth}) IS TRUE",
        ]
        asked = " OR ".join(way for way in ways if way is not None) or "false"
        return f"len(list_filter({items}, lambda i: {asked})) > 0"

    def count_distinct(self, keys: Sequence[str], condition: str) -> str:
        there = " OR ".join(f"{key} IS NOT NULL" for key in keys)
        one = keys[0] if len(keys) == 1 else f"row({', '.join(keys)})"
        return f"count(DISTINCT {one}) FILTER (WHERE ({condition}) AND ({there}))"

    def total(self, real: str, condition: str) -> str:
        return self.finite(f"sum({real}) FILTER (WHERE {condition})")

    def average(self, real: str, condition: str) -> str:
        return self.finite(f"avg({real}) FILTER (WHERE {condition})")

    def percentile(self, real: str, percent: float, condition: str) -> str:
        return self.finite(f"quantile_cont({real}, {percent / 100!r}::DOUBLE) FILTER (WHERE {condition})")

    def at_end(self, parts: Mapping[Kind, str], order: Order, condition: str, *, is_last: bool) -> Mapping[Kind, str]:
        place = f"row({', '.join(term.sql for term in order)})"
        function = "arg_max" if is_last else "arg_min"
        value = "{" + ", ".join(f"'{kind}': {part}" for kind, part in parts.items()) + "}"
        found = f"{function}({value}, {place}) FILTER (WHERE {condition})"
        return {kind: f"({found})['{kind}']" for kind in parts}

    def items(self, parts: Mapping[Kind, str], order: Order, condition: str, most: int) -> str:
        # Structs are compared field by field, so what they are ordered by stands in front.
        keys = [f"'k{number}': {term.sql}" for number, term in enumerate(order)]
        every = [f"'{kind}': {parts.get(kind, f'NULL::{self.types[kind]}')}" for kind in self.types]
        found = f"list(DISTINCT {{{', '.join([*keys, *every])}}}) FILTER (WHERE {condition})"
        return f"coalesce(list_sort({found}, 'ASC', 'NULLS LAST')[1:{most:d}], [])"

    def span(self, time: str, span_us: int) -> str:
        # Divisions cut towards zero: counted from before the first moment, all are positive.
        before = -(MIN_TIMESTAMP_US // span_us)
        return f"(({time} + {before * span_us:d}) // {span_us:d} - {before:d}) * {span_us:d}"

    def first_of_each(self, rows: str, keys: Sequence[str], order: Order, most: int) -> str | None:
        if not keys or most > _MOST_OF_EACH or not order or not all(term.is_descending for term in order):
            return None
        # A window would sort all rows: twenty times the time.
        place = f"row({', '.join(term.sql for term in order)})"
        newest = f"arg_max(q, {place})" if most == 1 else f"unnest(arg_max(q, {place}, {most:d}))"
        return f"SELECT unnest(e) FROM (SELECT {newest} AS e FROM ({rows}) AS q GROUP BY {', '.join(keys)})"

    def mark(self, event_id: str) -> str:
        return f"md5({event_id})"
