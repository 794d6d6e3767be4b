"""Pipes → one statement over a source of events."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from cordwood.language.filters.regexes import compile_regex
from cordwood.model.search import spans
from cordwood.model.search.field import TIMESTAMP, Field, name_of
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
    Sort,
    Stats,
    Timechart,
    Top,
    Where,
)
from cordwood.store.sql.aggregates import Aggregates
from cordwood.store.sql.choosing import chosen, left_out, renamed
from cordwood.store.sql.dialect import Dialect, Source
from cordwood.store.sql.expressions import Expressions
from cordwood.store.sql.ordering import group_of, order_of, total_order_of
from cordwood.store.sql.rows import SOURCE, Names, Rows
from cordwood.store.sql.scope import Scope
from cordwood.store.sql.value import Kind, Order, Term, Value, order_by

_IN_ORDER = Where | Eval | Extract | Fields | Rename
"""Pipes that take a row at a time."""


def is_in_order(pipes: Sequence[Pipe]) -> bool:
    """Whether events go through one by one, newest first, until there are enough of them."""
    first = next((pipe for pipe in pipes if not isinstance(pipe, _IN_ORDER)), None)
    return first is None or isinstance(first, Limit)


Range: TypeAlias = tuple[int | None, int | None]
"""start ≤ timestamp < end, in µs since 1970 UTC."""


class Shown(Struct, frozen=True):
    """What the columns of an answer are."""

    scope: Scope
    parts: Sequence[tuple[str, Kind]]
    """The statement's columns, in order, without the reference to events: the name of the answer's column, and which
    part of its value it is."""
    reference: int
    """How many columns at the end tell where the event is; 0: none is shown."""


class Compiler:
    """Synchronous and used once."""

    def __init__(
        self, source: Source, dialect: Dialect, names: Names, within: Range, scope: Scope | None = None
    ) -> None:
        """`within`: the time range of the events. `scope`: of a table that takes the place of events, or of rows that
        pipes were begun with elsewhere."""
        self._source = source
        self._dialect = dialect
        self._names = names
        self._range = within
        self._rows = Rows(f"SELECT * FROM {SOURCE}", names, dialect.fence)
        self._scope = scope or Scope(source.order)

    def compiled(self, pipes: Sequence[Pipe], limit: int | None) -> tuple[str, Shown]:
        """The statement, in which `rows.SOURCE` stands for the relation of events, and what its columns are."""
        self.begin(pipes, is_in_order=is_in_order(pipes))
        if limit is not None:
            self._rows.cut(self._scope.order, limit, 0)
        parts: list[tuple[str, Kind]] = []
        columns: list[str] = []
        for name, column in self._scope.columns.items():
            for kind, part in column.parts.items() if isinstance(column, Value) else ():
                parts.append((name, kind))
                columns.append(part)
        reference = list(self._source.reference) if self._scope.needs_event else []
        sql = self._rows.sql(", ".join([*columns, *reference]) or "1", self._scope.order)
        return sql, Shown(self._scope, parts, len(reference))

    def begin(self, pipes: Sequence[Pipe], *, is_in_order: bool) -> Scope:
        """Take pipes with which a statement begins; what names mean behind them. `is_in_order`: see there, of all pipes
        of the statement."""
        if self._dialect.fence and is_in_order:
            self._rows.fence(f"{order_by(self._source.order)} {self._dialect.fence}")
        for pipe in pipes:
            if not isinstance(pipe, _IN_ORDER):
                self._rows.fence(self._dialect.fence)
            self._through(pipe)
        return self._scope

    def columns(self, names: Sequence[str], *, is_ordered: bool) -> str:
        """The statement so far, of these columns."""
        return self._rows.sql(", ".join(names) or "1", self._scope.order if is_ordered else ())

    def texts(self, pipes: Sequence[Pipe], field: Field) -> str:
        """A statement of two columns, in no order: the text of a field, and the event's time."""
        for pipe in pipes:
            self._through(pipe)
        computing = self._computing()
        text = computing.text(computing.field(field).usable) or f"CAST(NULL AS {self._dialect.types['text']})"
        return self._rows.sql(f"{text} AS text, {self._source.time} AS at_us", ())

    def _through(self, pipe: Pipe) -> None:
        match pipe:
            case Where(condition=condition):
                self._rows.keep(self._computing().condition(condition))
            case Stats(aggregates=aggregates, by=by, span_us=span_us):
                self._stats(aggregates, [*by, *([TIMESTAMP] if span_us else [])], span_us)
            case Timechart(aggregates=aggregates, by=by, span_us=span_us):
                self._stats(aggregates, [TIMESTAMP, *by], span_us or spans.fitting(*self._range))
            case Top():
                self._top(pipe)
            case Sort(keys=keys):
                self._sort([(key.field, key.is_descending) for key in keys])
            case Limit(count=count, offset=offset):
                self._rows.cut(self._scope.order, min(count, _MOST), min(offset, _MOST))
            case Fields(patterns=patterns, is_excluding=True):
                self._scope = left_out(self._scope, patterns)
            case Fields(patterns=patterns):
                self._scope = chosen(self._scope, patterns)
            case Rename(pairs=pairs):
                for field, name in pairs:
                    self._scope = renamed(self._scope, field, name)
            case Dedup(count=count, fields=fields):
                self._first_of_each(fields, self._scope.order, count)
            case Extract(pattern=pattern, field=field):
                self._extract(pattern, field)
            case Eval(columns=columns):
                for name, expression in columns:
                    self._set({name: self._computing().value(expression)})
            case Sample(count=count, one_in=one_in):
                self._sample(count, one_in)
            case Patterns():
                raise AssertionError("stores mine templates, and go on with the table")

    @property
    def _count(self) -> str:
        return self._source.count if self._scope.has_event else "count(*)"

    def _computing(self) -> Expressions:
        return Expressions(self._rows, self._scope, self._source, self._dialect)

    def _stats(self, aggregates: Sequence[Aggregate], by: Sequence[Field], span_us: int | None) -> None:
        computing = self._computing()
        groups: dict[str, Value] = {}
        for field in by:
            if span_us is not None and field is TIMESTAMP:
                groups[name_of(field)] = Value(time=self._rows.bind(self._dialect.span(self._source.time, span_us)))
            else:
                groups[name_of(field)] = group_of(computing.field(field), self._rows, self._dialect)
        start_us, end_us = self._range
        if span_us is not None:
            seconds: float | None = span_us / 1_000_000
        else:
            seconds = None if start_us is None or end_us is None else (end_us - start_us) / 1_000_000
        counted = Aggregates(self._rows, self._names, computing, self._dialect, self._source, self._count)
        found: dict[str, Value] = {each.name: counted.add(each, seconds) for each in aggregates}
        self._group({**groups, **found}, groups, counted.columns, is_one=not by)
        self._scope = Scope(self._order_of(groups), self._scope.columns, is_table=True, has_event=False)

    def _group(
        self, columns: dict[str, Value], groups: dict[str, Value], computed: dict[str, str], *, is_one: bool
    ) -> None:
        keys = tuple(dict.fromkeys(part for value in groups.values() for part in value.parts.values()))
        self._rows.grouped({**{key: key for key in keys}, **computed}, keys, is_one=is_one)
        self._scope = Scope((), columns, is_table=True, has_event=False)

    def _order_of(self, groups: dict[str, Value]) -> Order:
        computing = self._computing()
        return tuple(term for value in groups.values() for term in total_order_of(value, computing, self._dialect))

    def _top(self, pipe: Top) -> None:
        computing = self._computing()
        by = {name_of(field): group_of(computing.field(field), self._rows, self._dialect) for field in pipe.by}
        top = {name_of(field): group_of(computing.field(field), self._rows, self._dialect) for field in pipe.fields}
        for value in top.values():
            there = " OR ".join(f"{part} IS NOT NULL" for part in value.parts.values())
            self._rows.keep(there or "false")
        count = self._names.new()
        columns = {**by, **top, "count": Value(whole=count)}
        self._group(columns, {**by, **top}, {count: self._count}, is_one=False)
        within = (Term(count, is_descending=not pipe.is_rare), *self._order_of(top))
        if by:
            keys = [part for value in by.values() for part in value.parts.values()]
            self._number(keys, within, pipe.count)
        else:
            self._rows.cut(within, pipe.count, 0)
        self._scope = Scope((*self._order_of(by), *within), columns, is_table=True, has_event=False)

    def _number(self, keys: Sequence[str], order: Order, most: int) -> None:
        """The first of those with the same keys."""
        by = f"PARTITION BY {', '.join(keys)}" if keys else ""
        ordered = f"ORDER BY {', '.join(map(str, order))}" if order else ""
        number = self._rows.bind(f"row_number() OVER ({by} {ordered})")
        self._rows.keep(f"{number} <= {most:d}")

    def _first_of_each(self, fields: Sequence[Field], order: Order, most: int) -> None:
        computing = self._computing()
        groups = [group_of(computing.field(field), self._rows, self._dialect) for field in fields]
        keys = [part for value in groups for part in value.parts.values()]

        def first(rows: str) -> str | None:
            return self._dialect.first_of_each(rows, keys, order, most) if order == self._source.order else None

        if not self._rows.through(first):
            self._number(keys, order, most)

    def _sort(self, keys: Sequence[tuple[Field, bool]]) -> None:
        computing = self._computing()
        order = [
            term
            for field, is_descending in keys
            for term in order_of(computing.field(field), computing, self._dialect, is_descending=is_descending)
        ]
        self._scope = replace(self._scope, order=(*self._kept(order), *self._scope.order))

    def _kept(self, order: Sequence[Term]) -> list[Term]:
        """As columns, which later pipes go on having."""
        return [Term(self._rows.bind(term.sql), term.is_descending) for term in order]

    def _sample(self, count: int | None, one_in: int | None) -> None:
        mark = self._rows.bind(self._dialect.mark(self._source.event_id))
        if one_in is not None:
            least = (1 << 32) // one_in
            if least < 1 << 32:
                self._rows.keep(f"{mark} < {self._dialect.bind(f'{least:08x}')}")
            return
        self._number([], (Term(mark), *self._scope.order), count or 0)

    def _extract(self, pattern: str, field: Field) -> None:
        computing = self._computing()
        groups = compile_regex(pattern)
        text = computing.text(computing.field(field).usable)
        names = dict(groups.groupindex)
        if text is None:
            self._set({name: Value() for name in names})
            return
        found = self._dialect.extracted(text, pattern, names, groups.groups)
        self._set({name: Value(text=self._rows.bind(sql)) for name, sql in found.items()})

    def _set(self, columns: dict[str, Value]) -> None:
        kept = {name: self._named(value) for name, value in columns.items()}
        self._scope = replace(self._scope, columns={**self._scope.columns, **kept})

    def _named(self, value: Value) -> Value:
        return Value(**{kind: self._rows.bind(part) for kind, part in value.parts.items()})


_MOST = (1 << 63) - 1
