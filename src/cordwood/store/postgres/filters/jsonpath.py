"""SQL/JSON paths: what they find in an event, as text. The whole path is a bound value.

All paths are strict: a step into what has no such member is an error, which makes a condition within `?` unknown and so
not true. A number that jsonb cannot hold stands as an object in its place (`jsonb.py`).
"""

import re
from decimal import Decimal

import msgspec

from cordwood.model.plan import paths
from cordwood.store.postgres.filters.rounding import rounding_to
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import NUMBER, SENTINEL, double_text, escaped_text

_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
# What PostgreSQL takes for an array's index beside these: an array has no such keys.
_NO_INDEX = re.compile(r"\s+\d+|\s*[+-]\d+|0\d+", re.ASCII)


def literal(kept: str) -> str:
    """A text as it is kept, as a path spells it."""
    return msgspec.json.encode(kept).decode()


KEPT_NUMBER = f"@.{literal(NUMBER)}"
IS_KEPT_NUMBER = f"exists({KEPT_NUMBER})"
IS_NUMBER = f'@.type() == "number" || {IS_KEPT_NUMBER}'
IS_TEXT = '@.type() == "string"'
_SPREAD = f' ? (@.type() != "object" || {IS_KEPT_NUMBER}).**{{0 to 1}}'
"""A value, and the elements of an array; the members of an object are not its own."""
HOLDS_KEPT_NUMBER = f"strict $.** ? ({IS_KEPT_NUMBER})"


def equals_text(text: str) -> str:
    return f"@ == {literal(escaped_text(text))}"


def finds(regex: str) -> str:
    """A text in which an expression of PostgreSQL is found. The flag: a bracket may hold a line feed."""
    return f'@ like_regex {literal(regex)} flag "s"'


def is_double(number: float) -> str:
    """A number of the same double."""
    low, high, is_closed = rounding_to(number)
    equal = "=" if is_closed else ""
    ends = [] if low is None else [f"@ >{equal} {_decimal(low)}"]
    ends += [] if high is None else [f"@ <{equal} {_decimal(high)}"]
    return f'({" && ".join(ends)}) || {KEPT_NUMBER}[1] == "{double_text(number)}"'


def is_number_within(low: tuple[float, bool] | None, high: tuple[float, bool] | None) -> str:
    """A number whose double lies between two, each with whether it is included. Not those that are kept as objects."""
    ends: list[str] = []
    if low is not None:
        number, is_included = low
        end = rounding_to(number)
        at = end.low if is_included else end.high
        if at is not None:
            ends.append(f"@ >{'=' if end.is_closed == is_included else ''} {_decimal(at)}")
        elif not is_included:
            ends.append("1 == 0")
    if high is not None:
        number, is_included = high
        end = rounding_to(number)
        at = end.high if is_included else end.low
        if at is not None:
            ends.append(f"@ <{'=' if end.is_closed == is_included else ''} {_decimal(at)}")
        elif not is_included:
            ends.append("1 == 0")
    return " && ".join(['@.type() == "number"', *ends])


def _decimal(number: Decimal) -> str:
    return format(number, "f")


class Places:
    """Where a dotted name leads in an event: values, each as a jsonb in SQL and the steps from there."""

    def __init__(self, name: str, values: Values) -> None:
        self._values = values
        self._within = "data"
        self._ways = paths(name)
        self._steps: list[str] = []
        self._looked_up: list[str] = []
        for keys in self._ways:
            if any(_INDEX.fullmatch(key) for key in keys[1:]):
                self._looked_up.append(self._lookup(keys))
            else:
                self._steps.append("".join(f".{literal(escaped_text(key))}" for key in keys))

    @classmethod
    def itself(cls, value: str, values: Values) -> "Places":
        """The one place that a jsonb in SQL is."""
        place = cls("", values)
        place._within, place._steps = value, [""]
        return place

    def first(self) -> str:
        """SQL: the first value, in the order of the ways, that is there and no null. With one way it may be null."""
        ways = [self._lookup(keys) for keys in self._ways]
        if len(ways) == 1:
            return ways[0]
        there = [f"nullif({way}, 'null'::jsonb)" for way in ways]
        return f"coalesce({', '.join(there)})"

    def _lookup(self, keys: tuple[str, ...]) -> str:
        """A key that may be one of an object or the place in an array: an operator takes both."""
        within, path = "data", list[str]()
        for depth, key in enumerate(keys):
            if depth and _NO_INDEX.fullmatch(key):
                # In a path, PostgreSQL would count -1 from an array's end; alone, a text is no index.
                within = self._at(within, path) + f" -> {self._values.bound(key, 'text')}"
                path = []
            else:
                path.append(escaped_text(key))
        return self._at(within, path) if path else within

    def _at(self, within: str, path: list[str]) -> str:
        if within == "data" and len(path) == 1:
            return f"data -> {self._values.bound(path[0], 'text')}"
        return f"({within}) #> {self._values.bound(path, 'text[]')}" if path else within

    def have(self, condition: str, *, is_spread: bool = True) -> str:
        """SQL: a condition in a path is true of a value, or (`is_spread`) of an element of an array. Never null."""
        if is_spread:
            condition = f"({condition}) || exists(@[*] ? ({condition}))"
        ways: list[str] = []
        match self._steps:
            case []:
                pass
            case [steps]:
                # What is not there makes a strict path null by itself; a condition around it costs three times as much.
                path = self._values.bound(f"strict ${steps} ? ({condition})", "jsonpath")
                ways.append(f"coalesce({self._within} @? {path}, false)")
            case several:
                any_of = " || ".join(f"exists(@{steps} ? ({condition}))" for steps in several)
                ways.append(f"{self._within} @? {self._values.bound(f'strict $ ? ({any_of})', 'jsonpath')}")
        for value in self._looked_up:
            path = self._values.bound(f"strict $ ? ({condition})", "jsonpath")
            ways.append(f"coalesce({value} @? {path}, false)")
        return ways[0] if len(ways) == 1 else f"({' OR '.join(ways)})"

    def values(self, condition: str) -> str:
        """SQL: a table of the values `v` and elements that a condition in a path is true of."""
        found = [(self._within, f"strict ${steps}{_SPREAD} ? ({condition})") for steps in self._steps]
        found += [(value, f"strict ${_SPREAD} ? ({condition})") for value in self._looked_up]
        each = [
            f"SELECT v FROM jsonb_path_query({within}, {self._values.bound(path, 'jsonpath')}, '{{}}', true) AS v"
            for within, path in found
        ]
        return " UNION ALL ".join(each)


def anywhere(condition: str, values: Values) -> str:
    """SQL: a condition in a path is true of a value at any depth, but not of what numbers are kept as."""
    return f"data @? {values.bound(f'strict $.** ? ({condition})', 'jsonpath')}"


def anywhere_exactly(condition: str, values: Values) -> str:
    """The same, for events that hold such a number: its two texts are in an array, by itself in an object."""
    # Behind `**` a member that is missing is no error, even in a strict path: `exists` is false, not unknown.
    an_object, an_array = '@.type() == "object"', '@.type() == "array"'
    ways = (
        f"strict $.** ? ({an_object}).* ? ({condition})",
        f"strict $.** ? ({an_object} && !{IS_KEPT_NUMBER}).* ? ({an_array})[*] ? ({condition})",
        f"strict $.** ? ({an_array})[*] ? ({an_array})[*] ? ({condition})",
    )
    return "(" + " OR ".join(f"data @? {values.bound(way, 'jsonpath')}" for way in ways) + ")"


HAS_SENTINEL = finds(rf"\u{ord(SENTINEL):04x}")
