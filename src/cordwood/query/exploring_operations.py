"""The endpoints that tell what there is to ask for, described."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from cordwood.errors import NotFound, Overloaded
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.model.census import FieldType
from cordwood.query.completeness import Completeness
from cordwood.query.exploring import MOST_BESIDE, MOST_FACET_VALUES, MOST_VALUES
from cordwood.query.operations import QUESTION, AnsweredEvent

_Count = Annotated[int, Meta(ge=0)]
_Scalar = str | int | float | bool
_RANGE = (
    *QUESTION[:2],
    Parameter(name="query", about="a search line of the query language, without pipes"),
    QUESTION[3],
)


class _Answered(Completeness, frozen=True, forbid_unknown_fields=True, kw_only=True):
    cached: bool
    took_ms: Annotated[float, Meta(ge=0)]


class _Counted(_Answered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`exact`: every one of the `events` that match was looked at. Otherwise a sample of `examined` was, and numbers of
    events are estimated from it."""

    events: _Count
    examined: _Count
    exact: bool


class FieldAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """One field: how many events have it, and which part of all; its most frequent value as an example."""

    name: str
    types: Sequence[FieldType]
    events: _Count
    coverage: Annotated[float, Meta(ge=0, le=1)]
    example: _Scalar | None


class ValueCount(Struct, frozen=True, forbid_unknown_fields=True):
    """A value, and how many events have it."""

    value: _Scalar
    count: _Count


class Facet(Struct, frozen=True, forbid_unknown_fields=True):
    """One field with its most frequent values. `distinct`: different values in the events looked at. `unique`: hardly
    one comes twice, so that none is listed."""

    name: str
    types: Sequence[FieldType]
    events: _Count
    distinct: _Count
    unique: bool
    values: Sequence[ValueCount]


class Fields(_Counted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of the events that match, by name."""

    fields: Sequence[FieldAnswer]


class Facets(_Counted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of the events that match, those that the most have in front."""

    facets: Sequence[Facet]


class FieldValues(_Counted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most frequent values of one field; `having` events have it."""

    values: Sequence[ValueCount]
    types: Sequence[FieldType]
    distinct: _Count
    having: _Count


class Context(_Answered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events in order of time, then id; all have the same `value` of the field `by` (null: none, or by is all)."""

    by: str
    value: str | None
    before: Sequence[AnsweredEvent]
    event: AnsweredEvent
    after: Sequence[AnsweredEvent]
    more_before: bool
    more_after: bool


EXPLORING = (
    Operation(
        path="/api/v1/fields",
        name="fields",
        about="the fields of events: types, and how many events have them",
        scope="query",
        parameters=_RANGE,
        answers={200: Answer(about="the fields", content={JSON: Fields})},
        errors=(Overloaded,),
    ),
    Operation(
        path="/api/v1/fields/{name}/values",
        name="fieldValues",
        about="the most frequent values of one field",
        scope="query",
        parameters=(
            Parameter(name="name", about="the field, as a query names it", where="path"),
            *_RANGE,
            Parameter(name="limit", about="values in the answer", schema=Annotated[int, Meta(ge=1, le=MOST_VALUES)]),
            Parameter(
                name="prefix", about="what a value's text begins with", schema=Annotated[str, Meta(max_length=1000)]
            ),
        ),
        answers={200: Answer(about="the values", content={JSON: FieldValues})},
        errors=(Overloaded,),
    ),
    Operation(
        path="/api/v1/facets",
        name="facets",
        about="the most frequent values of every field",
        scope="query",
        parameters=(
            *_RANGE,
            Parameter(
                name="limit", about="values of each field", schema=Annotated[int, Meta(ge=1, le=MOST_FACET_VALUES)]
            ),
        ),
        answers={200: Answer(about="the fields with their values", content={JSON: Facets})},
        errors=(Overloaded,),
    ),
    Operation(
        path="/api/v1/context",
        name="context",
        about="what happened just before and after an event, in its service or wherever a field has its value",
        scope="query",
        parameters=(
            Parameter(name="id", about="the event's id", schema=UUID, is_required=True),
            *(
                Parameter(name=name, about=f"events {name} it", schema=Annotated[int, Meta(ge=0, le=MOST_BESIDE)])
                for name in ("before", "after")
            ),
            Parameter(name="by", about="service, if not given; host, or any other field; or all"),
        ),
        answers={200: Answer(about="the events", content={JSON: Context})},
        errors=(NotFound, Overloaded),
    ),
)
