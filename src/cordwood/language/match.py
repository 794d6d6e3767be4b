"""Whether one event matches: for the live tail, and the definition that both stores are compared with."""

import json
from collections.abc import Callable
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import msgspec

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.quantities import spelled_number
from cordwood.language.texts import folded, like_regex, words_regex
from cordwood.language.values import (
    as_duration,
    as_number,
    as_size,
    as_text,
    as_time,
    double_of,
    scalars_at,
    scalars_in,
    values_at,
)
from cordwood.model.answer import StoredEvent
from cordwood.model.event import MESSAGE_NAMES
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import (
    And,
    Bound,
    Duration,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Leaf,
    Like,
    Not,
    Number,
    Or,
    Quantity,
    Regex,
    Size,
    Text,
    Time,
    Within,
    Words,
)
from cordwood.model.search.wildcards import plain

_objects = msgspec.json.Decoder(dict[str, Any])


class Seen:
    """One event, decoded, with what was derived beside it. Times are µs since 1970 UTC."""

    def __init__(
        self,
        data: dict[str, Any],
        *,
        event_id: UUID,
        timestamp_us: int,
        inserted_at_us: int,
        level: str | None,
        service: str | None,
    ) -> None:
        self.data = data
        self.id = event_id
        self.timestamp_us = timestamp_us
        self.inserted_at_us = inserted_at_us
        self.level = level
        self.service = service

    @cached_property
    def message(self) -> str | None:
        """The line that a person reads first; of a number its canonical text."""
        texts = (as_text(self.data.get(name)) for name in MESSAGE_NAMES)
        return next(filter(None, texts), None)

    def time(self, name: str) -> int:
        """A derived time."""
        return self.timestamp_us if name == "timestamp" else self.inserted_at_us

    def derived(self, name: str) -> str | None:
        """A derived text."""
        match name:
            case "level":
                return self.level
            case "service":
                return self.service
            case "message":
                return self.message
            case _:
                return str(self.id)


def seen(event: StoredEvent) -> Seen:
    """A stored event, decoded."""
    return Seen(
        _decoded(event.data),
        event_id=event.id,
        timestamp_us=event.timestamp_us,
        inserted_at_us=event.inserted_at_us,
        level=event.level,
        service=event.service,
    )


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        return _objects.decode(data)
    except msgspec.MsgspecError:
        # Numbers that no double holds are taken, and compare as infinite.
        decoded: dict[str, Any] = json.loads(data)
        return decoded


Matcher = Callable[[Seen], bool]
Check = Callable[[object], bool]
"""Whether one scalar will do."""


def matcher(found: Filter) -> Matcher:
    """What tells whether an event matches. Made once for a filter, as its expressions are compiled."""
    match found:
        case Everything():
            return lambda _: True
        case And(parts=parts):
            every = [matcher(part) for part in parts]
            return lambda seen: all(each(seen) for each in every)
        case Or(parts=parts):
            some = [matcher(part) for part in parts]
            return lambda seen: any(each(seen) for each in some)
        case Not(part=part):
            inner = matcher(part)
            return lambda seen: not inner(seen)
        case Exists(field=field):
            return _exists(field)
        case Within(field=field) if field.derived in DERIVED_TIMES:
            return _time_within(found, field.name)
        case Words(field=None) | Regex(field=None):
            anywhere = check_of(found)
            return lambda seen: any(anywhere(value) for value in scalars_in(seen.data))
        case Words() | Regex():
            assert found.field is not None, "the case above"
            return _any_of(found.field, check_of(found))
        case Equals(field=field) | Like(field=field) | InNetwork(field=field) | Within(field=field):
            return _any_of(field, check_of(found))


def _any_of(field: Field, check: Check) -> Matcher:
    name, derived = field.name, field.derived
    if derived is not None:
        return lambda seen: (value := seen.derived(derived)) is not None and check(value)
    return lambda seen: any(check(value) for value in scalars_at(seen.data, name))


