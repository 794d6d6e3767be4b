"""Tables that pipes make, by parts: which can be, and how they become whole again."""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cordwood.model.answer import Row
from cordwood.model.event import format_timestamp, parse_timestamp
from cordwood.model.plan import Plan
from cordwood.model.search import spans
from cordwood.model.search.expressions import Call, Column
from cordwood.model.search.field import DERIVED_TIMES, TIMESTAMP, name_of
from cordwood.model.search.pipes import Aggregate, Extract, Limit, Pipe, Sort, Stats, Timechart, Top, Where
from cordwood.model.tenant import Tenant
from cordwood.query.slices.merging import Groups, Merge, add, decoded, encoded, order_key, real
from cordwood.query.slices.parts import Part, can_be_cut, place_of
from cordwood.query.slices.recipe import Found, TooMany
from cordwood.store.interface import Reader

_TIME = name_of(TIMESTAMP)
_COUNT = Aggregate("count", None, "count")


class _Asked(Struct, frozen=True):
    """What an aggregate is put together from: columns that are asked for, and what becomes of their merged values."""

    name: str
    columns: Sequence[tuple[Aggregate, Merge]]
    finish: Callable[[Sequence[Any]], Any]
    if_none: Any = None
    """The value of no events."""


class Tables:
    """`where`, `extract`, then one of `stats`, `timechart`, `top` and `rare`, then `sort` and `limit`."""

    def __init__(
        self, before: Sequence[Pipe], made: Stats | Timechart | Top, behind: Sequence[Sort | Limit], span_us: int | None
    ) -> None:
        """Raises ValueError for what cannot be put together."""
        self._before = before
        self._made = made
        self._behind = behind
        self.span_us = span_us
        aggregates = (_COUNT,) if isinstance(made, Top) else made.aggregates
        self._by = [*made.by, *(made.fields if isinstance(made, Top) else ())]
        self._names = [name_of(field) for field in self._by]
        if any(field.derived in DERIVED_TIMES for field in self._by) or len({*self._names}) < len(self._names):
            raise ValueError("grouped by times, or by one field twice")
        self._aggregates = [_asked(each, span_us) for each in aggregates]
        columns = [column for each in self._aggregates for column in each.columns]
        self._columns = [replace(column, name=f"#{number}") for number, (column, _) in enumerate(columns)]
        if not {*self._names, _TIME}.isdisjoint(column.name for column in self._columns) or _TIME in self._names:
            raise ValueError("names that are taken")
        self.how: Sequence[Merge] = [how for _, how in columns]
        # Without what comes behind it: sorted otherwise, the parts are the same.
        self.question: tuple[object, ...] = ("table", self._before, self._columns, self._by, span_us)

    async def ask(
        self, reader: Reader, plan: Plan, tenant: Tenant, parts: Sequence[Part], span_us: int, most: int
    ) -> Found:
        """See `Recipe.ask`."""
        stats = Stats(tuple(self._columns), tuple(self._by), span_us)
        groups: list[Groups] = [{} for _ in parts]
        names = [column.name for column in self._columns]
        starts: dict[str, int] = {}
        count = 0
        blocks = reader.rows(replace(plan, limit=most + 1), [*self._before, stats], tenant)
        async with contextlib.AsyncExitStack() as stack:
            if isinstance(blocks, AsyncGenerator):
                await stack.enter_async_context(contextlib.aclosing(blocks))
            async for block in blocks:
                count += len(block)
                if count > most:
                    raise TooMany
                for row in block:
                    text = row.columns[_TIME]
                    start_us = starts.get(text)
                    if start_us is None:
                        start_us = starts[text] = parse_timestamp(text) or 0
                    key = [row.columns[name] for name in self._names]
                    if self.span_us is not None:
                        key = [spans.start_of(start_us, self.span_us), *key]
                    found = groups[place_of(parts, start_us)]
                    # Rows of one group come in the order of time.
                    add(found, encoded(key).decode(), [row.columns[name] for name in names], self.how)
        return Found(groups)

    def rows(self, groups: Groups) -> list[Row]:
        """The whole answer."""
        found = [self._row(decoded(group), values) for group, values in groups.items()]
        if isinstance(self._made, Top):
            found = _top(found, self._made)
        else:
            if not found and not self._names and self.span_us is None:
                found = [{each.name: each.if_none for each in self._aggregates}]
            order = [_TIME, *self._names] if isinstance(self._made, Timechart) else [*self._names, _TIME]
            found.sort(key=lambda row: [order_key(row[name]) for name in order if name in row])
        for pipe in self._behind:
            if isinstance(pipe, Limit):
                found = found[pipe.offset : pipe.offset + pipe.count]
            else:
                for key in reversed(pipe.keys):
                    found = _sorted(found, name_of(key.field), is_descending=key.is_descending)
        return [Row(None, row) for row in found]

    def _row(self, group: list[Any], values: Sequence[Any]) -> dict[str, Any]:
        time = {} if self.span_us is None else {_TIME: format_timestamp(group.pop(0))}
        by = dict(zip(self._names, group, strict=True))
        row = {**time, **by} if isinstance(self._made, Timechart) else {**by, **time}
        place = 0
        for each in self._aggregates:
            row[each.name] = each.finish(values[place : place + len(each.columns)])
            place += len(each.columns)
        return row


