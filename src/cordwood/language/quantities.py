"""Quantities as text: numbers, durations, sizes and times, as a query writes them and as stored texts spell them.

A query's are exact whole units or errors; a stored text's are doubles, by formulas that SQL can repeat.
"""

import re

from cordwood.model.event import (
    TIMESTAMP_PATTERN,
    format_timestamp,
    parse_timestamp,
)
from cordwood.model.search.filters import Duration, Number, Quantity, Size, Text, Time
from cordwood.model.search.units import DURATIONS, SIZES, US

NUMBER_PATTERN = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
"""What spells a number (RFC 8259 §6, also with a plus sign or leading zeros)."""
_PART = r"\d+(?:\.\d+)?"
DURATION_PATTERN = "[+-]?" + "".join(f"(?:{_PART}{unit})?" for unit in ("w", "d", "h", "m", "s", "ms", "[uµμ]s", "ns"))
"""What spells a duration, except that a unit is needed."""
SIZE_PATTERN = rf"([+-]?{_PART}) ?({'|'.join(SIZES)})"

_IS_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_IS_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_IS_SIZE = re.compile(SIZE_PATTERN, re.ASCII)
_IS_DATE = re.compile(TIMESTAMP_PATTERN, re.ASCII)
_DURATION_PART = re.compile(rf"({_PART})([a-zµμ]+)", re.ASCII)
_MOST_DIGITS = 40


def spelled_number(text: str) -> float | None:
    """The double that a text spells, if it spells a number; beyond doubles it is infinite."""
    return float(text) if _IS_NUMBER.fullmatch(text) else None


def spelled_duration(text: str) -> float | None:
    """The nanoseconds that a text spells, if it spells a duration: the sum of its parts from the left, as doubles."""
    if not text.strip("+-") or not _IS_DURATION.fullmatch(text):
        return None
    total = 0.0
    for number, unit in _DURATION_PART.findall(text):
        total += float(number) * float(DURATIONS[unit])
    return -total if text.startswith("-") else total


def spelled_size(text: str) -> float | None:
    """The bytes that a text spells, if it spells a size, as a double."""
    found = _IS_SIZE.fullmatch(text)
    return float(found[1]) * float(SIZES[found[2]]) if found else None


def parse_duration(text: str) -> int | None:
    """A duration in whole nanoseconds, below 2⁶³ of them; None for anything else."""
    if not text.strip("+-") or not _IS_DURATION.fullmatch(text):
        return None
    total = 0
    for number, unit in _DURATION_PART.findall(text):
        part = _times(number, DURATIONS[unit])
        if part is None:
            return None
        total += part
    return _within_64_bits(-total if text.startswith("-") else total)


def parse_size(text: str) -> int | None:
    """A size in whole bytes, below 2⁶³ of them; None for anything else."""
    found = _IS_SIZE.fullmatch(text)
    total = None if found is None else _times(found[1].lstrip("+-"), SIZES[found[2]])
    return None if total is None else _within_64_bits(-total if text.startswith("-") else total)


def _times(number: str, unit: int) -> int | None:
    """A decimal number of units, if it is a whole number of the smallest."""
    whole, _, fraction = number.partition(".")
    if len(number) > _MOST_DIGITS:
        return None
    count, rest = divmod(int(whole + fraction) * unit, 10 ** len(fraction))
    return None if rest else count


def _within_64_bits(value: int) -> int | None:
    return value if abs(value) < 1 << 63 else None


def parse_time(text: str, now_us: int, *, is_bare_relative: bool) -> int | None:
    """A time in µs since 1970 UTC: `now`, `now-15m`, RFC 3339. With `is_bare_relative` also `-15m` and Unix times."""
    if text.lower() == "now":
        return now_us
    if text.lower().startswith(("now-", "now+")):
        text = text[3:]
    elif is_bare_relative and not text.startswith(("-", "+")):
        return parse_timestamp(text)
    elif not is_bare_relative:
        return parse_timestamp(text) if _IS_DATE.fullmatch(text) else None
    shift_ns = parse_duration(text)
    if shift_ns is None:
        return None
    return now_us + shift_ns // US


def parse_quantity(text: str, now_us: int) -> Quantity | None:
    """A number, duration, size or time as a query writes it without quotes; None for anything else."""
    number = spelled_number(text)
    if number is not None:
        return None if number in (float("inf"), float("-inf")) else Number(number + 0.0)
    if (duration_ns := parse_duration(text)) is not None:
        return Duration(duration_ns)
    if (size_bytes := parse_size(text)) is not None:
        return Size(size_bytes)
    moment_us = parse_time(text, now_us, is_bare_relative=False)
    return None if moment_us is None else Time(moment_us)


def quantity_text(value: Quantity) -> str:
    """A quantity as a query writes it; a text without its quotes."""
    match value:
        case Number(value=number):
            return number_text(number)
        case Duration(ns=ns):
            return duration_text(ns)
        case Size(bytes=size):
            unit = next(name for name, each in _SIZES_DOWN if size % each == 0)
            return f"{size // SIZES[unit]}{unit}"
        case Time(us=us):
            return format_timestamp(us)
        case Text(text=text):
            return text


def duration_text(ns: int) -> str:
    """A duration in the longest unit of which it is a whole number."""
    if ns == 0:
        return "0s"
    unit = next(name for name, each in DURATIONS.items() if ns % each == 0)
    return f"{ns // DURATIONS[unit]}{unit}"


def number_text(number: float) -> str:
    """A number's canonical text: whole ones below 2⁵³ without a point, others as the shortest that reads back."""
    if number.is_integer() and abs(number) < 1 << 53:
        return str(int(number))
    return repr(number)


_SIZES_DOWN = sorted(SIZES.items(), key=lambda each: (-each[1], each[0]))
