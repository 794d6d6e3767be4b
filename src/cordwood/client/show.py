"""Events for people: log content is hostile, so nothing in it may reach a terminal as a control code."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cordwood.client.search import Event
from cordwood.model.event import LEVEL_NAMES, LEVELS, MESSAGE_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES, parse_timestamp

# C0, DEL and C1 controls; what reorders or hides text (bidirectional controls, zero-width, tags); line and
# paragraph separators; lone surrogates, which cannot be written.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COLOURS = {"trace": "2", "debug": "2", "info": "32", "warn": "33", "error": "31", "fatal": "1;31"}
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_LEVEL_WIDTH = 5
_SHOWN_IN_FRONT: tuple[tuple[Sequence[str], Callable[[object], bool]], ...] = (
    (TIMESTAMP_NAMES, lambda value: isinstance(value, str) and parse_timestamp(value) is not None),
    (LEVEL_NAMES, lambda value: isinstance(value, str) and value.lower() in LEVELS),
    (SERVICE_NAMES, lambda value: isinstance(value, str) and value != ""),
)


def neutral(text: str) -> str:
    """The text with every control character spelt out (`\\x1b`, `\\u202e`)."""
    return _UNSAFE.sub(_spelt, text)


def neutral_json(line: str) -> str:
    """JSON text with the same characters escaped the JSON way: it still means the same."""
    return _UNSAFE.sub(_escaped, line)


def event_text(event: Event, *, is_coloured: bool) -> str:
    """One line: time, level, service, message, and the other fields as key=value."""
    # Numbers keep their spelling: no digits are lost to a float.
    data: dict[str, Any] = json.loads(bytes(event.data), parse_float=_Number, parse_int=_Number)
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
    parts += [f"{_painted(neutral(_quoted(name)) + '=', '2', is_coloured)}{value}" for name, value in _flat("", data)]
    return " ".join(parts)


class _Number(str):
    """A JSON number as it is spelt."""


def _flat(prefix: str, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, neutral(_value(value))


def _value(value: object) -> str:
    match value:
        case _Number():
            return value
        case str():
            return _quoted(value)
        case _:
            return _json(value)


def _json(value: object) -> str:
    match value:
        case _Number():
            return value
        case list():
            return f"[{','.join(map(_json, value))}]"
        case dict():
            return f"{{{','.join(f'{_json(name)}:{_json(inner)}' for name, inner in value.items())}}}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if _NEEDS_QUOTES.search(text) else text


def _painted(text: str, colour: str, is_coloured: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured else text


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return _SHORT.get(match[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
