"""Plan and pipes → one statement."""

import json
import re
from collections.abc import Sequence
from typing import Any

from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.field import DERIVED_TIMES
from cordwood.model.search.pipes import Aggregate, Limit, Patterns, Pipe, Stats, Top, Where
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import escaped_text, unescaped, unescaped_text
from cordwood.store.postgres.piping.dialect import Postgres
from cordwood.store.postgres.piping.source import Counted, Events
from cordwood.store.sql.compiler import Compiler, Range, Shown, is_in_order
from cordwood.store.sql.rows import SOURCE, Names
from cordwood.store.sql.table import NUMBER, Counts, NoEvents, Table

_BOUND = re.compile(r"\$(\d+)")
_MOST = (1 << 63) - 1
_SOME = f"(SELECT {_MOST:d})"
"""No bound, but PostgreSQL cannot know: it plans for the first tenth, as for a cursor, and so by the index on time."""


class Piped:
    """A statement and its values, of pipes up to `patterns`. Raises BadQuery for what PostgreSQL cannot search with."""

    def __init__(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> None:
        conditions = Conditions(plan, tenant, with_position=False)
        values, names = Values(conditions.values), Names()
        events = (Counted if _only_counts(pipes) else Events)(names, values)
        dialect = Postgres(values)
        compiler = Compiler(events, dialect, names, (plan.start_us, plan.end_us))
        place = next((number for number, pipe in enumerate(pipes) if isinstance(pipe, Patterns)), None)
        self.behind: Sequence[Pipe] | None = None if place is None else pipes[place + 1 :]
        """Pipes behind `patterns`, for which texts and times are asked here: they go on with what is mined."""
        self.answer: Answer | None = None
        match None if place is None else pipes[place]:
            case Patterns(field=field):
                pipes, limit = pipes[:place], None
                sql = compiler.texts(pipes, field)
            case _:
                limit = plan.limit
                sql, shown = compiler.compiled(pipes, limit)
                self.answer = Answer(shown)
        relation = events.relation(conditions.where, enough(pipes, limit), dialect.fence)
        self.sql, self.values = with_named(sql.replace(SOURCE, f"({relation}) AS e"), conditions.values)


def over_table(
    table: Table, pipes: Sequence[Pipe], limit: int | None, counts: Counts | None = None, within: Range = (None, None)
) -> tuple[str, list[object], "Answer"]:
    """What pipes make of a table: a statement, its values, and what comes out of it."""
    bound: list[object] = []
    values = Values(bound)
    dialect = Postgres(values)
    source, scope = (NoEvents(), table.scope) if counts is None else (counts, counts.scope)
    sql, shown = Compiler(source, dialect, Names(), within, scope).compiled(pipes, limit)
    given = []
    for kind, column in table.columns.values():
        plain = [None if each is None else escaped_text(each) for each in column] if kind == "text" else list(column)
        given.append(values.bound(plain, f"{dialect.types[kind]}[]"))
    names = ", ".join([*(name for name, _ in table.names.values()), NUMBER])
    rows = f"unnest({', '.join(given)}) WITH ORDINALITY AS e ({names})"
    sql, kept = with_named(sql.replace(SOURCE, rows), bound)
    return sql, kept, Answer(shown)


class Answer:
    """What the columns of a statement are."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self._texts = [place for place, (_, kind) in enumerate(shown.parts) if kind == "text"]

    def decoded(self, rows: Sequence[Sequence[Any]]) -> tuple[list[list[Any]], list[StoredEvent | None]]:
        """Columns with texts as they were sent, and the events that rows are of."""
        found: list[list[Any]] = []
        for row in rows:
            columns = list(row)
            for place in self._texts:
                columns[place] = unescaped_text(columns[place])
            found.append(columns)
        if not self.shown.reference:
            return found, [None] * len(found)
        return found, [event_of(row[-self.shown.reference :]) for row in rows]


def event_of(row: Sequence[Any]) -> StoredEvent:
    """The event out of the columns of `Events.reference`."""
    event_id, timestamp_us, inserted_at_us, level, service, data = row
    return StoredEvent(event_id, timestamp_us, inserted_at_us, level, unescaped_text(service), unescaped(data))


def items_shown(found: bytes) -> list[Any]:
    """A list of values out of its jsonb."""
    items: list[Any] = json.loads(unescaped(found))
    return items


def _only_counts(pipes: Sequence[Pipe]) -> bool:
    """Whether nothing matters but how many events have which values of some fields."""
    match pipes[0] if pipes else None:
        case Top(fields=fields, by=by):
            by = (*fields, *by)
        case Stats(aggregates=aggregates, by=by, span_us=None) if all(map(_is_count, aggregates)):
            pass
        case _:
            return False
    return bool(by) and all(field.derived not in DERIVED_TIMES and field.derived != "_id" for field in by)


def _is_count(found: Aggregate) -> bool:
    return found.function == "count" and found.argument is None and found.condition is None


def enough(pipes: Sequence[Pipe], limit: int | None) -> str | None:
    """SQL: how many of the newest events are enough. None: all are needed, in any order."""
    if not is_in_order(pipes):
        return None
    for pipe in pipes:
        match pipe:
            case Limit(count=count, offset=offset):
                return f"{min(count + offset, _MOST):d}"
            case Where():
                return _SOME
    return _SOME if limit is None else f"{limit:d}"


def with_named(sql: str, values: Sequence[object]) -> tuple[str, list[object]]:
    """Without the values that the statement does not name: PostgreSQL could not tell their types."""
    numbers = {number: place for place, number in enumerate(dict.fromkeys(_BOUND.findall(sql)), 1)}
    kept = [values[int(number) - 1] for number in numbers]
    return _BOUND.sub(lambda found: f"${numbers[found[1]]}", sql), kept
