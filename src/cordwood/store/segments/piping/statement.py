"""Plan, pipes and segments → statements for the engine."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Patterns, Pipe
from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.piping.dialect import Duck
from cordwood.store.segments.piping.source import Events
from cordwood.store.segments.sourcing import Asked, Rows
from cordwood.store.sql.compiler import Compiler, Range, Shown
from cordwood.store.sql.rows import SOURCE, Names
from cordwood.store.sql.showing import value_shown
from cordwood.store.sql.table import NUMBER, Counts, NoEvents, Table

_GATHERED = "gathered"
_NAMED = re.compile(r"\$(\w+)")


class Statement:
    """Pipes as SQL, up to `patterns`."""

    shown: Shown

    def __init__(self, compiler: Compiler, pipes: Sequence[Pipe], limit: int | None) -> None:
        place = next((number for number, pipe in enumerate(pipes) if isinstance(pipe, Patterns)), None)
        self.behind: Sequence[Pipe] | None = None if place is None else pipes[place + 1 :]
        """Pipes behind `patterns`, for which texts are asked here: those go on with the table that is mined."""
        match None if place is None else pipes[place]:
            case Patterns(field=field):
                self._sql = compiler.texts(pipes[:place], field)
            case _:
                self._sql, self.shown = compiler.compiled(pipes, limit)

    def over(self, relation: str, values: Mapping[str, object]) -> Asked:
        """The answer out of a relation of events."""
        return asked_with(over(self._sql, relation), values)


def over(sql: str, relation: str) -> str:
    """A statement of pipes over a relation of events."""
    return sql.replace(SOURCE, f"{relation} AS e")


class Piped:
    """What becomes of the events of some segments. All at once, or lot by lot where they do not all fit on the disk."""

    def __init__(self, plan: Plan, pipes: Sequence[Pipe], segments: Sequence[Segment]) -> None:
        self._plan = plan
        self._values, names = Values("p"), Names()
        self._events = Events(segments, plan.filter, names, self._values)
        compiler = Compiler(self._events, Duck(self._values), names, (plan.start_us, plan.end_us))
        self.statement = Statement(compiler, pipes, plan.limit)
        self._is_begun = False

    def over(self, root: Path, segments: Sequence[Segment], rows: Mapping[str, Rows]) -> Asked:
        """The answer; of segments in `rows`, these rows are enough."""
        source, values = self._events.relation(root, segments, self._plan, rows)
        return self.statement.over(f"({source})", self._values.bound | values)

    def gathered(self, root: Path, segments: Sequence[Segment], rows: Mapping[str, Rows]) -> Asked:
        """Puts what matters of some of the segments into a table."""
        source, values = self._events.relation(root, segments, self._plan, rows)
        begin = f"INSERT INTO {_GATHERED}" if self._is_begun else f"CREATE TEMP TABLE {_GATHERED} AS"
        self._is_begun = True
        return asked_with(f"{begin} {source}", self._values.bound | values)

    def over_gathered(self) -> Asked:
        """The answer out of that table."""
        return self.statement.over(_GATHERED, self._values.bound)


def over_table(
    table: Table, pipes: Sequence[Pipe], limit: int | None, counts: Counts | None = None, within: Range = (None, None)
) -> tuple[Asked, Shown]:
    """What pipes make of a table, and what the columns of that are."""
    values = Values("p")
    dialect = Duck(values)
    source, scope = (NoEvents(), table.scope) if counts is None else (counts, counts.scope)
    sql, shown = Compiler(source, dialect, Names(), within, scope).compiled(pipes, limit)
    columns = [f"unnest(${name}::{dialect.types[kind]}[]) AS {name}" for name, kind in table.names.values()]
    rows = f"(SELECT *, row_number() OVER () AS {NUMBER} FROM (SELECT {', '.join(columns)})) AS e"
    given = {name: list(table.columns[title][1]) for title, (name, _) in table.names.items()}
    return asked_with(sql.replace(SOURCE, rows), values.bound | given), shown


def asked_with(sql: str, values: Mapping[str, object]) -> Asked:
    """A statement with those of the values that it names."""
    # The engine refuses values that a statement does not name.
    named = set(_NAMED.findall(sql))
    return sql, {name: value for name, value in values.items() if name in named}


def items_shown(found: Sequence[Mapping[Any, Any]]) -> list[Any]:
    """A list of values out of a column of the engine's."""
    return [value_shown({kind: each[kind] for kind in ("whole", "real", "time", "text", "truth")}) for each in found]
