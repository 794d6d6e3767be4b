"""What the server tells of a difference, as programs see it."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from cordwood.client.explore import Scalar
from cordwood.client.http import Api


class Side(msgspec.Struct, frozen=True):
    """The events that are explained, or those that they are compared with."""

    start: str | None
    end: str | None
    events: int
    examined: int
    exact: bool


class RangeTold(msgspec.Struct, frozen=True):
    """Numbers from one on, or below one."""

    at_least: float | None
    below: float | None


class AlikeTold(msgspec.Struct, frozen=True, kw_only=True):
    """What has the same numbers."""

    field: str
    value: Scalar | UnsetType = UNSET
    range: RangeTold | UnsetType = UNSET
    query: str


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    change: str
    selection: float
    baseline: float
    lift: float
    score: float
    selection_events: int
    baseline_events: int
    exact: bool
    complement: bool


class FindingTold(_Told, frozen=True, kw_only=True):
    """A value of a field, a range of its numbers, or the field itself."""

    field: str
    value: Scalar | UnsetType = UNSET
    range: RangeTold | UnsetType = UNSET
    query: str
    alike: Sequence[AlikeTold]
    example: str | None = None


class ExampleTold(msgspec.Struct, frozen=True):
    """An event of a template."""

    id: str
    message: str


class PatternTold(_Told, frozen=True, kw_only=True):
    """A template of messages."""

    pattern: str
    example: ExampleTold | None = None


class LeftOutTold(msgspec.Struct, frozen=True):
    """Fields that were not compared."""

    asked: Sequence[str]
    times: Sequence[str]
    unique: Sequence[str]


class Explained(msgspec.Struct, frozen=True):
    """What differs most."""

    selection: Side
    baseline: Side
    findings: Sequence[FindingTold]
    patterns: Sequence[PatternTold]
    left_out: LeftOutTold
    complete: bool


def explain(api: Api, asked: dict[str, object]) -> Explained:
    """Raises as `Api.post`."""
    return api.post("/api/v1/explain", asked, Explained)
