"""How a rule's state goes on, evaluation by evaluation."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from cordwood.model.alerts.found import Found

Status = Literal["ok", "pending", "firing", "unknown"]
Kind = Literal["firing", "resolved", "unknown", "known"]
"""What receivers are told: `known` ends an `unknown` in which nothing had fired."""


class State(Struct, frozen=True, kw_only=True):
    """Where a rule stands. Times are µs since 1970 UTC."""

    status: Status = "ok"
    since_us: int
    matches: int = 0
    """Evaluations in a row that fulfilled the condition."""
    value: float | None = None
    evaluated_us: int | None = None
    """The last evaluation time that was answered."""
    note: str = ""
    error: str = ""
    failing_since_us: int | None = None
    is_firing: bool = False
    """Also beneath `unknown`: what fires is not resolved by not being known."""
    is_told: bool = False
    """Whether receivers were told that it fires."""
    skipped: int = 0
    """Evaluation times that nobody evaluated, as too many had been missed."""
    found: Found | UnsetType = UNSET
    """Of the last evaluation that was answered, where the rule's query makes a table."""


def after_value(
    state: State,
    at_us: int,
    value: float | None,
    *,
    is_match: bool,
    needed: int,
    note: str = "",
    found: Found | UnsetType = UNSET,
) -> tuple[State, Kind | None]:
    """The state after an evaluation that was answered, and what there is to tell."""
    matches = state.matches + 1 if is_match else 0
    fires = is_match and (state.is_firing or matches >= needed)
    status: Status = "firing" if fires else "pending" if is_match else "ok"
    kind: Kind | None = None
    if fires and (not state.is_firing or state.status == "unknown"):
        kind = "firing"
    elif state.is_firing and not fires:
        kind = "resolved"
    elif state.status == "unknown":
        kind = "known"
    after = replace(
        state,
        status=status,
        since_us=state.since_us if status == state.status else at_us,
        matches=matches,
        value=value,
        evaluated_us=at_us,
        note=note,
        error="",
        failing_since_us=None,
        is_firing=fires,
        found=found,
    )
    return after, kind


def after_failure(state: State, now_us: int, error: str, unknown_after_us: int) -> tuple[State, Kind | None]:
    """The state after an evaluation that failed. Only after a while of nothing else it becomes unknown, never ok."""
    since_us = now_us if state.failing_since_us is None else state.failing_since_us
    after = replace(state, error=error, failing_since_us=since_us)
    if state.status == "unknown" or now_us - since_us < unknown_after_us:
        return after, None
    return replace(after, status="unknown", since_us=now_us), "unknown"
