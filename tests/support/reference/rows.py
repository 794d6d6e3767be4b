"""Rows: an event with what pipes have set beside it, or the row of a table; and what their values are."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.match import Seen
from cordwood.language.quantities import number_text, spelled_number
from cordwood.language.texts import like_regex
from cordwood.language.values import double_of, values_at
from cordwood.model.event import format_timestamp
from cordwood.model.search.field import DERIVED_TIMES, Field, name_of

Value = Any
"""None, a bool, an int of 64 bits, a finite float, a text, or a Moment."""


class Moment(NamedTuple):
    """A time in µs since 1970 UTC."""

    us: int


class Row:
    """`event` is None in a table. `columns` hide the event's fields, `hidden` names are not there any more."""

    def __init__(
        self,
        event: Seen | None,
        columns: Mapping[str, Any],
        hidden: tuple[str, ...] = (),
        origin: "tuple[Row, tuple[str, ...]] | None" = None,
    ) -> None:
        """`origin`: of a table that was chosen by patterns, the row it was chosen from, and these."""
        self.event = event
        self.columns = dict(columns)
        self.hidden = hidden
        self.origin = origin

    def with_columns(self, columns: Mapping[str, Any]) -> "Row":
        return Row(self.event, {**self.columns, **columns}, self.hidden, self.origin)

    def without(self, pattern: str) -> "Row":
        """Without the columns and fields that a pattern names."""
        kept = {name: value for name, value in self.columns.items() if not covers(pattern, name)}
        return Row(self.event, kept, (*self.hidden, pattern), self.origin)

    def raw(self, field: Field) -> Any:
        """The value as JSON has it, or a Moment: the first that is not null of the ways that a name can be read."""
        name = name_of(field)
        if name in self.columns:
            return self.columns[name]
        if self.origin is not None:
            return self._raw_in_origin(name)
        if self.event is None or any(hides(pattern, name) for pattern in self.hidden):
            return None
        if field.derived in DERIVED_TIMES:
            return Moment(self.event.time(field.name))
        if field.derived is not None:
            return self.event.derived(field.name)
        return next((value for value in values_at(self.event.data, field.name) if value is not None), None)

    def _raw_in_origin(self, name: str) -> Any:
        """What a pattern shows may lead into an array."""
        assert self.origin is not None
        row, patterns = self.origin
        is_shown = any(covers(pattern, name) for pattern in patterns)
        if not is_shown or any(covers(pattern, name) for pattern in self.hidden):
            return None
        return row.raw(Field(name, is_sent=True) if row.event is not None and name not in row.columns else Field(name))

    def value(self, field: Field) -> Value:
        """The same as pipes see it."""
        return usable(self.raw(field))

    def is_event_field(self, field: Field) -> bool:
        """Whether a filter on the field asks the event itself."""
        name = name_of(field)
        return (
            self.event is not None
            and name not in self.columns
            and not any(hides(pattern, name) for pattern in self.hidden)
        )


def covers(pattern: str, name: str) -> bool:
    return compile_regex(like_regex(pattern)).search(name) is not None


def hides(pattern: str, name: str) -> bool:
    """Whether leaving out a field leaves out another: itself, or what is within it; derived or sent."""
    parts = name.removeprefix(".").split(".")
    return any(covers(pattern, ".".join(parts[:length])) for length in range(1, len(parts) + 1))


def usable(raw: Any) -> Value:
    match raw:
        case Moment() | None | bool() | str():
            return raw
        case int():
            return raw if -(1 << 63) <= raw < 1 << 63 else usable(double_of(raw))
        case float():
            return raw if isfinite(raw) else None
        case _:
            return None  # an array or object is there, but of no use


def number(value: Value) -> float | int | None:
    """A number, or the one that a text spells; of a time none."""
    if isinstance(value, str):
        spelled = spelled_number(value)
        return spelled if spelled is not None and isfinite(spelled) else None
    if isinstance(value, Moment | bool) or not isinstance(value, int | float):
        return None
    return value


def quantity(value: Value) -> float | None:
    """What arithmetic sees: a number as a double, a time as seconds."""
    if isinstance(value, Moment):
        return value.us / 1_000_000
    found = number(value)
    return None if found is None else float(found)


def text(value: Value) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Moment(us=us):
            return format_timestamp(us)
        case int():
            return str(value)
        case float():
            return number_text(value)
        case _:
            return None


def group_key(value: Value) -> tuple[object, ...]:
    """Equal for values of one group."""
    match value:
        case None:
            return ("null",)
        case bool():
            return ("boolean", value)
        case Moment(us=us):
            return ("time", us)
        case str():
            return ("text", value)
        case int() | float():
            return ("number", value)
        case _:
            return ("null",)


def order_key(value: Value) -> tuple[int, Any, int, str]:
    """What values are ordered by, null last."""
    found = number(value)
    if found is not None:
        return (0, found, int(isinstance(value, str)), value if isinstance(value, str) else "")
    match value:
        case Moment(us=us):
            return (1, us, 0, "")
        case str():
            return (2, value, 0, "")
        case bool():
            return (3, int(value), 0, "")
        case _:
            return (4, 0, 0, "")


def shown(row: Row) -> dict[str, Any]:
    """As an answer gives it: times as texts; of an event what was sent, less what is hidden, and the columns."""
    sent = {} if row.event is None else row.event.data
    for pattern in row.hidden:
        sent = _pruned(sent, pattern, "")
    return {**sent, **{name: _shown(value) for name, value in row.columns.items()}}


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return text(value) if isinstance(value, Moment) else value


def _pruned(data: dict[str, Any], pattern: str, above: str) -> dict[str, Any]:
    kept = {}
    for key, value in data.items():
        name = f"{above}{key}"
        if hides(pattern, name):
            continue
        kept[key] = _pruned(value, pattern, f"{name}.") if isinstance(value, dict) else value
    return kept


def leaves(row: Row) -> dict[str, Any]:
    """Dotted path → value of everything that is no object, and of the columns, ordered by name."""
    found: dict[str, Any] = {}
    waiting = [("", shown(Row(row.event, {}, row.hidden)))]
    while waiting:
        above, data = waiting.pop(0)
        for key, value in data.items():
            if isinstance(value, dict):
                waiting.append((f"{above}{key}.", value))
            else:
                found.setdefault(f"{above}{key}", value)
    return dict(sorted({**found, **row.columns}.items()))
