"""What is answered."""

from collections.abc import Sequence
from typing import Annotated, Literal, Required, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType

from cordwood.query.completeness import DamagedSegment, RowGroups, Segments

_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Scalar = str | int | float | bool
_Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Change = Literal["new", "gone", "more", "less"]


class Side(Struct, frozen=True, forbid_unknown_fields=True):
    """One side: how many events match, always counted, and how many of these were looked at."""

    start: _Time | None
    end: _Time | None
    events: _Count
    examined: _Count
    exact: bool


class Range(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers from `at_least` on, or `below`: the other is null."""

    at_least: float | None
    below: float | None


class What(TypedDict, total=False):
    """What a field is: a value, a range, or neither: it is there. `query` finds it."""

    value: _Scalar
    range: Range
    query: Required[str]


class Alike(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What another field is, with the same numbers on both sides: most likely of the same events."""

    field: str
    value: _Scalar | UnsetType = UNSET
    range: Range | UnsetType = UNSET
    query: str


class _Differing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    change: Change
    selection: _Share
    baseline: _Share
    lift: Annotated[float, Meta(gt=0)]
    score: Annotated[float, Meta(gt=0)]
    selection_events: _Count
    baseline_events: _Count
    exact: bool
    complement: bool


class Numbers(TypedDict):
    """The same, to make one of."""

    change: Change
    selection: float
    baseline: float
    lift: float
    score: float
    selection_events: int
    baseline_events: int
    exact: bool


class Finding(_Differing, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value of a field, a range of its numbers, or without either the field itself, with its part of each side.
    `query` finds it; `example`: the id of an event that has it. `complement`: it became rarer because other values of
    the field became more frequent."""

    field: str
    value: _Scalar | UnsetType = UNSET
    range: Range | UnsetType = UNSET
    query: str
    alike: Sequence[Alike]
    example: str | None = None


class PatternExample(Struct, frozen=True, forbid_unknown_fields=True):
    """An event that has a template, and its message, as far as it has 1,000 characters."""

    id: str
    message: str


class PatternFinding(_Differing, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A template of messages, with its part of each side. `complement`: it became rarer because others became more
    frequent."""

    pattern: str
    example: PatternExample | None = None


class LeftOut(Struct, frozen=True, forbid_unknown_fields=True):
    """Fields of which values were not compared, 100 of a kind at most: `asked`, because they differ by what the
    question says; `times`; `unique`, because hardly a value comes twice."""

    asked: Sequence[str]
    times: Sequence[str]
    unique: Sequence[str]


class Explained(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What differs most: values of fields, and messages."""

    selection: Side
    baseline: Side
    findings: Sequence[Finding]
    patterns: Sequence[PatternFinding]
    left_out: LeftOut


class ExplainAnswer(Explained, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, and where it comes from."""

    cached: bool
    took_ms: Annotated[float, Meta(ge=0)]
    complete: bool
    watermark: _Time | None
    in_flight: _Count | None
    scanned: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    damaged: Sequence[DamagedSegment] | UnsetType = UNSET
    segments: Segments | UnsetType = UNSET
    row_groups: RowGroups | UnsetType = UNSET
