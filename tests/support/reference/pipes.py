"""What a search answers about a list of events."""

from collections.abc import Callable, Iterable
from hashlib import md5
from typing import Any, NamedTuple

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.match import Seen, matcher
from cordwood.model.search import spans
from cordwood.model.search.field import TIMESTAMP, Field, field_named, name_of
from cordwood.model.search.pipes import (
    Aggregate,
    Dedup,
    Eval,
    Extract,
    Fields,
    Limit,
    Patterns,
    Pipe,
    Rename,
    Sample,
    Search,
    Sort,
    Stats,
    Timechart,
    Top,
    Where,
)
from cordwood.model.search.wildcards import literal, plain
from tests.support.reference.aggregates import aggregate
from tests.support.reference.expressions import evaluate
from tests.support.reference.rows import Moment, Row, covers, group_key, leaves, order_key, shown, text


class TimeRange(NamedTuple):
    """start ≤ timestamp < end in µs since 1970 UTC; None is open."""

    start_us: int | None = None
    end_us: int | None = None

    @property
    def seconds(self) -> float | None:
        if self.start_us is None or self.end_us is None:
            return None
        return (self.end_us - self.start_us) / 1_000_000


ALWAYS = TimeRange()


def answer(search: Search, events: Iterable[Seen], within: TimeRange = ALWAYS) -> list[dict[str, Any]]:
    """The rows of the answer, in its order."""
    return [shown(row) for row in rows_of(search, events, within)]


def rows_of(search: Search, events: Iterable[Seen], within: TimeRange = ALWAYS) -> list[Row]:
    """The same before they are shown. Events come newest first."""
    is_match = matcher(search.filter)
    newest_first = sorted(events, key=lambda each: (each.timestamp_us, each.id.int), reverse=True)
    rows = [
        Row(each, {})
        for each in newest_first
        if (within.start_us is None or each.timestamp_us >= within.start_us)
        and (within.end_us is None or each.timestamp_us < within.end_us)
        and is_match(each)
    ]
    for pipe in search.pipes:
        rows = _through(pipe, rows, within)
    return rows


def _through(pipe: Pipe, rows: list[Row], within: TimeRange) -> list[Row]:
    match pipe:
        case Where(condition=condition):
            return [row for row in rows if evaluate(condition, row) is True]
        case Stats(aggregates=aggregates, by=by, span_us=span_us):
            return _stats(rows, aggregates, [*by, *([TIMESTAMP] if span_us else [])], span_us, within)
        case Timechart(aggregates=aggregates, by=by, span_us=span_us):
            span_us = span_us or spans.fitting(within.start_us, within.end_us)
            return _stats(rows, aggregates, [TIMESTAMP, *by], span_us, within)
        case Top():
            return _top(rows, pipe)
        case Sort(keys=keys):
            for key in reversed(keys):
                rows = _sorted(rows, key.field, is_descending=key.is_descending)
            return rows
        case Limit(count=count, offset=offset):
            return rows[offset : offset + count]
        case Fields(patterns=patterns, is_excluding=True):
            for pattern in patterns:
                rows = [row.without(pattern) for row in rows]
            return rows
        case Fields(patterns=patterns):
            wild = tuple(pattern for pattern in patterns if plain(pattern) is None)
            return [Row(None, _chosen(row, patterns), origin=(row, wild) if wild else None) for row in rows]
        case Rename(pairs=pairs):
            for field, name in pairs:
                rows = [_renamed(row, field, name) for row in rows]
            return rows
        case Dedup(count=count, fields=fields):
            return _dedup(rows, count, fields)
        case Extract(pattern=pattern, field=field):
            return [row.with_columns(_extracted(row, pattern, field)) for row in rows]
        case Eval(columns=columns):
            for name, expression in columns:
                rows = [row.with_columns({name: evaluate(expression, row)}) for row in rows]
            return rows
        case Sample():
            return _sample(rows, pipe)
        case Patterns():
            raise NotImplementedError("templates are mined, and have a suite of their own")


