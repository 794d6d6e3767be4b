"""Event bytes → derived values, one event at a time: the exact path, and the definition for all others."""

from functools import lru_cache
from math import isfinite
from typing import Any

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


def derive(line: bytes, received_at_us: int) -> Derived:
    """What is derived from one event. `line` is a valid JSON object; an event without a usable timestamp
    gets the time of arrival."""
    known = _known.decode(line)
    timestamp_us = None
    for name in TIMESTAMP_NAMES:
        text = _text(known, name)
        if text is not None and (timestamp_us := parse_timestamp(text)) is not None:
            break
    return Derived(
        received_at_us if timestamp_us is None else timestamp_us,
        _level(known),
        _service(known),
    )


def _level(known: Any) -> Level | None:
    for name in LEVEL_NAMES:
        text = _text(known, name)
        if text is not None and (level := _level_of(text)) is not None:
            return level
    return None


@lru_cache(maxsize=1024)
def _level_of(text: str) -> Level | None:
    return LEVELS.get(text.lower()) if text.isascii() else None


def _service(known: Any) -> str | None:
    for name in SERVICE_NAMES:
        text = _text(known, name)
        if text:
            return text
    return None


def _text(known: Any, name: str) -> str | None:
    """The text of a field, by literal key or one level of nesting; None for null and containers."""
    raw = getattr(known, _ATTRIBUTES[name])
    if raw is not None and (text := _scalar(bytes(raw))) is not None:
        return text
    head, _, rest = name.partition(".")
    if not rest or (raw := getattr(known, _ATTRIBUTES[head])) is None:
        return None
    nested = bytes(raw)
    if not nested.startswith(b"{"):
        return None
    inner = msgspec.json.decode(nested, type=dict[str, msgspec.Raw]).get(rest)
    return None if inner is None else _scalar(bytes(inner))


@lru_cache(maxsize=4096)
def _scalar(raw: bytes) -> str | None:
    match raw[:1]:
        case b'"':
            text = _value.decode(raw)
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