def _exists(field: Field) -> Matcher:
    name, derived = field.name, field.derived
    if derived in DERIVED_TIMES:
        return lambda _: True
    if derived is not None:
        return lambda seen: seen.derived(derived) is not None
    return lambda seen: any(value is not None for value in values_at(seen.data, name))


def check_of(found: Leaf) -> Check:
    """What tells whether one text, number or boolean does what a filter asks for."""
    match found:
        case Everything() | Exists():
            return lambda _: True
        case Words(field=None, pattern=pattern) if plain(pattern) is None:
            return _only_texts(_words(pattern))
        case Words(pattern=pattern):
            return _words(pattern)
        case Regex(field=None, pattern=pattern):
            return _only_texts(_text_by(pattern))
        case Regex(pattern=pattern):
            return _text_by(pattern)
        case Like(pattern=pattern):
            return _text_by(like_regex(pattern))
        case Equals(text=text):
            return _equals(text)
        case InNetwork(network=network):
            return _in_network(network)
        case Within(field=field, low=low, high=high):
            return _within(field.name, low, high)


def _only_texts(check: Check) -> Check:
    """In any value, regular expressions and wildcards are for texts."""
    return lambda value: isinstance(value, str) and check(value)


def _words(pattern: str) -> Check:
    search = compile_regex(words_regex(pattern)).search
    text = plain(pattern)
    number = None if text is None else spelled_number(text)
    name = None if text is None else folded(text)

    def check(value: object) -> bool:
        match value:
            case str():
                return search(value) is not None
            case bool():
                return name == as_text(value)
            case _:
                return number is not None and double_of(value) == number

    return check


def _text_by(regex: str) -> Check:
    search = compile_regex(regex).search

    def check(value: object) -> bool:
        text = as_text(value)
        return text is not None and search(text) is not None

    return check


def _equals(text: str) -> Check:
    number = spelled_number(text)

    def check(value: object) -> bool:
        match value:
            case str():
                return value == text
            case bool():
                return text == as_text(value)
            case _:
                return number is not None and double_of(value) == number

    return check


def _in_network(network: str) -> Check:
    within = ip_network(network)

    def check(value: object) -> bool:
        if not isinstance(value, str) or "%" in value:
            return False
        try:
            address = ip_address(value)
        except ValueError:
            return False
        return address.version == within.version and address in within

    return check


def _time_within(found: Within, name: str) -> Matcher:
    is_within = _between(found.low, found.high)
    return lambda seen: is_within(seen.time(name), 1.0)


def _within(name: str, low: Bound | None, high: Bound | None) -> Check:
    end = low or high
    assert end is not None, "a range has an end"
    is_within = _between(low, high)

    def check(value: object) -> bool:
        counted = _counted(end.value, value, name)
        return counted is not None and is_within(*counted)

    return check


def _counted(asked: Quantity, value: object, name: str) -> tuple[Any, float] | None:
    """What a value is as the type that is asked for, and the unit of it."""
    found: Any
    match asked:
        case Number():
            found = as_number(value)
        case Duration():
            return as_duration(value, name)
        case Size():
            return as_size(value, name)
        case Time():
            found = as_time(value)
        case Text():
            found = value if isinstance(value, str) else None
    return None if found is None else (found, 1.0)


def _between(low: Bound | None, high: Bound | None) -> Callable[[Any, float], bool]:
    def within(value: Any, unit: float) -> bool:
        if low is not None:
            bound = _bound(low.value, unit)
            if not (value >= bound if low.is_included else value > bound):
                return False
        if high is None:
            return True
        bound = _bound(high.value, unit)
        return bool(value <= bound if high.is_included else value < bound)

    return within


def _bound(value: Quantity, unit: float) -> Any:
    match value:
        case Number(value=number):
            return number
        case Duration(ns=ns):
            return float(ns) / unit
        case Size(bytes=size):
            return float(size) / unit
        case Time(us=us):
            return us
        case Text(text=text):
            return text
