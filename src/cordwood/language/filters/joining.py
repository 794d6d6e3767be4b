"""Filters joined: nothing in a search is nested that need not be, so that equal searches are equal data."""

from collections.abc import Iterable

from cordwood.model.search.field import Field
from cordwood.model.search.filters import And, Equals, Everything, Exists, Filter, Not, Or


def all_of(parts: Iterable[Filter]) -> Filter:
    """All of some; of none, everything."""
    flat: list[Filter] = []
    for part in parts:
        flat += part.parts if isinstance(part, And) else (part,)
    if not flat:
        return Everything()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(parts: Iterable[Filter]) -> Filter:
    """Any of one or more."""
    flat: list[Filter] = []
    for part in parts:
        flat += part.parts if isinstance(part, Or) else (part,)
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def is_missing(field: Field) -> Filter:
    """The field is not there, or null."""
    return Not(Exists(field))


def is_another(field: Field, same: Filter) -> Filter:
    """The field is there, and `same` does not hold."""
    return And((Exists(field), Not(same)))


def equals(field: Field, text: str) -> Filter:
    """The whole value is what a text spells."""
    return Equals(field, text)
