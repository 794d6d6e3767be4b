"""Where values of a field are: in which columns, and at which places of the JSON in a column."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from cordwood.model.event import MESSAGE_NAMES
from cordwood.model.plan import paths
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import And, Everything, Filter, Not, Or
from cordwood.store.segments.catalog_entries import Segment

SCALARS = ("str", "int", "float", "bool")
"""How the columns of texts, numbers and booleans end; `json` holds arrays."""
_MOST_LEVELS = 34
"""Of a shape (`model.shape`), and some more."""
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


def _members(levels: int) -> str:
    """Any text within brackets that has so many levels."""
    found = r'(?:"[^"]*"|[^{}"])*'
    for _ in range(levels):
        found = rf'(?:"[^"]*"|[^{{}}"]|\{{{found}\}})*'
    return found


_MEMBERS = _members(_MOST_LEVELS)


class Kept(Struct, frozen=True):
    """How segments keep events, as far as it makes a difference for a filter."""

    columns: frozenset[str]
    """Those of fields."""
    has_texts: bool
    """Some events are text, in `raw`."""
    has_shapes: bool
    """Some events are in columns, with a `shape`. Files of an earlier release have no such column."""


def kept(segment: Segment, found: Filter) -> Kept:
    """What a filter looks at in a segment. Segments of which this is equal are asked in the same way."""
    has_shapes = segment.texts is not None and segment.texts < segment.events
    return Kept(columns_asked(found, segment.columns), segment.has_texts, has_shapes)


def columns_asked(found: Filter, columns: frozenset[str]) -> frozenset[str]:
    """Those of some columns that a filter looks at."""
    match found:
        case Everything():
            return frozenset()
        case And(parts=parts) | Or(parts=parts):
            return frozenset().union(*(columns_asked(part, columns) for part in parts))
        case Not(part=part):
            return columns_asked(part, columns)
        case _ if found.field is None:
            return columns
        case _:
            return columns.intersection(columns_of(found.field))


@lru_cache(maxsize=1024)
def columns_of(field: Field) -> Sequence[str]:
    """The columns that can hold a value of a field: its own, and arrays that it leads into."""
    match field.derived:
        case None:
            heads = [f"{head}:json" for head, _ in _heads(field.name)]
            return [*(f"{field.name}:{kind}" for kind in (*SCALARS, "json")), *heads]
        case "message":
            return [f"{name}:{kind}" for name in MESSAGE_NAMES for kind in SCALARS]
        case _:
            return []


def array_places(name: str) -> Sequence[tuple[str, Sequence[str]]]:
    """The columns of arrays that a field leads into, each with the JSON Pointers of the field within it."""
    return [(f"{head}:json", [*map(pointer, ways)]) for head, ways in _heads(name)]


def _heads(name: str) -> Sequence[tuple[str, Sequence[tuple[str, ...]]]]:
    segments = name.split(".")
    found = []
    for length in range(1, len(segments)):
        # An array is entered by the number of a place.
        ways = [way for way in paths(".".join(segments[length:])) if _INDEX.fullmatch(way[0])]
        if ways:
            found.append((".".join(segments[:length]), ways))
    return found


def pointers(name: str) -> Sequence[str]:
    """The JSON Pointers of a field within an event."""
    return [pointer(way) for way in paths(name)]


def pointer(keys: Iterable[str]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def object_regex(name: str) -> str:
    """Found in the shapes of events in which a field is an object, be it empty or have nothing but nulls.

    A regular expression cannot count brackets, but shapes have at most so many levels; quotation marks in them begin
    and end keys, nothing else. To make JSON of a shape and look into that takes fifty times as long.
    """
    ways = (rf"\s*:\s*\{{{_MEMBERS}".join(f'"{re.escape(key)}"' for key in way) for way in paths(name))
    return rf"^\s*\{{{_MEMBERS}(?:{'|'.join(ways)})\s*:\s*\{{"


def is_time(field: Field) -> bool:
    """Whether a field is one of the derived times."""
    return field.derived in DERIVED_TIMES
