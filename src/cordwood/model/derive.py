"""Event bytes → derived values: `derive` is the definition, one event at a time; `derive_many` says the same, fast."""

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

Columns = tuple[int, Level | None, str | None]
"""timestamp in µs since 1970 UTC · level · service."""

T = TypeVar("T")

_ALL_NAMES = SERVICE_NAMES + LEVEL_NAMES + TIMESTAMP_NAMES
_INNER: dict[str, list[str]] = {}
for _head, _, _rest in (name.partition(".") for name in _ALL_NAMES if "." in name):
    _INNER.setdefault(_head, []).append(_rest)
_ATTRIBUTES = {name: f"f{n}" for n, name in enumerate(dict.fromkeys((*_ALL_NAMES, *_INNER)))}


class _Name(NamedTuple):
    """Where a name is looked up: the attribute of its literal key; for a dotted one also the key within an object."""

    literal: str
    head: str | None
    rest: str


def _names(names: Sequence[str]) -> tuple[_Name, ...]:
    split = ((name, *name.partition(".")) for name in names)
    return tuple(_Name(_ATTRIBUTES[name], _ATTRIBUTES[head] if dot else None, rest) for name, head, dot, rest in split)


_TIMESTAMPS, _LEVELS, _SERVICES = _names(TIMESTAMP_NAMES), _names(LEVEL_NAMES), _names(SERVICE_NAMES)


def _decoder(field_type: Any, inner: Any = None) -> Any:
    """Decodes only the known keys; all others are skipped in native code."""
    attributes = {attribute: field_type for attribute in _ATTRIBUTES.values()}
    if inner is not None:
        attributes |= {_ATTRIBUTES[head]: field_type | inner(head) for head in _INNER}
    return msgspec.json.Decoder(
        msgspec.defstruct(
            "_Known",
            [(attribute, annotation, msgspec.field(default=None)) for attribute, annotation in attributes.items()],
            rename={attribute: name for name, attribute in _ATTRIBUTES.items()},
            gc=False,
        )
    )


# --- The definition ---------------------------------------------------------------------------------------------------


_raw_events = _decoder(msgspec.Raw)
_raw_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_strings = msgspec.json.Decoder(str)


def derive(line: bytes, received_at_us: int) -> Derived:
    """What is derived from one event. `line` is a valid JSON object; an event without a usable timestamp
    gets the time of arrival."""
    return Derived(*_columns(_raw_events.decode(line), received_at_us))