def recipe_of(plan: Plan, pipes: Sequence[Pipe]) -> Tables | None:
    """How the table is put together that pipes make of a plan's events; None if it cannot be."""
    at = next((at for at, pipe in enumerate(pipes) if not isinstance(pipe, Where | Extract)), len(pipes))
    made = pipes[at] if at < len(pipes) else None
    behind = [pipe for pipe in pipes[at + 1 :] if isinstance(pipe, Sort | Limit)]
    if not isinstance(made, Stats | Timechart | Top) or len(behind) < len(pipes) - at - 1:
        return None
    span_us = None if isinstance(made, Top) else made.span_us
    if isinstance(made, Timechart) and span_us is None:
        span_us = spans.fitting(plan.start_us, plan.end_us)
    if span_us is not None and not can_be_cut(span_us):
        return None
    try:
        return Tables(pipes[:at], made, behind, span_us)
    except ValueError:
        return None


def _asked(asked: Aggregate, span_us: int | None) -> _Asked:
    """Raises ValueError."""
    match asked.function:
        case "count":
            return _Asked(asked.name, [(asked, "add")], _only, 0)
        case "rate" if span_us is not None:
            seconds = span_us / 1_000_000
            count = replace(asked, function="count", argument=None)
            return _Asked(asked.name, [(count, "add")], lambda values: real(values[0] / seconds))
        case "sum":
            return _Asked(asked.name, [(asked, "add")], lambda values: real(values[0]))
        case "first" | "last" as function:
            return _Asked(asked.name, [(asked, function)], _only)
        case "min" | "max" as function if isinstance(asked.argument, Column):
            return _Asked(asked.name, [(asked, "least" if function == "min" else "greatest")], _only)
        case "avg" if isinstance(asked.argument, Column):
            total = replace(asked, function="sum")
            count = replace(asked, function="count", argument=Call("tonumber", (asked.argument,)))
            return _Asked(asked.name, [(total, "add"), (count, "add")], _quotient)
    raise ValueError(f"{asked.function} of a whole does not follow from those of its parts")


def _only(values: Sequence[Any]) -> Any:
    return values[0]


def _quotient(values: Sequence[Any]) -> float | int | None:
    total, count = values
    return None if total is None or not count else real(total / count)


def _top(rows: list[dict[str, Any]], pipe: Top) -> list[dict[str, Any]]:
    fields, by = list(map(name_of, pipe.fields)), list(map(name_of, pipe.by))
    there = [row for row in rows if all(row[name] is not None for name in fields)]
    sign = 1 if pipe.is_rare else -1
    there.sort(
        key=lambda row: (
            [order_key(row[name]) for name in by], sign * row["count"], [order_key(row[name]) for name in fields]
        )
    )  # fmt: skip
    counts: Counter[str] = Counter()
    first: list[dict[str, Any]] = []
    for row in there:
        group = encoded([row[name] for name in by]).decode()
        counts[group] += 1
        if counts[group] <= pipe.count:
            first.append(row)
    return first


def _sorted(rows: list[dict[str, Any]], name: str, *, is_descending: bool) -> list[dict[str, Any]]:
    """Null is last, also from the greatest; texts that spell a number are equal to it."""
    there = [row for row in rows if row.get(name) is not None]
    missing = [row for row in rows if row.get(name) is None]
    return sorted(there, key=lambda row: order_key(row[name])[:2], reverse=is_descending) + missing
