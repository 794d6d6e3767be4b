"""Which events are compared with which others."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from cordwood.errors import BadRequest
from cordwood.language.filters.joining import any_of
from cordwood.model.event import MIN_TIMESTAMP_US
from cordwood.model.plan import Plan
from cordwood.model.search.field import TIMESTAMP, Field
from cordwood.model.search.filters import And, Everything, Filter, Not, Or, Words
from cordwood.query.parameters import parse_time, plan_of

MOST_FINDINGS = 50


class Compared(Struct, frozen=True, forbid_unknown_fields=True):
    """What the selection is compared with: what is not given is that of the selection. An empty query: every event."""

    query: str | None = None
    start: str | None = None
    end: str | None = None


class Explain(Struct, frozen=True, forbid_unknown_fields=True):
    """The selection, and what it is compared with: if that is not given, the same query over the equally long window
    before; without `start`, the same window without the query."""

    query: str | None = None
    start: str | None = None
    end: str | None = None
    baseline: Compared | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_FINDINGS)] = 10


class Sides(Struct, frozen=True):
    """The events to explain, and those that they are compared with."""

    selection: Plan
    baseline: Plan

    @property
    def each(self) -> tuple[Plan, Plan]:
        return self.selection, self.baseline

    @property
    def both(self) -> Plan:
        """What can see all that either can: times in between too."""
        starts, ends = zip(*((each.start_us, each.end_us) for each in self.each), strict=True)
        return Plan(
            start_us=None if None in starts else min(starts),
            end_us=None if None in ends else max(ends),
            filter=_either(self.selection.filter, self.baseline.filter),
        )

    @property
    def asked_of(self) -> frozenset[str]:
        """The fields that differ because the question says so."""
        if self.selection.filter == self.baseline.filter:
            return frozenset()
        return frozenset(field.name for each in self.each for field in _fields_of(each.filter)) - {TIMESTAMP.name}


def sides_of(asked: Explain, now_us: int) -> Sides:
    """Raises BadRequest, naming what is at fault, and BadQuery."""
    selection = _plan("", asked.query, asked.start, asked.end, now_us)
    if selection.start_us is not None and selection.end_us is None:
        selection = _in_order("", replace(selection, end_us=now_us))
    given = asked.baseline
    if given is None or given == Compared():
        return Sides(selection, _usual(selection))
    if given.start is None and given.end is None:
        start_us, end_us = selection.start_us, selection.end_us
    else:
        start_us, end_us = _window(given, selection, now_us)
    found = selection.filter if given.query is None else _plan("baseline", given.query, None, None, now_us).filter
    sides = Sides(selection, _in_order("baseline", Plan(start_us=start_us, end_us=end_us, filter=found)))
    if sides.selection == sides.baseline:
        raise BadRequest("the baseline is the selection itself", hint="give it another query, start or end")
    return sides


def _usual(selection: Plan) -> Plan:
    if selection.start_us is not None and selection.end_us is not None:
        start_us = max(MIN_TIMESTAMP_US, 2 * selection.start_us - selection.end_us)
        return _in_order("baseline", replace(selection, start_us=start_us, end_us=selection.start_us))
    if selection.filter == Everything():
        raise BadRequest("there is nothing to compare", hint="give 'start', 'query' or both; or a 'baseline'")
    return replace(selection, filter=Everything())


def _window(given: Compared, selection: Plan, now_us: int) -> tuple[int | None, int | None]:
    """One end tells the other where the selection has both: windows are equally long."""
    start_us = None if given.start is None else parse_time("baseline.start", given.start, now_us)
    end_us = None if given.end is None else parse_time("baseline.end", given.end, now_us)
    if selection.start_us is not None and selection.end_us is not None:
        length_us = selection.end_us - selection.start_us
        if end_us is None and start_us is not None:
            end_us = start_us + length_us
        elif start_us is None and end_us is not None:
            start_us = max(MIN_TIMESTAMP_US, end_us - length_us)
    return start_us, end_us


def _plan(where: str, query: str | None, start: str | None, end: str | None, now_us: int) -> Plan:
    given = (("query", query or None), ("start", start), ("end", end))
    return _in_order(where, plan_of([(name, text) for name, text in given if text is not None], now_us))


def _in_order(where: str, plan: Plan) -> Plan:
    if plan.start_us is not None and plan.end_us is not None and plan.start_us >= plan.end_us:
        of = f"{where}." if where else ""
        raise BadRequest(f"'{of}start' is not before '{of}end'", hint="events with start <= timestamp < end are meant")
    return plan


def _either(one: Filter, other: Filter) -> Filter:
    if one == other or Everything() in (one, other):
        return one if one == other else Everything()
    return any_of((one, other))


def _fields_of(found: Filter) -> Iterator[Field]:
    match found:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields_of(part)
        case Not(part):
            yield from _fields_of(part)
        case Everything():
            pass
        case Words(field) if field is None:
            pass
        case _:
            if found.field is not None:
                yield found.field
