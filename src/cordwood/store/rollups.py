"""Which questions rollups can answer: those that only look at time, level and service."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from cordwood.model.histogram import By
from cordwood.model.search.filters import And, Everything, Filter, Not, Or

Group: TypeAlias = tuple[int, tuple[str | None, ...]]
"""When a span begins, in µs since 1970 (0 where nothing is counted by time), and the values of the fields."""


class Tally(Struct, frozen=True):
    """Events counted by span of time, if there is one, and fields."""

    span_us: int | None
    fields: tuple[By, ...]


def is_of_pairs(found: Filter) -> bool:
    """Whether a filter only looks at level and service."""
    match found:
        case Everything():
            return True
        case Not(part=part):
            return is_of_pairs(part)
        case And(parts=parts) | Or(parts=parts):
            return all(map(is_of_pairs, parts))
        case _:
            return found.field is not None and found.field.derived in ("level", "service")
