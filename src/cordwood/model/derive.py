"""Event bytes → derived values, one event at a time: the exact path, and the definition for all others."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple, TypeVar

import msgspec

from cordwood.model.event import (
    LEVEL_NAMES,
    LEVELS,
    SERVICE_NAMES,
    TIMESTAMP_NAMES,
    Derived,
    Level,
    parse_timestamp,
)

_PLAIN = SERVICE_NAMES + LEVEL_NAMES + TIMESTAMP_NAMES
_NESTED = tuple(name for name in _PLAIN if "." in name)
_HEADS = tuple(dict.fromkeys(name.partition(".")[0] for name in _NESTED))
_ATTRIBUTES = {name: f"f{n}" for n, name in enumerate(dict.fromkeys(_PLAIN + _HEADS))}

# Only these keys are decoded; all others are skipped in native code.
_Known: Any = msgspec.defstruct(
    "_Known",
    [(attribute, msgspec.Raw, msgspec.field(default=None)) for attribute in _ATTRIBUTES.values()],
    rename={attribute: name for name, attribute in _ATTRIBUTES.items()},
    gc=False,
)
_known = msgspec.json.Decoder(_Known)
_value = msgspec.json.Decoder()


class _Name(NamedTuple):
    """Where a name is looked up: the attribute of its literal key; for a dotted one also the key within an object."""

    literal: str
    head: str | None
    rest: str


def _names(names: Sequence[str]) -> tuple[_Name, ...]:
    split = ((name, *name.partition(".")) for name in names)
    return tuple(_Name(_ATTRIBUTES[name], _ATTRIBUTES[head] if dot else None, rest) for name, head, dot, rest in split)


_TIMESTAMPS, _LEVELS, _SERVICES = _names(TIMESTAMP_NAMES), _names(LEVEL_NAMES), _names(SERVICE_NAMES)

Columns = tuple[int, Level | None, str | None]
"""timestamp in µs since 1970 UTC · level · service."""

T = TypeVar("T")


def derive(line: bytes, received_at_us: int) -> Derived:
    """What is derived from one event. `line` is a valid JSON object; an event without a usable timestamp
    gets the time of arrival."""
    return Derived(*_Memo(received_at_us).columns(_known.decode(line)))


def derive_many(ndjson: bytes, received_at_us: int) -> list[Columns]:
    """The same of every event of a batch body, at about 2 µs each: what repeats is read once."""
    columns = _Memo(received_at_us).columns
    return [columns(known) for known in _known.decode_lines(ndjson)]


class _Memo:
    """Remembers what raw values mean, as most repeat within a batch. Bounded: hostile values are not kept."""

    def __init__(self, received_at_us: int) -> None:
        self._received_at_us = received_at_us
        self._levels: dict[bytes, Level | None] = {}
        self._services: dict[bytes, str | None] = {}
        self._minutes: dict[bytes, int] = {}

    def columns(self, known: Any) -> Columns:
        timestamp_us = self._timestamp(known)
        if timestamp_us is None:
            timestamp_us = self._received_at_us
        return timestamp_us, _first(known, _LEVELS, self._level), _first(known, _SERVICES, self._service)

    def _timestamp(self, known: Any) -> int | None:
        return _first(known, _TIMESTAMPS, self._timestamp_of)

    def _timestamp_of(self, raw: bytes) -> int | None:
        # "2026-11-23T10:00:00.123Z" and its like: the minute is looked up, the rest is digits.
        if raw[17:18] == b":" and raw[-2:] == b'Z"' and raw[20:21] == b"." and 23 <= len(raw) <= 29:
            minute_us = self._minutes.get(raw[:17])
            seconds, fraction = raw[18:20], raw[21:-2]
            if minute_us is not None and seconds.isdigit() and fraction.isdigit() and seconds < b"60":
                return minute_us + int(seconds) * 1_000_000 + int(fraction.ljust(6, b"0"))
            parsed = self._parsed(raw)
            if parsed is not None and len(self._minutes) < _MAX_REMEMBERED:
                self._minutes[raw[:17]] = parsed - parsed % 60_000_000
            return parsed
        return self._parsed(raw)

    def _parsed(self, raw: bytes) -> int | None:
        text = _scalar(raw)
        return None if text is None else parse_timestamp(text)

    def _level(self, raw: bytes) -> Level | None:
        try:
            return self._levels[raw]
        except KeyError:
            text = _scalar(raw)
            level = LEVELS.get(text.lower()) if text is not None and text.isascii() else None
            return _kept(self._levels, raw, level)

    def _service(self, raw: bytes) -> str | None:
        try:
            return self._services[raw]
        except KeyError:
            return _kept(self._services, raw, _scalar(raw) or None)


_MAX_REMEMBERED = 4096
_MAX_REMEMBERED_LENGTH = 256


def _kept(memory: dict[bytes, T], raw: bytes, value: T) -> T:
    if len(memory) < _MAX_REMEMBERED and len(raw) <= _MAX_REMEMBERED_LENGTH:
        memory[raw] = value
    return value


def _first(known: Any, names: tuple[_Name, ...], read: Callable[[bytes], T | None]) -> T | None:
    """What `read` makes of the first name whose value it can use."""
    for literal, head, rest in names:
        raw = getattr(known, literal)
        if raw is not None and (value := read(bytes(raw))) is not None:
            return value
        if head is not None and (raw := getattr(known, head)) is not None:
            nested = bytes(raw)
            if nested[:1] == b"{":
                inner = _objects.decode(nested).get(rest)
                if inner is not None and (value := read(bytes(inner))) is not None:
                    return value
    return None


_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _scalar(raw: bytes) -> str | None:
    match raw[:1]:
        case b'"':
            text = str(_value.decode(raw))
            # The text alone tells: what looks like a container is treated as one, in every implementation.
            return None if text[:1] in ("{", "[") else text
        case b"{" | b"[" | b"n":
            return None
        case _:
            return raw.decode() if raw.isalpha() or raw.lstrip(b"-").isdigit() else _float_text(raw.decode())


def _float_text(raw: str) -> str:
    """A number that is no integer is spelt as the shortest text of its double, as SQL engines do."""
    number = float(raw)
    return repr(number) if isfinite(number) else raw
