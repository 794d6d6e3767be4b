"""Filters: conditions on one event, as data. `docs/reference/query-language.md` says what each means."""

from typing import TypeAlias

import msgspec

from cordwood.model.search.field import Field


class Everything(msgspec.Struct, frozen=True, tag="everything"):
    """Every event."""


class And(msgspec.Struct, frozen=True, tag="and"):
    """All of at least two; none of them is an And."""

    parts: "tuple[Filter, ...]"


class Or(msgspec.Struct, frozen=True, tag="or"):
    """Any of at least two; none of them is an Or."""

    parts: "tuple[Filter, ...]"


class Not(msgspec.Struct, frozen=True, tag="not"):
    """Events that `part` does not hold for, those without its field included."""

    part: "Filter"


class Words(msgspec.Struct, frozen=True, tag="words"):
    """The text holds what `pattern` says, beginning and ending where words do; ASCII letters without case.

    `field` None: any value at any depth. `*` in the pattern stands for any characters of a word, none included, `?` for
    one of them; a backslash takes their meaning from the character behind it.
    """

    field: Field | None
    pattern: str


class Equals(msgspec.Struct, frozen=True, tag="equals"):
    """The whole value is what `text` spells: that text, that boolean, or a number of the same IEEE 754 double."""

    field: Field
    text: str


class Like(msgspec.Struct, frozen=True, tag="like"):
    """The whole text is as `pattern` says, with case: `*` is any characters, `?` one, backslash as in Words."""

    field: Field
    pattern: str


class Regex(msgspec.Struct, frozen=True, tag="regex"):
    """RE2 finds `pattern` somewhere in the text. `field` None: in any value at any depth."""

    field: Field | None
    pattern: str


class Exists(msgspec.Struct, frozen=True, tag="exists"):
    """The field is there, and not null."""

    field: Field


class InNetwork(msgspec.Struct, frozen=True, tag="network"):
    """The text is an IP address within a network in CIDR notation, of either version."""

    field: Field
    network: str


class Number(msgspec.Struct, frozen=True, tag="number"):
    """An IEEE 754 double."""

    value: float


class Duration(msgspec.Struct, frozen=True, tag="duration"):
    """Nanoseconds."""

    ns: int


class Size(msgspec.Struct, frozen=True, tag="size"):
    """Bytes."""

    bytes: int


class Time(msgspec.Struct, frozen=True, tag="time"):
    """µs since 1970 UTC."""

    us: int


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Compared by code points."""

    text: str


Quantity: TypeAlias = Number | Duration | Size | Time | Text


class Bound(msgspec.Struct, frozen=True):
    """One end of a range."""

    value: Quantity
    is_included: bool


class Within(msgspec.Struct, frozen=True, tag="within"):
    """A value lies between two bounds of one kind, at least one of them given, as the values of that kind do."""

    field: Field
    low: Bound | None
    high: Bound | None


Leaf: TypeAlias = Everything | Words | Equals | Like | Regex | Exists | InNetwork | Within
"""Filters that hold no other."""
Filter: TypeAlias = Leaf | And | Or | Not
