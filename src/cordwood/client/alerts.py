"""Saved queries and alerts on the server, as calls."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from cordwood.client.http import Api

_SAVED, _ALERTS = "/api/v1/saved-queries", "/api/v1/alerts"

Answer = dict[str, Any]
"""An answer that is shown as it came."""


class Saved(Struct, frozen=True):
    """What is saved under a name."""

    query: str
    start: str | None = None
    end: str | None = None
    about: str = ""


class Named(Struct, frozen=True):
    """A saved query with its name."""

    name: str
    saved: Saved


class _SavedList(Struct, frozen=True):
    saved_queries: Sequence[Named]


class Group(Struct, frozen=True):
    """A group of a table for which a condition held."""

    by: Answer
    value: float


class State(Struct, frozen=True):
    """Where a rule stands."""

    status: str
    since: str
    value: float | None
    error: str
    silenced: bool
    groups: Sequence[Group] = ()


class Rule(Struct, frozen=True):
    """A rule: what was made, and where it stands."""

    name: str
    rule: Answer
    state: State


class _RuleList(Struct, frozen=True):
    rules: Sequence[Rule]


class Firing(Struct, frozen=True):
    """One time that a rule would have fired."""

    start: str
    end: str | None
    peak: float


class Backtest(Struct, frozen=True):
    """When a rule would have fired."""

    start: str
    end: str
    complete: bool
    evaluations: int
    matches: int
    fired: int
    firings: Sequence[Firing]
    counts: int
    value: str = ""
    """The column that the peaks are of; empty for counts of events."""


class Put(Struct, frozen=True):
    """What became of a rule that was sent."""

    name: str
    backtest: Backtest | None
    backtest_error: str


class Tested(Struct, frozen=True):
    """What a receiver made of a test message."""

    receiver: Answer
    delivered: bool
    error: str


class _TestedList(Struct, frozen=True):
    deliveries: Sequence[Tested]


class Silence(Struct, frozen=True):
    """A silence."""

    id: str
    rule: str | None
    labels: Mapping[str, str]
    start: str
    end: str
    comment: str
    author: str


class _SilenceList(Struct, frozen=True):
    silences: Sequence[Silence]


class Delivery(Struct, frozen=True):
    """What became of a message."""

    receiver: Answer
    status: str
    attempts: int
    error: str


class Entry(Struct, frozen=True):
    """A transition of a rule."""

    rule: str
    kind: str
    at: str
    value: float | None
    error: str
    note: str
    silence: str | None
    deliveries: Sequence[Delivery]
    groups: Sequence[Group] = ()


class _History(Struct, frozen=True):
    history: Sequence[Entry]


def saved_queries(api: Api) -> Sequence[Named]:
    """All. These calls raise what `Api.get`, `Api.post`, `Api.put` and `Api.delete` raise."""
    return api.get(_SAVED, _SavedList).saved_queries


def saved_query(api: Api, name: str) -> Saved:
    return api.get(f"{_SAVED}/{quote(name, safe='')}", Named).saved


def save_query(api: Api, name: str, saved: Saved) -> None:
    api.put(f"{_SAVED}/{quote(name, safe='')}", saved, Named)


def delete_query(api: Api, name: str) -> None:
    api.delete(f"{_SAVED}/{quote(name, safe='')}", Answer)


def rules(api: Api) -> Sequence[Rule]:
    return api.get(f"{_ALERTS}/rules", _RuleList).rules


def rule(api: Api, name: str) -> Answer:
    return api.get(_rule(name), Answer)


def put_rule(api: Api, name: str, made: Answer, days: int | None) -> Put:
    return api.put(_rule(name) + ("" if days is None else f"?backtest_days={days}"), made, Put)


def delete_rule(api: Api, name: str) -> None:
    api.delete(_rule(name), Answer)


def test_rule(api: Api, name: str) -> Sequence[Tested]:
    return api.post(f"{_rule(name)}/test", {}, _TestedList).deliveries


def backtest(api: Api, made: Answer, days: int) -> Backtest:
    return api.post(f"{_ALERTS}/backtest", {"rule": made, "days": days}, Backtest)


def silences(api: Api) -> Sequence[Silence]:
    return api.get(f"{_ALERTS}/silences", _SilenceList).silences


def silence(api: Api, asked: Answer) -> Silence:
    return api.post(f"{_ALERTS}/silences", asked, Silence)


def end_silence(api: Api, silence_id: str) -> None:
    api.delete(f"{_ALERTS}/silences/{quote(silence_id, safe='')}", Answer)


def history(api: Api, name: str | None, limit: int) -> Sequence[Entry]:
    parameters = [("limit", str(limit))] + ([("rule", name)] if name is not None else [])
    return api.get(f"{_ALERTS}/history", _History, parameters).history


def _rule(name: str) -> str:
    return f"{_ALERTS}/rules/{quote(name, safe='')}"
