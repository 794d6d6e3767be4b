"""What a filter asks of one text, number or boolean, as SQL: `language.match.check_of` for the engine."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from cordwood.language.match import check_of
from cordwood.language.quantities import spelled_number
from cordwood.language.regex.literals import literals
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
from cordwood.model.search.wildcards import Wild, pieces, plain
from cordwood.store.segments.asking.binding import Values, all_of, any_of
from cordwood.store.segments.asking.networks import network_regex
from cordwood.store.segments.asking.numbers import Numeric
from cordwood.store.segments.asking.quantities_sql import (
    begins_as_quantity,
    duration_of,
    number_of,
    size_of,
    time_of,
)

TextTest = Callable[[str], str]
NumberTest = Callable[[Numeric], str]

_UNESCAPED = re.compile(r'[^"\\/\x00-\x1f\x7f-\U0010ffff]+')
"""What JSON spells as it is, unless by \\u; and ASCII, which the engine folds as we do."""
_LEAST_NEEDLE = 2
_NO_NUMBER = re.compile(r"[^-+.0-9einf]")
_UNNAMED = re.compile(
    r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|(?P<named>\(\?<(?![=!]))", re.DOTALL
)


def is_spelt_so(text: str) -> bool:
    """Whether JSON spells a text as it is, unless by \\u."""
    return _UNESCAPED.fullmatch(text) is not None


class Needle(Struct, frozen=True):
    """A text that must be within one that does what is asked: a search through bytes is cheaper than an expression, and
    leaves few to look into."""

    text: str
    is_folded: bool = False
    """In any case: A to Z."""

    @property
    def is_of_texts(self) -> bool:
        """Whether no number's text holds it."""
        return _NO_NUMBER.search(self.text) is not None

    def within(self, text: str, values: Values) -> str:
        """Whether a text holds it."""
        searched = f"lower({text})" if self.is_folded and re.search("[a-z]", self.text) else text
        return f"contains({searched}, {values.bind(self.text)})"


class ValueTest(Struct, frozen=True):
    """None: no such value will do."""

    text: TextTest | None
    number: NumberTest | None
    truths: Sequence[bool]
    """The booleans that will."""
    needle: Needle | None = None
    """Of JSON that holds a value that will do, as far as it is not escaped."""
    is_of_empty: bool = True
    """Whether the empty text may do."""

    def truth(self, boolean: str) -> str | None:
        """What is asked of a boolean."""
        match list(self.truths):
            case []:
                return None
            case [only]:
                return boolean if only else f"NOT {boolean}"
            case _:
                return f"{boolean} IS NOT NULL"


def value_test(found: Leaf, values: Values) -> ValueTest:
    """What a filter asks of the values that its field leads to."""
    return replace(_value_test(found, values), is_of_empty=check_of(found)(""))


def _value_test(found: Leaf, values: Values) -> ValueTest:
    check = check_of(found)
    truths = [each for each in (True, False) if check(each)]
    match found:
        case Everything() | Exists():
            return ValueTest(lambda text: f"{text} IS NOT NULL", lambda each: f"{each.double} IS NOT NULL", truths)
        case Words(pattern=pattern):
            return _words(found.field is None, pattern, truths, values)
        case Equals(text=text):
            number = spelled_number(text)
            is_plain = number is None and is_spelt_so(text)
            return ValueTest(
                lambda each: f"{each} = {values.bind(text)}",
                None if number is None else lambda each: each.compared("=", number, values),
                truths,
                Needle(text) if is_plain else None,
            )
        case Like(pattern=pattern):
            needle = _longest(pattern)
            is_only_text = needle is not None and needle.is_of_texts
            like = _like(pattern, values)
            return ValueTest(
                like,
                None if is_only_text else lambda each: like(each.text),
                truths,
                needle if is_only_text else None,
            )
        case Regex(pattern=pattern):
            searched, needle = _searched(pattern, values)
            is_only_text = found.field is None or (needle is not None and needle.is_of_texts)
            return ValueTest(
                searched,
                None if is_only_text else lambda each: searched(each.text),
                truths,
                needle if is_only_text else None,
            )
        case InNetwork(network=network):
            regex = values.bind(network_regex(network))
            return ValueTest(lambda text: f"regexp_full_match({text}, {regex})", None, truths)
        case Within(field=field, low=low, high=high):
            return _within(field.name, low, high, truths, values)


def _words(is_anywhere: bool, pattern: str, truths: Sequence[bool], values: Values) -> ValueTest:
    found = _longest(pattern)
    needle = None if found is None else Needle(folded(found.text), is_folded=True)
    text = plain(pattern)
    number = None if text is None else spelled_number(text)

    def in_text(text: str) -> str:
        searched = f"regexp_matches({text}, {values.bind(words_regex(pattern))})"
        return searched if needle is None else all_of([needle.within(text, values), searched])

    return ValueTest(
        in_text,
        None if number is None else lambda each: each.compared("=", number, values),
        [] if is_anywhere and text is None else truths,
        needle if number is None else None,
    )


