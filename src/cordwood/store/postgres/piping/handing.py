"""Rows handed to an engine that goes on with pipes: its expressions find what RE2 finds, PostgreSQL's do not."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from msgspec.structs import replace

from cordwood.db.postgres import Connection
from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Leaf
from cordwood.model.search.pipes import Extract, Patterns, Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.onward import Begun, Onward
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import unescaped_text
from cordwood.store.postgres.piping.dialect import Postgres
from cordwood.store.postgres.piping.source import Events
from cordwood.store.postgres.piping.statement import enough, event_of, items_shown, with_named
from cordwood.store.sql.compiler import Compiler, is_in_order
from cordwood.store.sql.rows import SOURCE, Names
from cordwood.store.sql.table import NUMBER
from cordwood.store.sql.value import Kind, Order, Term, Value

_FEW, _MANY = 1_000, 8_000
"""Rows at a time: few at first, where few may be enough."""

_SCALARS: dict[Kind, pa.DataType] = {
    "whole": pa.int64(),
    "real": pa.float64(),
    "time": pa.int64(),
    "text": pa.string(),
    "truth": pa.bool_(),
}
_TYPES: dict[Kind, pa.DataType] = {**_SCALARS, "items": pa.list_(pa.struct(list(_SCALARS.items())))}


def is_handed(pipes: Sequence[Pipe]) -> bool:
    """Whether the first pipe that PostgreSQL cannot do is one for an engine; else it is `patterns`, or none is."""
    first = next((pipe for pipe in pipes if isinstance(pipe, Extract | Patterns)), None)
    return isinstance(first, Extract)


class Handed:
    """See `store.sql.dialect.Source`: events whose columns PostgreSQL computes, as another engine has them."""

    order: Order = (Term("ts", True, is_ever_null=False), Term("event_id", True, is_ever_null=False))
    time = "ts"
    event_id = "event_id"
    count = "count(*)"
    reference: Sequence[str] = ("ts", "event_id")

    def __init__(self, events: Events) -> None:
        self._events = events
        self.columns: dict[str, Kind] = {}

    def keep(self, value: Value) -> Value:
        """A value whose columns are handed over."""
        self.columns.update({part: kind for kind, part in value.parts.items()})
        return value

    def value(self, field: Field) -> Value:
        return self.keep(self._events.value(field))

    def is_there(self, field: Field) -> str:
        return self._truth(self._events.is_there(field))

    def holds(self, found: Leaf, field: Field | None) -> str:
        return self._truth(self._events.holds(found, field))

    def _truth(self, column: str) -> str:
        self.columns[column] = "truth"
        return column


class Handing:
    """A statement for what stands before the first `extract`; the rest is made ready for an engine."""

    def __init__(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant, onward: Onward) -> None:
        """Raises BadQuery for what PostgreSQL cannot search with."""
        conditions = Conditions(plan, tenant, with_position=False)
        values, names, within = Values(conditions.values), Names(), (plan.start_us, plan.end_us)
        events, dialect = Events(names, values), Postgres(values)
        compiler = Compiler(events, dialect, names, within)
        place = next(number for number, pipe in enumerate(pipes) if isinstance(pipe, Extract))
        is_streamed = is_in_order(pipes)
        scope = compiler.begin(pipes[:place], is_in_order=is_streamed)
        handed = Handed(events)
        for column in scope.columns.values():
            if isinstance(column, Value):
                handed.keep(column)
        is_by_time = scope.order == events.order
        order = handed.order if is_by_time else (Term(NUMBER, is_ever_null=False),)
        begun = Begun(handed, names, within, replace(scope, order=order), is_streamed)
        self.further = onward.further(begun, pipes[place:], plan.limit)
        if scope.has_event:
            handed.columns.update({"ts": "time", "event_id": "text"})
        self.columns = dict(handed.columns)
        sql = compiler.columns(list(self.columns), is_ordered=is_streamed or not is_by_time)
        relation = events.relation(conditions.where, enough(pipes, plan.limit), dialect.fence)
        self.sql, self.values = with_named(sql.replace(SOURCE, f"({relation}) AS e"), conditions.values)


class GivenRows:
    """See `store.onward.Given`: the rows of a cursor."""

    def __init__(self, connection: Connection, handing: Handing, left_s: Callable[[], float]) -> None:
        self._connection = connection
        self._handing = handing
        self._left_s = left_s
        kinds = handing.columns.items()
        self._schema = pa.schema([*((name, _TYPES[kind]) for name, kind in kinds), (NUMBER, pa.int64())])

    async def lots(self) -> AsyncGenerator[pa.Table, None]:
        """At least one, which may be empty."""
        handing, given, most = self._handing, 0, _FEW
        cursor = await self._connection.cursor(handing.sql, *handing.values, timeout=self._left_s())
        while True:
            rows = await cursor.fetch(most, timeout=self._left_s())
            if rows or not given:
                yield await asyncio.to_thread(self._lot, rows, given)
            if len(rows) < most:
                return
            given, most = given + len(rows), _MANY

    async def events(self, references: Sequence[Sequence[Any]]) -> Sequence[StoredEvent]:
        times, ids = [time for time, _ in references], [UUID(text) for _, text in references]
        return [event_of(row) for row in await self._connection.fetch(_BY_KEY, times, ids, timeout=self._left_s())]

    def _lot(self, rows: Sequence[Sequence[Any]], given: int) -> pa.Table:
        columns = zip(*rows, strict=True) if rows else ([] for _ in self._handing.columns)
        kinds = self._handing.columns.values()
        arrays = [_array(kind, column) for kind, column in zip(kinds, columns, strict=False)]
        return pa.table([*arrays, pa.array(range(given, given + len(rows)), pa.int64())], schema=self._schema)


def _array(kind: Kind, column: Sequence[Any]) -> pa.Array:
    match kind:
        case "text":
            return pa.array(map(unescaped_text, column), _TYPES[kind])
        case "items":
            lists = [None if each is None else list(map(_item, items_shown(each))) for each in column]
            return pa.array(lists, _TYPES[kind])
        case _:
            return pa.array(column, _TYPES[kind])


def _item(value: float | str | bool) -> dict[str, Any]:
    kind: Kind
    match value:
        case bool():
            kind = "truth"
        case str():
            kind = "text"
        case int():
            kind = "whole"
        case _:
            kind = "real"
    return {kind: value}


_BY_KEY = """
    SELECT l.id, l.ts, l.inserted_at, l.level, l.service, l.data
    FROM unnest($1::timestamptz[], $2::uuid[]) WITH ORDINALITY AS wanted (ts, id, place)
    JOIN logs l ON l.ts = wanted.ts AND l.id = wanted.id
    ORDER BY wanted.place
"""
