"""Census: what events hold, counted: which fields, of which types, with which values."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from cordwood.model.search.field import DERIVED, Field, name_of

FieldType = Literal["str", "int", "float", "bool", "array", "object"]
Kind = Literal["s", "i", "f", "b", "a", "o"]
"""The same in a store's SQL: one letter."""
Scalar = str | int | float | bool

TYPES: dict[str, FieldType] = {"s": "str", "i": "int", "f": "float", "b": "bool", "a": "array", "o": "object"}


class Asked(msgspec.Struct, frozen=True):
    """What is counted: the `top` most frequent values of every field, or of one."""

    top: int
    field: Field | None = None
    prefix: str = ""
    """What the text of a value begins with."""


class FieldCount(msgspec.Struct, frozen=True):
    """One field in the events looked at. `name` is how a query names it."""

    name: str
    types: Sequence[FieldType]
    events: int
    """Those that have it, not null."""
    distinct: int = 0
    """Different values; arrays and objects have none."""
    values: Sequence[tuple[Scalar, int]] = ()
    """The most frequent ones with their numbers of events, the greatest number first."""


class Census(msgspec.Struct, frozen=True):
    """What was counted. Of more events than are worth looking at, a sample was."""

    matched: int
    """Events that match."""
    examined: int
    """Events that were looked at."""
    fields: Sequence[FieldCount]

    @property
    def is_exact(self) -> bool:
        return self.examined == self.matched


def named(name: str) -> str:
    """How a query names what was sent by that name."""
    return name_of(Field(name, is_sent=name in DERIVED or name.startswith(".")))


def types_of(kinds: str) -> list[FieldType]:
    """The types of a field by its kinds, in the order of `TYPES`; a field with other numbers than whole ones is of
    floats."""
    return [found for kind, found in TYPES.items() if kind in kinds and not (kind == "i" and "f" in kinds)]


def scalar_of(kind: str, text: str) -> Scalar:
    """A value out of its canonical text."""
    match kind:
        case "i":
            return int(text)
        case "f":
            return float(text)
        case "b":
            return text == "true"
        case _:
            return text
