"""Rows of a statement → rows of an answer."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cordwood.language.match import Seen
from cordwood.language.match import seen as decoded
from cordwood.language.values import values_at
from cordwood.model.answer import Row, StoredEvent
from cordwood.model.event import format_timestamp
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.store.sql.compiler import Shown
from cordwood.store.sql.scope import Alias, hides
from cordwood.store.sql.value import Kind

_MOST_WHOLE = 1 << 53


Items = Callable[[Any], list[Any]]
"""What makes a list of values out of what the database gives for one."""


def rows_shown(
    shown: Shown, found: Sequence[Sequence[Any]], events: Sequence[StoredEvent | None], items: Items
) -> list[Row]:
    """`found`: the columns of the statement, those of the reference at their end; `events`: that of each row, if any.
    CPU-heavy: for threads."""
    return [_row(shown, values, event, items) for values, event in zip(found, events, strict=True)]


def _row(shown: Shown, found: Sequence[Any], event: StoredEvent | None, items: Items) -> Row:
    computed: dict[str, Any] = {}
    for (name, kind), value in zip(shown.parts, found, strict=False):
        if value is not None:
            computed[name] = items(value) if kind == "items" else part_shown(kind, value)
    seen = None if event is None else decoded(event)
    leaves = leaves_of(seen.data) if seen is not None and shown.scope.wild else {}
    columns: dict[str, Any] = {}
    for name, column in shown.scope.columns.items():
        if isinstance(column, Alias):
            assert seen is not None, "aliases need the event"
            value = _raw(seen, column.field)
            if column.is_asked or value is not None or column.field.name in leaves:
                columns[name] = value
        else:
            columns[name] = computed.get(name)
    if event is None or seen is None:
        return Row(None, columns)
    if shown.scope.is_table:
        return Row(None, {**{name: value for name, value in leaves.items() if shown.scope.shows(name)}, **columns})
    if shown.scope.hidden:
        kept = _pruned(seen.data, shown.scope.hidden, "")
        event = msgspec.structs.replace(event, data=_encoded(kept))
    return Row(event, columns)


def part_shown(kind: Kind, value: Any) -> Any:
    """A part of a value as JSON has it."""
    match kind:
        case "real":
            is_whole = value.is_integer() and abs(value) < _MOST_WHOLE
            return int(value) if is_whole else value
        case "time":
            return format_timestamp(value)
        case _:
            return value


def value_shown(parts: Mapping[Kind, Any]) -> Any:
    """A value out of all its parts, of which at most one is not null."""
    return next((part_shown(kind, value) for kind, value in parts.items() if value is not None), None)


def _encoded(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _raw(seen: Seen, field: Field) -> Any:
    if field.derived in DERIVED_TIMES:
        return format_timestamp(seen.time(field.name))
    if field.derived is not None:
        return seen.derived(field.name)
    return next((value for value in values_at(seen.data, field.name) if value is not None), None)


def _pruned(data: dict[str, Any], hidden: Iterable[str], above: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{above}{key}"
        if any(hides(pattern, name) for pattern in hidden):
            continue
        kept[key] = _pruned(value, hidden, f"{name}.") if isinstance(value, dict) else value
    return kept


def leaves_of(data: dict[str, Any]) -> dict[str, Any]:
    """Dotted path → value of everything that is no object, ordered by name."""
    found: dict[str, Any] = {}
    waiting = [("", data)]
    for above, inner in waiting:
        for key, value in inner.items():
            name = f"{above}{key}"
            if isinstance(value, dict):
                waiting.append((f"{name}.", value))
            else:
                found.setdefault(name, value)
    return dict(sorted(found.items()))
