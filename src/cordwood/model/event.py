"""Event: one log record, a JSON object kept as it was sent, and what is derived beside it.

For each derived value the first usable of a list of names wins; a name is looked up as a literal key, then as
a dotted path. `docs/reference/events.md` lists the rules; the segment store holds the same rules for columns, and
a property test holds the two together.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]

TIMESTAMP_NAMES = ("timestamp", "@timestamp", "time", "ts", "datetime", "date", "_time", "eventTime")
LEVEL_NAMES = ("level", "severity", "severity_text", "log.level", "loglevel", "lvl", "levelname")
SERVICE_NAMES = ("service", "service.name", "service_name", "serviceName", "app", "application")
MESSAGE_NAMES = ("message", "msg", "body", "log", "text")

LEVELS: dict[str, Level] = {
    "trace": "trace", "verbose": "trace", "finest": "trace", "finer": "trace",
    "debug": "debug", "fine": "debug", "dbg": "debug", "d": "debug",
    "info": "info", "information": "info", "informational": "info", "notice": "info", "inf": "info",
    "i": "info", "config": "info",
    "warn": "warn", "warning": "warn", "wrn": "warn", "w": "warn",
    "error": "error", "err": "error", "e": "error", "severe": "error",
    "fatal": "fatal", "critical": "fatal", "crit": "fatal", "alert": "fatal", "emerg": "fatal",
    "emergency": "fatal", "panic": "fatal", "f": "fatal",
    # bunyan and pino number their levels
    "10": "trace", "20": "debug", "30": "info", "40": "warn", "50": "error", "60": "fatal",
}  # fmt: skip
"""Spelling in lower case → level."""

# RFC 3339 and the ISO 8601 forms near it. RE2 syntax, as DuckDB uses the same text.
TIMESTAMP_PATTERN = (
    r"\d{4}-\d\d-\d\d"
    r"(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?"
    r" ?(?:[Zz]|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?"
)
EPOCH_PATTERN = r"\d{1,19}(?:\.\d+)?"
# Where seconds end and ms, µs, ns begin: 1e11 s is the year 5138, 1e11 ms is 1973.
EPOCH_UNITS = ((10**11, 1_000_000_000), (10**14, 1_000_000), (10**17, 1_000), (10**20, 1))
"""(first value that is not this unit any more, nanoseconds in the unit)."""

MIN_TIMESTAMP_US = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z"""
MAX_TIMESTAMP_US = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z"""

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r" ?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_IS_TIMESTAMP = re.compile(TIMESTAMP_PATTERN, re.ASCII)
_IS_EPOCH = re.compile(EPOCH_PATTERN, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Derived(msgspec.Struct, frozen=True):
    """What is known of an event beside its own fields. `timestamp_us` is µs since 1970 UTC."""

    timestamp_us: int
    level: Level | None
    service: str | None


def parse_timestamp(text: str) -> int | None:
    """µs since 1970 UTC, or None when `text` is not usable. Digits beyond the µs are cut off."""
    if _IS_EPOCH.fullmatch(text):
        whole, _, fraction = text.partition(".")
        return parse_epoch(int(whole), fraction)
    if not _IS_TIMESTAMP.fullmatch(text):
        return None
    match = _ISO.fullmatch(text)
    assert match is not None, "both patterns describe the same texts"
    year, month, day, hour, minute, second, fraction, _, sign, zone_h, zone_m = match.groups()
    offset = timedelta(hours=int(zone_h or 0), minutes=int(zone_m or 0))
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")), tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    # Integers, not datetime arithmetic: a zone may lead out of the years that datetime can hold.
    shift_us = offset // _MICROSECOND * (-1 if sign == "+" else 1)
    return _within((moment - _EPOCH) // _MICROSECOND + shift_us)


def parse_epoch(whole: int, fraction: str) -> int | None:
    """A Unix time of some unit, as its digits before and behind the point, in µs; None when it is 0."""
    if whole == 0:
        return None
    for limit, unit_ns in EPOCH_UNITS:
        if whole < limit:
            ns = whole * unit_ns
            if fraction:
                ns += int(fraction[:9].ljust(9, "0")) * unit_ns // 1_000_000_000
            return _within(ns // 1_000)
    return None


def _within(timestamp_us: int) -> int | None:
    return timestamp_us if MIN_TIMESTAMP_US <= timestamp_us <= MAX_TIMESTAMP_US else None


def format_timestamp(timestamp_us: int) -> str:
    """RFC 3339 in UTC with µs, for any timestamp that `parse_timestamp` returns."""
    moment = _EPOCH + timedelta(microseconds=timestamp_us)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def text_of(value: object) -> str | None:
    """The text that a derived value is read from: a scalar's own spelling; None for null and containers."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return None


def message_of(event: dict[str, Any]) -> str | None:
    """The line that a person reads first, or None."""
    for name in MESSAGE_NAMES:
        text = text_of(event.get(name))
        if text:
            return text
    return None
