"""What the server tells of fields, values and surroundings, as programs see it."""

from collections.abc import Sequence

import msgspec

from cordwood.client.http import Api

Scalar = str | int | float | bool


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many events match, and how many of them were looked at."""

    events: int
    examined: int
    exact: bool
    complete: bool
    in_flight: int | None = None


class FieldTold(msgspec.Struct, frozen=True):
    """One field."""

    name: str
    types: Sequence[str]
    events: int
    coverage: float
    example: Scalar | None


class Fields(Counted, frozen=True, kw_only=True):
    """The fields that events have."""

    fields: Sequence[FieldTold]


class ValueTold(msgspec.Struct, frozen=True):
    """A value, and how many events have it."""

    value: Scalar
    count: int


class FacetTold(msgspec.Struct, frozen=True):
    """One field with its most frequent values."""

    name: str
    types: Sequence[str]
    events: int
    distinct: int
    unique: bool
    values: Sequence[ValueTold]


class Facets(Counted, frozen=True, kw_only=True):
    """The fields that events have, with values."""

    facets: Sequence[FacetTold]


class Context(msgspec.Struct, frozen=True):
    """Events beside one, in order of time; each as its JSON."""

    by: str
    value: str | None
    before: Sequence[msgspec.Raw]
    event: msgspec.Raw
    after: Sequence[msgspec.Raw]
    complete: bool


def question(query: str, start: str | None, end: str | None, filters: Sequence[str]) -> list[tuple[str, str]]:
    """The parameters that choose events."""
    given = (("query", query or None), ("start", start), ("end", end))
    return [*(("filter", text) for text in filters), *((name, value) for name, value in given if value is not None)]


def fields(api: Api, chosen: Sequence[tuple[str, str]]) -> Fields:
    """Raises as `Api.get`."""
    return api.get("/api/v1/fields", Fields, chosen)


def facets(api: Api, chosen: Sequence[tuple[str, str]], limit: int) -> Facets:
    """Raises as `Api.get`."""
    return api.get("/api/v1/facets", Facets, [*chosen, ("limit", str(limit))])


def context(api: Api, event_id: str, before: int, after: int, by: str) -> Context:
    """Raises as `Api.get`."""
    asked = [("id", event_id), ("before", str(before)), ("after", str(after)), ("by", by)]
    return api.get("/api/v1/context", Context, asked)
