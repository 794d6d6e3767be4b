"""What a filter asks of one value: as conditions of SQL/JSON paths where these can tell, else in SQL."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import NamedTuple, TypeAlias

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.quantities import spelled_number
from cordwood.language.regex.reading import read
from cordwood.language.texts import folded, like_regex, words_regex
from cordwood.model.search.filters import (
    Bound,
    Duration,
    Equals,
    Everything,
    Exists,
    InNetwork,
    Leaf,
    Like,
    Number,
    Quantity,
    Regex,
    Size,
    Text,
    Time,
    Within,
    Words,
)
from cordwood.model.search.units import duration_unit, size_unit
from cordwood.model.search.wildcards import pieces, plain
from cordwood.store.postgres.filters.jsonpath import (
    HAS_SENTINEL,
    IS_KEPT_NUMBER,
    IS_NUMBER,
    IS_TEXT,
    equals_text,
    finds,
    is_double,
    is_number_within,
    literal,
)
from cordwood.store.postgres.filters.regex.writing import written
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import SENTINEL, escaped_text

_IN_NUMBERS = frozenset("0123456789.e+-inf")
"""Of the canonical texts of numbers."""
_SPELT_OTHERWISE = re.compile(rf'["\\\x00-\x1f\x7f{SENTINEL}]')
_LIKE_A_NUMBER = f'{IS_TEXT} && @ like_regex "^[-+]?[0-9][-+.0-9eE]*$"'
_LIKE_A_QUANTITY = f'{IS_TEXT} && @ like_regex "^[-+]?[0-9]"'
_LIKE_A_TIME = f'{IS_TEXT} && @ like_regex "^[0-9]"'
_LIKE_AN_ADDRESS = f'{IS_TEXT} && @ like_regex "^[0-9A-Fa-f:.]+$"'


SQL: TypeAlias = Callable[[Values], str]
"""A condition, whose values are bound as it is written."""


class Check(NamedTuple):
    """Any of three: a value does for which a condition of `sure` is true; or one of `maybe`, and `of_value` of `v`.

    `of_text` is the whole check of a text in SQL. What SQL says may be null for false.
    """

    sure: list[str]
    maybe: list[str]
    of_value: SQL | None
    of_text: SQL
    cost: int = 1
    needle: str = ""
    """In lower case, part of the JSON of every event that has such a value; none is known if it is empty."""


_V = "v #>> '{}'"


def check_of(found: Leaf, text: str = _V) -> Check:
    """The check that a filter makes of a value `v`; `text` is SQL for a text to check instead."""
    match found:
        case Everything() | Exists():
            return Check(["1 == 1"], [], None, lambda _: "true")
        case Words(field=field, pattern=pattern):
            return _words(pattern, text, is_anywhere=field is None)
        case Equals(text=wanted):
            kept = escaped_text(wanted)
            same = [equals_text(wanted), *_same_value(wanted)]
            return Check(same, [], None, lambda values: f"{text} = {values.bound(kept, 'text')}")
        case Like(pattern=pattern):
            literals = "".join(piece for piece in pieces(pattern) if isinstance(piece, str))
            return _by_text(like_regex(pattern), text, has_numbers=_IN_NUMBERS.issuperset(literals))
        case Regex(field=None, pattern=pattern):
            regex = written(read(pattern), pattern)
            return Check([finds(regex)], [], None, _finding(text, regex), cost=2)
        case Regex(pattern=pattern):
            return _by_text(pattern, text, has_numbers=True)
        case InNetwork(network=network):

            def inside(values: Values) -> str:
                return f"cordwood_address({text}) <<= {values.bound(ip_network(network), 'inet')}"

            return Check([], [_LIKE_AN_ADDRESS], inside, inside)
        case Within(field=field, low=low, high=high):
            return _within(field.name, _Ends(low, high), text)


def _words(pattern: str, text: str, *, is_anywhere: bool) -> Check:
    source = words_regex(pattern)
    regex = written(read(source), source)
    whole = plain(pattern)
    same = [] if whole is None else _same_value(folded(whole), number_of=whole)
    # Another number may round to the same double, and be spelt otherwise.
    needle = "" if same else _needle(pattern)
    return Check([finds(regex), *same], [], None, _finding(text, regex), 4 if is_anywhere else 2, needle)


def _needle(pattern: str) -> str:
    """The longest text of a pattern of words that JSON spells as it is."""
    texts = (each for piece in pieces(pattern) if isinstance(piece, str) for each in _SPELT_OTHERWISE.split(piece))
    return folded(max(texts, key=len, default=""))


def _finding(text: str, regex: str) -> SQL:
    return lambda values: f"{text} ~ {values.bound(regex, 'text')}"


def _same_value(name: str, number_of: str | None = None) -> list[str]:
    """What is no text, and spelt so: a number by its double, a boolean by its name."""
    number = spelled_number(name if number_of is None else number_of)
    same = [] if number is None else [is_double(number)]
    return [*same, f"@ == {name}"] if name in ("true", "false") else same


def _by_text(source: str, text: str, *, has_numbers: bool) -> Check:
    regex = written(read(source), source)
    search = compile_regex(source).search
    found = [finds(regex), *(f"@ == {name}" for name in ("true", "false") if search(name))]
    if has_numbers:
        return Check(found, [IS_NUMBER], _finding("cordwood_text(v)", regex), _finding(text, regex), cost=2)
    return Check(found, [], None, _finding(text, regex), cost=2)


class _Ends(NamedTuple):
    """Two bounds, at least one of them given."""

    low: Bound | None
    high: Bound | None

    @property
    def kind(self) -> Quantity:
        end = self.low or self.high
        assert end is not None, "a range has an end"
        return end.value

    @property
    def given(self) -> list[tuple[str, Quantity]]:
        """Signs of comparison, and what to compare with."""
        signs = ((">", self.low), ("<", self.high))
        return [(sign + "=" * bound.is_included, bound.value) for sign, bound in signs if bound is not None]


def _within(name: str, ends: _Ends, text: str) -> Check:
    match ends.kind:
        case Number():
            of_value, of_text = _between("cordwood_value(v)", ends), _between(f"cordwood_number({text})", ends)
            return Check([_numbers(ends)], [_LIKE_A_NUMBER, IS_KEPT_NUMBER], of_value, of_text)
        case Duration():
            return _quantity(f"cordwood_duration({text})", duration_unit(name), ends, text)
        case Size():
            return _quantity(f"cordwood_size({text})", size_unit(name), ends, text)
        case Time():
            of_value = _between("cordwood_time(cordwood_time_text(v))", ends)
            return Check([], [_LIKE_A_TIME, IS_NUMBER], of_value, _between(f"cordwood_time({text})", ends))
        case Text():
            return _texts(ends, text)


def _quantity(spelled: str, unit: int | None, ends: _Ends, text: str) -> Check:
    """A text that spells a duration or a size; numbers and texts that spell one, if they count a unit."""
    in_words = _between(spelled, ends)
    if unit is None:
        return Check([], [_LIKE_A_QUANTITY], in_words, in_words)
    of_value, of_text = _between("cordwood_value(v)", ends, unit), _between(f"cordwood_number({text})", ends, unit)
    return Check(
        [_numbers(ends, unit)],
        [_LIKE_A_QUANTITY, IS_KEPT_NUMBER],
        lambda values: f"({in_words(values)} OR {of_value(values)})",
        lambda values: f"({in_words(values)} OR {of_text(values)})",
    )


def _texts(ends: _Ends, text: str) -> Check:
    given = [(sign, escaped_text(value.text)) for sign, value in ends.given if isinstance(value, Text)]

    def in_order(values: Values) -> str:
        own = f"cordwood_order({text})"
        return " AND ".join(
            f'{own} {sign} cordwood_order({values.bound(kept, "text")}) COLLATE "C"' for sign, kept in given
        )

    if any(SENTINEL in kept for _, kept in given):
        return Check([], [IS_TEXT], in_order, in_order)
    # A text that holds NUL is kept out of its order.
    plainly = [IS_TEXT, *(f"@ {sign} {literal(kept)}" for sign, kept in given), f"!({HAS_SENTINEL})"]
    return Check([" && ".join(plainly)], [f"{IS_TEXT} && {HAS_SENTINEL}"], in_order, in_order)


def _numbers(ends: _Ends, unit: int = 1) -> str:
    low, high = ((_count(end.value) / unit, end.is_included) if end is not None else None for end in ends)
    return is_number_within(low, high)


def _between(value: str, ends: _Ends, unit: int = 1) -> SQL:
    def between(values: Values) -> str:
        return " AND ".join(f"{value} {sign} {_bound(wanted, unit, values)}" for sign, wanted in ends.given)

    return between


def _bound(wanted: Quantity, unit: int, values: Values) -> str:
    if isinstance(wanted, Time):
        return values.bound(wanted.us, "bigint")
    return values.bound(_count(wanted) / unit, "float8")


def _count(value: Quantity) -> float:
    match value:
        case Number(value=number):
            return number
        case Duration(ns=count) | Size(bytes=count):
            return float(count)
        case Time() | Text():
            raise AssertionError("times and texts are not counted")