def _grouped(rows: list[Row], key_of: Callable[[Row], tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], list[Row]]]:
    """(the values of a group, its rows), in the order of the values."""
    groups: dict[tuple[object, ...], tuple[tuple[Any, ...], list[Row]]] = {}
    for row in rows:
        values = key_of(row)
        groups.setdefault(tuple(map(group_key, values)), (values, []))[1].append(row)
    return sorted(groups.values(), key=lambda each: tuple(map(order_key, each[0])))


def _stats(
    rows: list[Row], aggregates: Iterable[Aggregate], by: list[Field], span_us: int | None, within: TimeRange
) -> list[Row]:
    def key_of(row: Row) -> tuple[Any, ...]:
        found = []
        for field in by:
            if span_us is not None and field is TIMESTAMP:
                assert row.event is not None
                found.append(Moment(spans.start_of(row.event.timestamp_us, span_us)))
            else:
                found.append(row.value(field))
        return tuple(found)

    groups = _grouped(rows, key_of)
    if not by and not groups:
        groups = [((), [])]
    seconds = within.seconds if span_us is None else span_us / 1_000_000
    names = [name_of(field) for field in by]
    return [
        Row(None, {**dict(zip(names, values, strict=True)), **{a.name: aggregate(a, of, seconds) for a in aggregates}})
        for values, of in groups
    ]


def _top(rows: list[Row], pipe: Top) -> list[Row]:
    found: list[Row] = []
    for groups, of in _grouped(rows, lambda row: tuple(row.value(field) for field in pipe.by)):
        counted = _grouped(of, lambda row: tuple(row.value(field) for field in pipe.fields))
        counted = [each for each in counted if None not in each[0]]
        counted.sort(key=lambda each: len(each[1]) if pipe.is_rare else -len(each[1]))
        for values, same in counted[: pipe.count]:
            by = dict(zip(map(name_of, pipe.by), groups, strict=True))
            top = dict(zip(map(name_of, pipe.fields), values, strict=True))
            found.append(Row(None, {**by, **top, "count": len(same)}))
    return found


def _sorted(rows: list[Row], field: Field, *, is_descending: bool) -> list[Row]:
    last = [row for row in rows if order_key(row.value(field))[0] == 4]
    others = [row for row in rows if order_key(row.value(field))[0] != 4]
    # A text that spells a number is equal to it here.
    return [*sorted(others, key=lambda row: order_key(row.value(field))[:2], reverse=is_descending), *last]


def _chosen(row: Row, patterns: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pattern in patterns:
        name = plain(pattern)
        if name is not None:
            found[name] = row.raw(field_named(name))  # rather than what a pattern shows under this name
            continue
        for each, value in leaves(row).items():
            if covers(pattern, each):
                found.setdefault(each, value)
    return found


def _renamed(row: Row, field: Field, name: str) -> Row:
    old = name_of(field)
    value = row.raw(field)
    if row.event is None:
        columns = {each: kept for each, kept in row.columns.items() if each != name or each == old}
        renamed = {name if each == old else each: kept for each, kept in columns.items()}
        if old not in columns and value is not None:
            renamed[name] = value
        return Row(None, renamed, (*row.hidden, literal(old), literal(name)), row.origin)
    return row.without(literal(old)).with_columns({name: value})


def _dedup(rows: list[Row], count: int, fields: Iterable[Field]) -> list[Row]:
    seen: dict[tuple[object, ...], int] = {}
    kept: list[Row] = []
    for row in rows:
        key = tuple(group_key(row.value(field)) for field in fields)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= count:
            kept.append(row)
    return kept


def _extracted(row: Row, pattern: str, field: Field) -> dict[str, Any]:
    regex = compile_regex(pattern)
    within = text(row.value(field))
    found = None if within is None else regex.search(within)
    return {name: (found[name] or None) if found else None for name in regex.groupindex}


def _sample(rows: list[Row], pipe: Sample) -> list[Row]:
    def mark(row: Row) -> str:
        assert row.event is not None
        return md5(str(row.event.id).encode(), usedforsecurity=False).hexdigest()

    if pipe.one_in is not None:
        least = (1 << 32) // pipe.one_in
        return [row for row in rows if int(mark(row)[:8], 16) < least]
    chosen = {id(row) for row in sorted(rows, key=mark)[: pipe.count]}
    return [row for row in rows if id(row) in chosen]
