"""Events for people: log content is hostile, so nothing in it may reach a terminal as a control code."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cordwood.client.search import Empty, Event, UnknownField
from cordwood.client.spelt import Number, json_text, parsed
from cordwood.model.event import LEVEL_NAMES, LEVELS, MESSAGE_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES, parse_timestamp
from cordwood.neutral import neutral

_COLOURS = {"trace": "2", "debug": "2", "info": "32", "warn": "33", "error": "31", "fatal": "1;31"}
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_LEVEL_WIDTH = 5
_SHOWN_IN_FRONT: tuple[tuple[Sequence[str], Callable[[object], bool]], ...] = (
    (TIMESTAMP_NAMES, lambda value: isinstance(value, str) and parse_timestamp(value) is not None),
    (LEVEL_NAMES, lambda value: isinstance(value, str) and value.lower() in LEVELS),
    (SERVICE_NAMES, lambda value: isinstance(value, str) and value != ""),
)


def event_text(event: Event, *, is_coloured: bool) -> str:
    """One line: time, level, service, message, and the other fields as key=value."""
    data: dict[str, Any] = parsed(bytes(event.data))
    columns = parsed(bytes(event.columns))
    data = {name: value for name, value in data.items() if name not in columns}
    message_name = next((name for name in MESSAGE_NAMES if isinstance(data.get(name), str) and data[name]), None)
    message = data.pop(message_name) if message_name is not None else ""
    for names, is_usable in _SHOWN_IN_FRONT:
        # An unusable one stays among the other fields; so does the second of two.
        if (found := next((name for name in names if is_usable(data.get(name))), None)) is not None:
            del data[found]
    level = (event.level or "-").upper().ljust(_LEVEL_WIDTH)
    parts = [
        _painted(neutral(event.timestamp), "2", is_coloured),
        _painted(neutral(level), _COLOURS.get(event.level or "", "2"), is_coloured),
    ]
    if event.service is not None:
        parts.append(_painted(neutral(event.service), "36", is_coloured))
    if message:
        parts.append(neutral(message))
    parts += [
        f"{_painted(neutral(_quoted(name)) + '=', '2', is_coloured)}{value}"
        for name, value in _flat("", data | columns)
    ]
    return " ".join(parts)


def empty_text(why: Empty | None) -> str:
    """Why nothing was found, in a sentence or two."""
    if why is None:
        return "no event matches"
    found = _why(why)
    if why.retention is not None:
        found += f"; retention has dropped {why.retention.events_dropped:,} events of this time range, "
        found += f"from before {neutral(why.retention.dropped_before)}"
    return found


def _why(why: Empty) -> str:
    if not why.events_in_range:
        if not why.events_stored:
            return f"nothing is stored: {neutral(why.tenant)}" if why.tenant else "nothing is stored"
        return f"no event in this time range; the newest of {why.events_stored:,} is of {neutral(why.newest or '?')}"
    if why.removed_by is None:
        found = f"no row is left of {why.events_matching:,} events" if why.events_matching else "no event matches"
        return "; ".join([found, *unknown_texts(why.unknown_fields)])
    found = f"no event matches: {neutral(why.removed_by)} leaves none of {why.events_before:,}"
    if why.meant is not None:
        found += f", a phrase; a field and its value are written {neutral(why.meant)}"
    return "; ".join([found, *unknown_texts(why.unknown_fields)])


def unknown_texts(fields: Sequence[UnknownField]) -> Iterator[str]:
    """Of each field that no event has, that it is so."""
    for field in fields:
        near = f", did you mean {neutral(field.suggestion)}?" if field.suggestion else ""
        yield f"no event has the field {neutral(field.name)}{near}"


def _flat(prefix: str, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, neutral(_value(value))


def _value(value: object) -> str:
    match value:
        case Number():
            return value
        case str():
            return _quoted(value)
        case _:
            return json_text(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if _NEEDS_QUOTES.search(text) else text


def _painted(text: str, colour: str, is_coloured: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured else text
