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
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_strings = msgspec.json.Decoder(str)


class _Name(NamedTuple):
    """Where a name is looked up: the attribute of its literal key; for a dotted one also the key within an object."""

    literal: str
    head: str | None
    rest: str


def _names(names: Sequence[str]) -> tuple[_Name, ...]:
    split = ((name, *name.partition(".")) for name in names)
    return tuple(_Name(_ATTRIBUTES[name], _ATTRIBUTES[head] if dot else None, rest) for name, head, dot, rest in split)


_TIMESTAMPS, _LEVELS, _SERVICES = _names(TIMESTAMP_NAMES), _names(LEVEL_NAMES), _names(SERVICE_NAMES)

T = TypeVar("T")

Columns = tuple[int, Level | None, str | None]
"""timestamp in µs since 1970 UTC · level · service."""


def derive(line: bytes, received_at_us: int) -> Derived:
    """What is derived from one event. `line` is a valid JSON object; an event without a usable timestamp
    gets the time of arrival. Raises msgspec.MsgspecError for what is no JSON object."""
    return Derived(*_columns(_known.decode(line), received_at_us))


def derive_exactly(ndjson: bytes, received_at_us: int) -> list[Columns]:
    """The same of every event of a batch body."""
    return [_columns(known, received_at_us) for known in _known.decode_lines(ndjson)]


def _columns(known: Any, received_at_us: int) -> Columns:
    timestamp_us = _first(known, _TIMESTAMPS, parse_timestamp)
    level: Level | None = _first(known, _LEVELS, level_of)
    service = _first(known, _SERVICES, service_of)
    return received_at_us if timestamp_us is None else timestamp_us, level, service


def level_of(text: str) -> Level | None:
    """The level that a sender's word names."""
    return LEVELS.get(text.lower()) if text.isascii() else None


def service_of(text: str) -> str | None:
    """The service that a text names: any but the empty one."""
    return text or None


def _first(known: Any, names: tuple[_Name, ...], read: Callable[[str], T | None]) -> T | None:
    """What `read` makes of the first name whose value it can use."""
    for literal, head, rest in names:
        value = _read(getattr(known, literal), read)
        if value is None and head is not None and (nested := getattr(known, head)) is not None:
            inner = bytes(nested)
            if inner.startswith(b"{"):
                value = _read(_objects.decode(inner).get(rest), read)
        if value is not None:
            return value
    return None


def _read(raw: msgspec.Raw | None, read: Callable[[str], T | None]) -> T | None:
    text = None if raw is None else _scalar(bytes(raw))
    return None if text is None else read(text)


def _scalar(raw: bytes) -> str | None:
    match raw[:1]:
        case b'"':
            text = _strings.decode(raw)
            # The text alone tells: what looks like a container is treated as one, in every implementation.
            return None if looks_like_container(text) else text
        case b"{" | b"[" | b"n":
            return None
        case _:
            return raw.decode() if raw.isalpha() or raw.lstrip(b"-").isdigit() else _float_text(raw.decode())


def looks_like_container(text: str) -> bool:
    """Whether a text starts as a JSON object or array does."""
    return text.startswith(("{", "["))


def _float_text(raw: str) -> str:
    """A number that is no integer is spelt as the shortest text of its double, as SQL engines do."""
    number = float(raw)
    return repr(number) if isfinite(number) else raw
