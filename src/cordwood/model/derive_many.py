"""What `derive` says, said of a whole batch: values are decoded once, in native code, and what repeats is read once."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from cordwood.model.derive import Columns, derive_exactly, level_of, looks_like_container, service_of
from cordwood.model.event import EPOCH_UNITS, MAX_TIMESTAMP_US, MIN_TIMESTAMP_US, Level, parse_timestamp

T = TypeVar("T")

_MAX_REMEMBERED = 4096
_MAX_REMEMBERED_LENGTH = 256
"""Bounds of what a batch may make us keep: values of each kind, and characters of a value."""

_DAY_US = 86_400_000_000
_FIRST_REMEMBERED_US = MIN_TIMESTAMP_US + _DAY_US
_LAST_REMEMBERED_US = MAX_TIMESTAMP_US - _DAY_US
"""Within these no zone leads out of what a timestamp may be."""

_DIGITS = "0123456789"
_SECONDS = {f"{n:02}": n * 1_000_000 for n in range(60)}
_MILLIS = {f"{point}{n:03}": n * 1_000 for point in ".," for n in range(1000)}
"""How seconds and ms are spelt → µs."""


class _Skipped(Struct, gc=False):
    """An object of which nothing is wanted."""


# No arrays: built, they could take many times the memory of their text. A batch that has one goes the exact path.
_Scalar = None | bool | int | float | str
_Value = _Scalar | _Skipped


class _Service(Struct, gc=False):
    name: _Value = None


class _Log(Struct, gc=False):
    level: _Value = None


class _Event(Struct, gc=False):
    """The same keys as in `_Known`, with their values decoded."""

    timestamp: _Value = None
    at_timestamp: _Value = field(name="@timestamp", default=None)
    time: _Value = None
    ts: _Value = None
    datetime: _Value = None
    date: _Value = None
    underscore_time: _Value = field(name="_time", default=None)
    event_time: _Value = field(name="eventTime", default=None)

    level: _Value = None
    severity: _Value = None
    severity_text: _Value = None
    dotted_level: _Value = field(name="log.level", default=None)
    log: _Scalar | _Log = None
    loglevel: _Value = None
    lvl: _Value = None
    levelname: _Value = None

    service: _Scalar | _Service = None
    dotted_service: _Value = field(name="service.name", default=None)
    service_name: _Value = None
    camel_service: _Value = field(name="serviceName", default=None)
    app: _Value = None
    application: _Value = None

    def timestamps(self) -> tuple[_Value, ...]:
        early = self.timestamp, self.at_timestamp, self.time, self.ts
        return *early, self.datetime, self.date, self.underscore_time, self.event_time

    def levels(self) -> tuple[_Value, ...]:
        nested = self.log.level if type(self.log) is _Log else None
        early = self.level, self.severity, self.severity_text, self.dotted_level
        return *early, nested, self.loglevel, self.lvl, self.levelname

    def services(self) -> tuple[_Value, ...]:
        nested: _Value = None
        literal: _Value = None
        if isinstance(self.service, _Service):
            nested = self.service.name
        else:
            literal = self.service
        names = self.service_name, self.camel_service, self.app, self.application
        return literal, self.dotted_service, nested, *names


_events = msgspec.json.Decoder(_Event)


class _Unclear(Exception):
    """A decoded value does not tell how it was spelt, where that matters."""


def derive_many(ndjson: bytes, received_at_us: int) -> list[Columns]:
    """What `derive` says of every event of a batch body. About 1.5 µs an event where they are like most.

    Raises msgspec.MsgspecError for what is no JSON object.
    """
    try:
        return _Memo().columns(_events.decode_lines(ndjson), received_at_us)
    except (msgspec.MsgspecError, _Unclear):
        return derive_exactly(ndjson, received_at_us)


class _Memo:
    """Remembers what the values of one batch mean."""

    def __init__(self) -> None:
        self._levels: dict[str, Level | None] = {}
        self._services: dict[str, str | None] = {}
        # A timestamp is the sum of its seconds, of its ms if it has any, and of what follows: each has few values.
        self._minutes: dict[str, int] = {}
        self._seconds: dict[str, int] = {}
        self._rests: dict[str, int] = {}
        self._tails: dict[str, int] = {}

    def columns(self, events: list[_Event], received_at_us: int) -> list[Columns]:
        levels, services, timestamp_of = self._levels, self._services, self._timestamp
        seconds, millis, rests = self._seconds, _MILLIS, self._rests
        columns: list[Columns] = []
        for event in events:
            # The usual names by hand: a loop over all of them costs more than everything else here.
            value = event.timestamp
            if value is None:
                value = event.at_timestamp
                if value is None:
                    value = event.time
                    if value is None:
                        value = event.ts
            if (
                type(value) is str
                and (second_us := seconds.get(value[:19])) is not None
                and (milli_us := millis.get(value[19:23])) is not None
                and (rest_us := rests.get(value[23:])) is not None
            ):
                timestamp_us = second_us + milli_us + rest_us
            else:
                found_us = None if value is None else timestamp_of(value)
                if found_us is None:
                    found_us = _usable(event.timestamps(), timestamp_of)
                timestamp_us = received_at_us if found_us is None else found_us
            value = event.level
            if value is None:
                value = event.severity
            level = levels.get(value) if type(value) is str else None
            if level is None:
                level = _usable(event.levels(), self._level)
            service_value = event.service
            if not isinstance(service_value, _Service):
                value = service_value
            else:
                value = service_value.name if event.dotted_service is None else None
            service = services.get(value) if type(value) is str else None
            if service is None:
                service = _usable(event.services(), self._service)
            columns.append((timestamp_us, level, service))
        return columns

    def _level(self, value: _Value) -> Level | None:
        text = _text(value)
        return None if text is None else _kept(self._levels, text, level_of)

    def _service(self, value: _Value) -> str | None:
        if type(value) is int and value == 0:
            raise _Unclear  # it may have been -0
        text = _text(value)
        return None if text is None else _kept(self._services, text, service_of)

    def _timestamp(self, value: _Value) -> int | None:
        if type(value) is str:
            return self._timestamp_in(value)
        if type(value) is float and value.is_integer() and abs(value) < 1e16:
            return _epoch(int(value))
        if type(value) is int:
            return _epoch(value)
        text = _text(value)
        return None if text is None else parse_timestamp(text)

    def _timestamp_in(self, text: str) -> int | None:
        """As `parse_timestamp`; from what is remembered, where that knows all parts of the text."""
        second_us = self._seconds.get(text[:19])
        if second_us is None:
            minute_us, of_minute_us = self._minutes.get(text[:17]), _SECONDS.get(text[17:19])
            if minute_us is None or of_minute_us is None:
                return self._learnt(text)
            second_us = minute_us + of_minute_us
            _remember(self._seconds, text[:19], second_us)
        milli_us = _MILLIS.get(text[19:23])
        rest_us = self._tails.get(text[19:]) if milli_us is None else self._rests.get(_cut(text[23:]))
        return self._learnt(text) if rest_us is None else second_us + (milli_us or 0) + rest_us

    def _learnt(self, text: str) -> int | None:
        """Any parts that are kept make a timestamp together: the first ends with a minute's colon and is nowhere near
        the ends of what a timestamp may be, the last is what may follow the seconds or the ms."""
        timestamp_us = parse_timestamp(text)
        if timestamp_us is None or text[16:17] != ":":
            return timestamp_us
        minute_us = parse_timestamp(text[:17] + "00Z")
        assert minute_us is not None, "it is the beginning of a timestamp"
        if not _FIRST_REMEMBERED_US < minute_us < _LAST_REMEMBERED_US:
            return timestamp_us
        _remember(self._minutes, text[:17], minute_us)
        rest_us = timestamp_us - minute_us - _SECONDS[text[17:19]]
        milli_us = _MILLIS.get(text[19:23])
        if milli_us is None:
            _remember(self._tails, text[19:], rest_us)
        else:
            _remember(self._rests, _cut(text[23:]), rest_us - milli_us)
        return timestamp_us


def _cut(rest: str) -> str:
    """What follows the ms, without the digits that follow the µs."""
    return rest[:3] + rest[3:].lstrip(_DIGITS) if rest[:3].isdigit() else rest


def _remember(memory: dict[str, int], text: str, value: int) -> None:
    if len(memory) < _MAX_REMEMBERED and len(text) <= _MAX_REMEMBERED_LENGTH:
        memory[text] = value


def _usable(values: tuple[_Value, ...], read: Callable[[_Value], T | None]) -> T | None:
    for value in values:
        if value is not None and (found := read(value)) is not None:
            return found
    return None


def _text(value: _Value) -> str | None:
    """As `_scalar`, but for an integer zero."""
    if type(value) is str:
        return None if looks_like_container(value) else value
    if type(value) is bool:
        return "true" if value else "false"
    return repr(value) if type(value) is float or type(value) is int else None


def _epoch(value: int) -> int | None:
    """As `parse_timestamp` of the integer's text."""
    if not 0 < value < 10**19:
        return None
    for limit, unit_ns in EPOCH_UNITS:
        if value < limit:
            return value * unit_ns // 1_000
    raise AssertionError("the last unit reaches beyond 19 digits")


def _kept(memory: dict[str, T | None], text: str, read: Callable[[str], T | None]) -> T | None:
    value = read(text)
    if len(memory) < _MAX_REMEMBERED and len(text) <= _MAX_REMEMBERED_LENGTH:
        memory[text] = value
    return value
