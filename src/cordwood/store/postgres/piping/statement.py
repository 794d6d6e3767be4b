"""Plan and pipes → one statement."""

import json
import re
from collections.abc import Sequence
from typing import Any

from cordwood.errors import BadRequest
from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Limit, Patterns, Pipe, Where
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import unescaped, unescaped_text
from cordwood.store.postgres.piping.dialect import Postgres
from cordwood.store.postgres.piping.source import Events
from cordwood.store.sql.compiler import Compiler, is_in_order
from cordwood.store.sql.rows import SOURCE, Names

_BOUND = re.compile(r"\$(\d+)")
_MOST = (1 << 63) - 1
_SOME = f"(SELECT {_MOST:d})"
"""No bound, but PostgreSQL cannot know: it plans for the first tenth, as for a cursor, and so by the index on time."""


class Piped:
    """A statement and its values. Raises BadRequest for a pipe, and BadQuery for what PostgreSQL cannot search with."""

    def __init__(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> None:
        conditions = Conditions(plan, tenant, with_position=False)
        values, names = Values(conditions.values), Names()
        events, dialect = Events(names, values), Postgres(values)
        if any(isinstance(pipe, Patterns) for pipe in pipes):
            raise BadRequest("PostgreSQL rows take no `patterns`", hint="keep segments: CORDWOOD_STORE_KEEP=both")
        compiler = Compiler(events, dialect, names, (plan.start_us, plan.end_us))
        sql, self.shown = compiler.compiled(pipes, plan.limit)
        relation = events.relation(conditions.where, _enough(pipes, plan.limit), dialect.fence)
        self.sql, self.values = _with_named(sql.replace(SOURCE, f"({relation}) AS e"), conditions.values)
        self._texts = [place for place, (_, kind) in enumerate(self.shown.parts) if kind == "text"]

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


def _enough(pipes: Sequence[Pipe], limit: int | None) -> str | None:
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


def _with_named(sql: str, values: Sequence[object]) -> tuple[str, list[object]]:
    """Without the values that the statement does not name: PostgreSQL could not tell their types."""
    numbers = {number: place for place, number in enumerate(dict.fromkeys(_BOUND.findall(sql)), 1)}
    kept = [values[int(number) - 1] for number in numbers]
    return _BOUND.sub(lambda found: f"${numbers[found[1]]}", sql), kept