def _longest(pattern: str) -> Needle | None:
    """The longest text that must be within what is as a pattern says, of characters that are no trouble."""
    return _needle("\0".join(piece for piece in pieces(pattern) if isinstance(piece, str)))


def _like(pattern: str, values: Values) -> TextTest:
    """Beginnings, ends and what is anywhere without an expression."""
    match pieces(pattern):
        case [str(text)]:
            return lambda each: f"{each} = {values.bind(text)}"
        case [str(text), Wild.ANY]:
            return lambda each: f"starts_with({each}, {values.bind(text)})"
        case [Wild.ANY, str(text)]:
            return lambda each: f"ends_with({each}, {values.bind(text)})"
        case [Wild.ANY, str(text), Wild.ANY]:
            return lambda each: f"contains({each}, {values.bind(text)})"
    needle = _longest(pattern)
    needles = [] if needle is None else [needle]

    def test(text: str) -> str:
        searched = f"regexp_matches({text}, {values.bind(like_regex(pattern))})"
        return all_of([*(each.within(text, values) for each in needles), searched])

    return test


def _searched(pattern: str, values: Values) -> tuple[TextTest, Needle | None]:
    """The same, of an expression; and the longest text that must be there."""
    known = literals(pattern)
    longest = max(known.texts, key=len, default="")
    if known.is_all:
        return lambda text: f"contains({text}, {values.bind(longest)})", _needle(longest)

    def test(text: str) -> str:
        found = f"regexp_matches({text}, {values.bind(engine_regex(pattern))})"
        # Before the expression, for a search through bytes costs a fifth of it.
        return all_of([f"contains({text}, {values.bind(longest)})", found]) if longest else found

    return test, _needle(longest)


def _needle(text: str) -> Needle | None:
    """The longest part of a text that is no trouble."""
    longest = max(_UNESCAPED.findall(text), key=len, default="")
    return Needle(longest) if len(longest) >= _LEAST_NEEDLE else None


def engine_regex(pattern: str) -> str:
    """An expression as the engine's RE2 takes it, which is older: it names groups by `(?P<` only."""
    return _UNNAMED.sub(lambda each: "(?P<" if each["named"] else each[0], pattern)


def _within(name: str, low: Bound | None, high: Bound | None, truths: Sequence[bool], values: Values) -> ValueTest:
    end = low or high
    assert end is not None, "a range has an end"
    ends = [(sign, bound) for sign, bound in ((">", low), ("<", high)) if bound is not None]
    signs = [(sign + "=" * bound.is_included, bound.value) for sign, bound in ends]

    def between(value: str, unit: float = 1.0) -> str:
        return all_of(f"{value} {sign} {_bound(each, unit, values)}" for sign, each in signs)

    def numbers_between(each: Numeric, unit: float = 1.0) -> str:
        return all_of(each.compared(sign, _double(bound, unit), values) for sign, bound in signs)

    def quantities(ways: Sequence[tuple[Callable[[str], str], float]]) -> TextTest:
        def test(text: str) -> str:
            found = any_of(_held(way(text), partial(between, unit=unit)) for way, unit in ways)
            return all_of([begins_as_quantity(text), found])

        return test

    match end.value:
        case Number():
            return ValueTest(quantities([(number_of, 1.0)]), numbers_between, truths)
        case Duration():
            named = duration_unit(name)
            ways = [(duration_of, 1.0), *([] if named is None else [(number_of, float(named))])]
            number = None if named is None else lambda each: numbers_between(each, float(named))
            return ValueTest(quantities(ways), number, truths)
        case Size():
            unit = float(size_unit(name))
            return ValueTest(
                quantities([(size_of, 1.0), (number_of, unit)]), lambda each: numbers_between(each, unit), truths
            )
        case Time():
            return ValueTest(quantities([(time_of, 1.0)]), lambda each: _held(time_of(each.spelling), between), truths)
        case Text():
            return ValueTest(between, None, truths)


def _held(value: str, test: Callable[[str], str]) -> str:
    """A test of a value that is computed once."""
    return f"list_transform([{value}], lambda q: {test('q')})[1]"


def _bound(value: Quantity, unit: float, values: Values) -> str:
    match value:
        case Time(us=us):
            return f"{values.bind(us)}::BIGINT"
        case Text(text=text):
            return values.bind(text)
        case _:
            return values.bind(_double(value, unit))


def _double(value: Quantity, unit: float) -> float:
    match value:
        case Number(value=number):
            return float(number)
        case Duration(ns=count) | Size(bytes=count):
            return float(count) / unit
        case _:
            raise AssertionError("times and texts are no numbers")
