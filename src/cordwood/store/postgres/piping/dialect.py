"""The SQL of PostgreSQL. Texts are as rows keep them: NUL, and the sentinel itself, are two characters (`jsonb.py`)."""

from collections.abc import Mapping, Sequence

from cordwood.model.event import MIN_TIMESTAMP_US
from cordwood.model.search.filters import Exists, Leaf
from cordwood.store.postgres.filters.checks import check_of
from cordwood.store.postgres.filters.condition import held_by, moment_text
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import SENTINEL, escaped_text
from cordwood.store.sql.value import Kind, Order, Value, is_there, order_by

_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOST_INTEGER = (1 << 31) - 1
_FACTOR = f"{2.0**200!r}::float8"
"""See `cordwood_total` in migrations/0010_pipes.sql."""
_POWERS = ", ".join(f"1e{digits}" for digits in range(16))
# A place as a text that is ordered as it is: digits of µs since the year 1, and the id; behind it a kind, and a value.
_PLACE = f"lpad(((extract(epoch FROM ts) * 1000000)::bigint - {MIN_TIMESTAMP_US})::text, 18, '0') || id::text"
_PLACE_LENGTH = 18 + 36


class Postgres:
    """See `store.sql.dialect.Dialect`."""

    types: Mapping[Kind, str] = {
        "whole": "bigint",
        "real": "float8",
        "time": "timestamptz",
        "text": "text",
        "truth": "boolean",
        "items": "jsonb",
    }
    # Subqueries that are pulled up have their columns computed wherever these are named.
    fence = "OFFSET 0"
    no_items = "'[]'::jsonb"

    def __init__(self, values: Values) -> None:
        self._values = values

    def bind(self, value: str | float) -> str:
        if isinstance(value, str):
            return self._values.bound(escaped_text(value), "text")
        return self._values.bound(float(value), "float8")

    def number_of(self, text: str) -> str:
        # What begins otherwise is none, and needs no regular expression to tell.
        begins = f"""{text} COLLATE "C" >= '+' AND {text} COLLATE "C" < ':'"""
        return f"CASE WHEN {begins} THEN {self.finite(f'cordwood_number({text})')} END"

    def whole_of(self, real: str) -> str:
        is_whole = f"trunc({real}) = {real} AND {real} >= -9223372036854775808 AND {real} < 9223372036854775808"
        return f"CASE WHEN {is_whole} THEN {real}::bigint END"

    def text_of_real(self, real: str) -> str:
        return f"cordwood_spelled({real})"

    def text_of_time(self, time: str) -> str:
        return moment_text(time)

    def seconds(self, time: str) -> str:
        return f"extract(epoch FROM {time})::float8"

    def arithmetic(self, sign: str, left: str, right: str) -> str:
        match sign:
            case "+":
                return f"cordwood_sum({left}, {right})"
            case "-":
                return f"cordwood_sum({left}, -{right})"
            case "*":
                return f"cordwood_product({left}, {right})"
            case _:
                return f"cordwood_quotient({left}, {right})"

    def finite(self, real: str) -> str:
        return f"nullif(nullif({real}, 'Infinity'), '-Infinity')"

    def power_of_ten(self, digits: str) -> str:
        return f"(ARRAY[{_POWERS}]::float8[])[{digits}::integer + 1]"

    def ordered(self, text: str) -> str:
        return f'cordwood_order({text}) COLLATE "C"'

    def unordered(self, ordered: str) -> str:
        return f"cordwood_unordered({ordered})"

    def lower(self, text: str) -> str:
        return f"translate({text}, '{_UPPER}', '{_LOWER}')"

    def upper(self, text: str) -> str:
        return f"translate({text}, '{_LOWER}', '{_UPPER}')"

    def length(self, text: str) -> str:
        return f"length(replace({text}, '{SENTINEL}', ''))::float8"

    def part(self, text: str, start: str, length: str | None) -> str:
        counts = [f"least({number}, {_MOST_INTEGER})::integer" for number in (start, length or str(_MOST_INTEGER))]
        arguments = ", ".join([text, *counts])
        return f"CASE WHEN {_is_plain(text)} THEN substr({arguments}) ELSE cordwood_part({arguments}) END"

    def replaced(self, text: str, old: str, new: str) -> str:
        aligned = ", ".join(map(_aligned, (text, old, new)))
        plainly = f"replace({text}, {old}, {new})"
        return f"CASE WHEN {_is_plain(text)} THEN {plainly} ELSE cordwood_unaligned(replace({aligned})) END"

    def contains(self, text: str, part: str) -> str:
        aligned = f"strpos({_aligned(text)}, {_aligned(part)})"
        return f"CASE WHEN {_is_plain(text)} THEN strpos({text}, {part}) > 0 ELSE {aligned} > 0 END"

    def starts_with(self, text: str, part: str) -> str:
        return f"starts_with({text}, {part})"

    def ends_with(self, text: str, part: str) -> str:
        return f"right({_aligned(text)}, length({part})) = {_aligned(part)}"

    def extracted(self, text: str, pattern: str, groups: Mapping[str, int], count: int) -> Mapping[str, str]:
        raise AssertionError("PostgreSQL's expressions find other parts than RE2's: see `handing`")

    def holds(self, found: Leaf, value: Value) -> str:
        if isinstance(found, Exists):
            return is_there(value)
        texts = (value.text, None if value.time is None else moment_text(value.time))
        ways = [f"({check_of(found, text).of_text(self._values)}) IS TRUE" for text in texts if text is not None]
        others = ", ".join(json for kind, part in value.parts.items() if (json := _json_of(kind, part)) is not None)
        if others:
            ways.append(f"({held_by(found, f'coalesce({others})', self._values)})")
        return "(" + " OR ".join(ways) + ")" if ways else "false"

    def count_distinct(self, keys: Sequence[str], condition: str) -> str:
        # Of the keys of a value at most one is not null.
        return " + ".join(f"count(DISTINCT {key}) FILTER (WHERE {condition})" for key in keys)

    def total(self, real: str, condition: str) -> str:
        small = f"sum({real}) FILTER (WHERE abs({real}) < 1e290 AND {condition})"
        great = f"sum({real} / {_FACTOR}) FILTER (WHERE abs({real}) >= 1e290 AND {condition})"
        return f"cordwood_total({small}, {great})"

    def average(self, real: str, condition: str) -> str:
        count = f"count({real}) FILTER (WHERE {condition})"
        return f"cordwood_quotient({self.total(real, condition)}, {count}::float8)"

    def percentile(self, real: str, percent: float, condition: str) -> str:
        found = f"percentile_cont({percent / 100!r}::float8) WITHIN GROUP (ORDER BY {real}) FILTER (WHERE {condition})"
        return self.finite(found)

    def at_end(self, parts: Mapping[Kind, str], order: Order, condition: str, *, is_last: bool) -> Mapping[Kind, str]:
        """One text for all, as of `max`: a list of all values, ordered, would take memory for each."""
        value = " ".join(f"WHEN {part} IS NOT NULL THEN '{kind[0:2]}' || {part}::text" for kind, part in parts.items())
        text = f'({_PLACE} || CASE {value} END) COLLATE "C"'
        found = f"{'max' if is_last else 'min'}({text}) FILTER (WHERE {condition})"
        begin = _PLACE_LENGTH + 1
        return {
            kind: f"CASE WHEN substr({found}, {begin}, 2) = '{kind[0:2]}' "
            f"THEN substr({found}, {begin + 2})::{self.types[kind]} END"
            for kind in parts
        }

    def items(self, parts: Mapping[Kind, str], order: Order, condition: str, most: int) -> str:
        ways = [
            _json_of(kind, part) or f"to_jsonb({moment_text(part) if kind == 'time' else part})"
            for kind, part in parts.items()
        ]
        # The aggregate leaves out what is equal to the one before it.
        return f"cordwood_hundred(coalesce({', '.join(ways)}) {order_by(order)}) FILTER (WHERE {condition})"

    def first_of_each(self, rows: str, keys: Sequence[str], order: Order, most: int) -> str | None:
        return None  # all that PostgreSQL has sorts all rows, too

    def span(self, time: str, span_us: int) -> str:
        # Before its origin, date_bin of PostgreSQL 15 and before is one span off for the first moment of a span.
        origin_us = -(-MIN_TIMESTAMP_US // span_us + 1) * span_us
        origin = self._values.bound(origin_us, "timestamptz")
        return f"date_bin('{span_us:d} microseconds'::interval, {time}, {origin})"

    def mark(self, event_id: str) -> str:
        return f'md5({event_id}) COLLATE "C"'


def _json_of(kind: Kind, part: str) -> str | None:
    """What is no text, as a jsonb like those of events."""
    match kind:
        case "whole" | "truth":
            return f"to_jsonb({part})"
        case "real":
            return f"cordwood_json({part})"
        case "items":
            return part
        case "time" | "text":
            return None


def _is_plain(text: str) -> str:
    """Whether each character stands for itself."""
    return f"strpos({text}, '{SENTINEL}') = 0"


def _aligned(text: str) -> str:
    """Nothing that is looked for in this begins within what stands for one character."""
    return f"cordwood_aligned({text})"
