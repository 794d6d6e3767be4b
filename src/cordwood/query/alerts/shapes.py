"""What the endpoints of alerts take and answer."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from cordwood.alerts.interface import DeliveryStatus
from cordwood.model.alerts.found import HeldGroup
from cordwood.model.alerts.rule import Labels, Receiver, Rule, SavedQuery, Text
from cordwood.model.alerts.state import Kind, Status
from cordwood.query.alerts.backtest import Backtest

Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["checkout-errors"])]
_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Count = Annotated[int, Meta(ge=0)]
Days = Annotated[int, Meta(ge=0, le=366)]
_Time = Annotated[str, Meta(max_length=40, examples=["2026-11-23T10:00:00Z"])]


class NamedQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A saved query."""

    name: Name
    saved: SavedQuery


class SavedQueryList(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them, by name."""

    saved_queries: Sequence[NamedQuery]


class Deleted(Struct, frozen=True, forbid_unknown_fields=True):
    """What is gone."""

    deleted: str


class RuleState(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a rule stands. `evaluated_at` is the last evaluation time that was answered, `next_at` the next one.
    `error` tells why it cannot be evaluated just now, `note` what its value lacks. `groups` are those of a table for
    which the condition held, the worst first."""

    status: Status
    since: _Moment
    matches_in_a_row: _Count
    value: float | None
    evaluated_at: _Moment | None
    next_at: _Moment | None
    failing_since: _Moment | None
    error: str
    note: str
    skipped: _Count
    silenced: bool
    groups: Sequence[HeldGroup] | UnsetType = UNSET


class RuleAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule, its receivers masked, and its state."""

    name: Name
    rule: Rule
    state: RuleState


class RuleList(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them, by name."""

    rules: Sequence[RuleAnswer]


class RulePut(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that was made or changed, and when it would have fired; `backtest_error` says why nobody knows."""

    name: Name
    rule: Rule
    state: RuleState
    backtest: Backtest | None
    backtest_error: str


class Trial(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule to try on the past, and on how much of it."""

    rule: Rule
    days: Annotated[int, Meta(ge=1, le=366)] = 7


class TestDelivery(Struct, frozen=True, forbid_unknown_fields=True):
    """What a receiver made of a test message."""

    receiver: Receiver
    delivered: bool
    error: str


class TestAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """Of all receivers; those of a mail one by one."""

    deliveries: Sequence[TestDelivery]


class NewSilence(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules, by name, labels or both; from now on if no `start` is given, to `end` or for `duration`."""

    rule: Name | None = None
    labels: Labels = {}
    start: _Time | None = None
    end: _Time | None = None
    duration: Annotated[str, Meta(max_length=40, examples=["2h"])] | None = None
    comment: Text = ""


class SilenceAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """A silence."""

    id: UUID
    rule: str | None
    labels: Mapping[str, str]
    start: _Moment
    end: _Moment
    comment: str
    author: str


class SilenceList(Struct, frozen=True, forbid_unknown_fields=True):
    """Those that have not ended, the next to end first."""

    silences: Sequence[SilenceAnswer]


class DeliveryAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one message: `id` is what the receiver saw."""

    id: UUID
    receiver: Receiver
    status: DeliveryStatus
    attempts: _Count
    error: str
    done_at: _Moment | None


class EntryAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """A transition. `silence` is the id of what kept receivers from hearing of it,
    `groups` as of a rule's state."""

    id: UUID
    rule: str
    kind: Kind
    at: _Moment
    value: float | None
    error: str
    note: str
    silence: UUID | None
    deliveries: Sequence[DeliveryAnswer]
    groups: Sequence[HeldGroup] | UnsetType = UNSET


class History(Struct, frozen=True, forbid_unknown_fields=True):
    """Transitions, the latest first; `next` is the `cursor` of the page behind this one."""

    history: Sequence[EntryAnswer]
    next: UUID | None
