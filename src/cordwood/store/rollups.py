"""Which questions rollups can answer: those that only look at time, level and service, and count."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

from msgspec import Struct

from cordwood.model.histogram import By, Histogram, SpanCount, in_order
from cordwood.model.plan import Plan
from cordwood.model.search import spans
from cordwood.model.search.field import Field
from cordwood.model.search.filters import And, Everything, Filter, Not, Or
from cordwood.model.search.pipes import Aggregate, Patterns, Pipe, Stats, Timechart, Top
from cordwood.store.sql.table import Counts, Table
from cordwood.store.sql.value import Kind

Values: TypeAlias = tuple[str | None, ...]
Group: TypeAlias = tuple[int, Values]
"""When a span begins, in µs since 1970 (0 where nothing is counted by time), and the values of the fields."""

MOST_GROUPS = 100_000
"""For pipes; where there are more, these go through events."""


class Tally(Struct, frozen=True):
    """Events counted by span of time, if there is one, and fields."""

    span_us: int | None
    fields: tuple[By, ...]


def is_of_pairs(found: Filter) -> bool:
    """Whether a filter only looks at level and service."""
    match found:
        case Everything():
            return True
        case Not(part=part):
            return is_of_pairs(part)
        case And(parts=parts) | Or(parts=parts):
            return all(map(is_of_pairs, parts))
        case _:
            return found.field is not None and found.field.derived in ("level", "service")


def tally_of(plan: Plan, pipes: Sequence[Pipe]) -> Tally | None:
    """What the first of some pipes counts, if that is all it does with events: then `counts_of` are as good as they."""
    if not pipes or any(isinstance(pipe, Patterns) for pipe in pipes):
        return None
    match pipes[0]:
        case Stats(aggregates=aggregates, by=by, span_us=span_us) if _only_count(aggregates):
            return _tally(plan, span_us, by)
        case Timechart(aggregates=aggregates, by=by, span_us=span_us) if _only_count(aggregates):
            return _tally(plan, span_us or spans.fitting(plan.start_us, plan.end_us), by)
        case Top(fields=fields, by=by):
            return _tally(plan, None, (*fields, *by))
    return None


def _only_count(aggregates: Sequence[Aggregate]) -> bool:
    return all(each.function == "count" and each.argument is None and each.condition is None for each in aggregates)


def _tally(plan: Plan, span_us: int | None, fields: Sequence[Field]) -> Tally | None:
    names = [field.derived for field in dict.fromkeys(fields)]
    return Tally(span_us, tuple(names)) if is_of_pairs(plan.filter) and _are_counted_by(names) else None


def _are_counted_by(names: list[str | None]) -> TypeGuard[list[By]]:
    return all(name in ("level", "service") for name in names)


def counts_of(tally: Tally, found: Mapping[Group, int]) -> Counts:
    """What takes the place of the events that were counted."""
    columns: dict[str, tuple[Kind, Sequence[object]]] = {"timestamp": ("time", [start for start, _ in found])}
    for place, name in enumerate(tally.fields):
        columns[name] = ("text", [values[place] for _, values in found])
    return Counts(Table({**columns, "events": ("whole", list(found.values()))}), "events")


def histogram_of(found: Mapping[Group, int], rolled_up: int) -> Histogram:
    """Of a tally by one field, or none."""
    counts = (SpanCount(start, values[0] if values else None, events) for (start, values), events in found.items())
    return Histogram(in_order(counts), rolled_up)
