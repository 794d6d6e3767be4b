"""What people make: saved queries, alert rules with their receivers, silences."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

MASK = "***"
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}$"
NO_MATCHES = "no matches"
CONDITION_PATTERN = "^(?:(?:>=|<=|>|<|=) ?-?[0-9]{1,15}(?:[.][0-9]{1,9})?|no matches)$"

Severity = Literal["info", "warning", "critical"]
_Address = Annotated[str, Meta(min_length=3, max_length=254, examples=["oncall@example.invalid"])]
_Url = Annotated[str, Meta(min_length=8, max_length=2000, examples=["https://hooks.example.invalid/alerts"])]
_Span = Annotated[str, Meta(min_length=2, max_length=40, examples=["5m"])]
Text = Annotated[str, Meta(max_length=1000)]
Labels = Annotated[
    Mapping[Annotated[str, Meta(min_length=1, max_length=100)], Annotated[str, Meta(max_length=200)]],
    Meta(max_length=20),
]

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_CONDITION = re.compile("(>=|<=|>|<|=) ?(-?[0-9]{1,15}(?:[.][0-9]{1,9})?)")


class Webhook(Struct, frozen=True, tag_field="kind", tag="webhook", forbid_unknown_fields=True):
    """JSON to a URL, signed when there is a secret."""

    url: _Url
    secret: Annotated[str, Meta(max_length=200)] = ""


class Slack(Struct, frozen=True, tag_field="kind", tag="slack", forbid_unknown_fields=True):
    """A message to an incoming webhook of Slack, or of what takes the same."""

    url: _Url


class Email(Struct, frozen=True, tag_field="kind", tag="email", forbid_unknown_fields=True):
    """A mail to each of these."""

    to: Annotated[tuple[_Address, ...], Meta(min_length=1, max_length=20)]


Receiver = Webhook | Slack | Email


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events that match `query` are counted over `window`, every `interval`; the rule fires when the count fulfils
    `condition` `for` times in a row. Of a table that pipes make it is the number of any row; `value` names its column,
    where there are several."""

    query: Annotated[str, Meta(max_length=65_536, examples=["level:error service:checkout"])]
    window: _Span = "5m"
    interval: _Span = "1m"
    condition: Annotated[str, Meta(pattern=CONDITION_PATTERN, examples=["> 100", "no matches"])] = "> 0"
    value: Annotated[str, Meta(min_length=1, max_length=200, examples=["slow"])] | UnsetType = UNSET
    consecutive: Annotated[int, Meta(ge=1, le=1000)] = field(name="for", default=1)
    severity: Severity = "warning"
    labels: Labels = {}
    about: Text = ""
    receivers: Annotated[tuple[Receiver, ...], Meta(max_length=20)] = ()
    tells_resolved: bool = True
    is_enabled: bool = field(name="enabled", default=True)


class SavedQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query under a name, with the time range that it is asked for."""

    query: Annotated[str, Meta(max_length=65_536)]
    start: Annotated[str, Meta(max_length=40, examples=["-1h"])] | None = None
    end: Annotated[str, Meta(max_length=40)] | None = None
    about: Text = ""


class Silence(Struct, frozen=True, kw_only=True):
    """From `start_us` on and before `end_us`, rules that it matches tell nobody."""

    id: UUID
    rule: str | None
    labels: Mapping[str, str]
    start_us: int
    end_us: int
    comment: str
    author: str

    def covers(self, name: str, rule: Rule, at_us: int) -> bool:
        """Whether it keeps a rule quiet at a time. A rule's severity counts as a label, too."""
        if not self.start_us <= at_us < self.end_us or self.rule not in (None, name):
            return False
        labels = {**rule.labels, "severity": rule.severity}
        return all(labels.get(key) == value for key, value in self.labels.items())


class Condition(Struct, frozen=True):
    """A comparison with a number."""

    sign: str
    threshold: float

    def holds(self, value: float) -> bool:
        return _OPERATORS[self.sign](value, self.threshold)

    def badness(self, value: float) -> float:
        """What orders values, the larger the worse: if any value fulfils the condition, the worst one does."""
        if self.sign == "=":
            return -abs(value - self.threshold)
        return value if self.holds_only_above() else -value

    def holds_only_above(self) -> bool:
        """Whether what a larger count does not fulfil, no smaller one does."""
        return self.sign in (">", ">=")


def condition_of(text: str) -> Condition | None:
    """`> 100`, or `no matches`; None for anything else."""
    if text == NO_MATCHES:
        return Condition("=", 0)
    found = _CONDITION.fullmatch(text)
    return Condition(found[1], float(found[2])) if found else None


def masked(receiver: Receiver) -> Receiver:
    """A receiver as it may be shown: of an address its host alone, as the rest is often what lets one in."""
    match receiver:
        case Webhook(url=url, secret=secret):
            return Webhook(masked_url(url), MASK if secret else "")
        case Slack(url=url):
            return Slack(masked_url(url))
        case Email():
            return receiver


def masked_url(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/{MASK}"


def masked_rule(rule: Rule) -> Rule:
    """A rule as it may be shown."""
    return replace(rule, receivers=tuple(map(masked, rule.receivers)))


def unmasked(rule: Rule, before: Rule | None) -> Rule:
    """A rule that was shown, changed and sent again: masked receivers are those of the rule as it was, in order."""
    kept: dict[Receiver, list[Receiver]] = {}
    for receiver in before.receivers if before else ():
        kept.setdefault(masked(receiver), []).append(receiver)
    return replace(rule, receivers=tuple(kept[each].pop(0) if kept.get(each) else each for each in rule.receivers))
