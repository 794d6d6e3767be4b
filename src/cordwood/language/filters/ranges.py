"""Comparisons and ranges."""

import re
from collections.abc import Callable

from cordwood.language.quantities import parse_duration, parse_quantity, parse_size, parse_time
from cordwood.language.tokens import Bare, Reading
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import Bound, Duration, Exists, Filter, Number, Quantity, Size, Text, Time, Within

_NEEDED = "a number, a duration (250ms), a size (10MB), a time (2026-11-23T10:00Z), or a text in quotes"
_BOUND = re.compile(r"(.+?)\.\.(.+)")
Ranged = Callable[[Bound | None, Bound | None], Filter]


def parse_comparison(reading: Reading, field: Field) -> Filter | None:
    """`>5`, `>=5`, `<5`, `<=5`; None if another sign stands here."""
    for sign in (">=", "<=", ">", "<"):
        if reading.sees(sign):
            reading.at += len(sign)
            reading.skip_blanks()
            bound = Bound(_quantity(reading, field), sign.endswith("="))
            return Within(field, bound, None) if sign[0] == ">" else Within(field, None, bound)
    return None


def parse_range(reading: Reading, field: Field) -> Filter:
    """`[1 TO 5}`, at its first bracket."""
    start = reading.at
    includes_low = reading.sees("[")
    reading.at += 1
    low = _end(reading, field, includes_low)
    if not reading.takes_keyword("to"):
        raise reading.unexpected('"TO"')
    high_start = reading.at
    value = _end(reading, field, is_included=True)
    reading.skip_blanks()
    if not reading.sees("]", "}"):
        raise reading.unexpected('"]"', '"}"')
    high = None if value is None else Bound(value.value, reading.sees("]"))
    reading.at += 1
    if low is None and high is None:
        return Exists(field)
    _check(reading, low, high, start, reading.at, high_start)
    return Within(field, low, high)


def range_of(reading: Reading, field: Field, found: Bare) -> Filter | None:
    """`1..5`; None if it is something else."""
    split = None if found.has_escapes else _BOUND.fullmatch(found.text)
    if split is None:
        return None
    ends = [_meant(part, field, reading.now_us) for part in split.groups()]
    if ends[0] is None or ends[1] is None:
        return None
    low, high = Bound(ends[0], is_included=True), Bound(ends[1], is_included=True)
    _check(reading, low, high, found.start, found.end, found.start)
    return Within(field, low, high)


def at_time(reading: Reading, field: Field, text: str, start: int) -> Filter:
    """The moment that a text means, or the whole day of a date."""
    moment = _meant(text, field, reading.now_us)
    if not isinstance(moment, Time):
        raise _no_time(reading, text, start)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return Within(
            field, Bound(moment, is_included=True), Bound(Time(moment.us + 86_400_000_000), is_included=False)
        )
    return Within(field, Bound(moment, is_included=True), Bound(moment, is_included=True))


def _end(reading: Reading, field: Field, is_included: bool) -> Bound | None:
    reading.skip_blanks()
    if reading.takes("*"):
        return None
    return Bound(_quantity(reading, field, "]}"), is_included)


def _quantity(reading: Reading, field: Field, ends: str = "") -> Quantity:
    start = reading.at
    reading.offer("value", field=field, role="bound")
    if reading.sees('"', "'"):
        text = reading.quoted()
        if field.derived not in DERIVED_TIMES:
            return Text(text)
    else:
        text = reading.bare(ends).text
    if not text:
        raise reading.unexpected(_NEEDED)
    value = _meant(text, field, reading.now_us)
    if value is not None:
        return value
    if field.derived in DERIVED_TIMES:
        raise _no_time(reading, text, start)
    hint = "quote it to compare texts"
    if (parse_duration(text), parse_size(text)) == (None, None) and re.match(r"[+-]?\d", text):
        hint = f"units are w d h m s ms us ns, B kB MB GB KiB MiB GiB; {hint}"
    raise reading.problem(f'"{text[:60]}" is no number, duration, size or time', start, reading.at, hint=hint)


def _meant(text: str, field: Field, now_us: int) -> Quantity | None:
    if field.derived in DERIVED_TIMES:
        moment_us = parse_time(text, now_us, is_bare_relative=True)
        return None if moment_us is None else Time(moment_us)
    return parse_quantity(text, now_us)


def _no_time(reading: Reading, text: str, start: int) -> Exception:
    hint = "write 2026-11-23T10:00:00Z, a Unix time, now or -15m"
    return reading.problem(f'"{text[:60]}" is no time', start, reading.at, hint=hint)


def _check(reading: Reading, low: Bound | None, high: Bound | None, start: int, end: int, high_start: int) -> None:
    if low is None or high is None:
        return
    if type(low.value) is not type(high.value):
        raise reading.problem("both ends of a range are of one kind", high_start, end)
    first, last = _size(low.value), _size(high.value)
    if first > last or (first == last and not (low.is_included and high.is_included)):  # type: ignore[operator]
        raise reading.problem("nothing lies in this range", start, end)


def _size(value: Quantity) -> float | str:
    match value:
        case Number(value=number):
            return number
        case Text(text=text):
            return text
        case Time(us=us):
            return us
        case Duration(ns=ns):
            return ns
        case Size(bytes=size):
            return size
