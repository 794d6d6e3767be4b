"""Plan, pipes and segments → statements for the engine."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Pipe
from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.piping.dialect import Duck
from cordwood.store.segments.piping.source import Events
from cordwood.store.segments.sourcing import Asked, Rows
from cordwood.store.sql.compiler import Compiler
from cordwood.store.sql.rows import SOURCE, Names
from cordwood.store.sql.showing import value_shown

_GATHERED = "gathered"
_NAMED = re.compile(r"\$(\w+)")


class Piped:
    """What becomes of the events of some segments. All at once, or lot by lot where they do not all fit on the disk."""

    def __init__(self, plan: Plan, pipes: Sequence[Pipe], segments: Sequence[Segment]) -> None:
        self._plan = plan
        self._values, names = Values("p"), Names()
        self._events = Events(segments, plan.filter, names, self._values)
        compiler = Compiler(self._events, Duck(self._values), names, plan.start_us, plan.end_us)
        self._sql, self.shown = compiler.compiled(pipes, plan.limit)
        self._is_begun = False

    def over(self, root: Path, segments: Sequence[Segment], rows: Mapping[str, Rows]) -> Asked:
        """The answer; of segments in `rows`, these rows are enough."""
        source, values = self._events.relation(root, segments, self._plan, rows)
        return self._asked(self._sql.replace(SOURCE, f"({source}) AS e"), values)

    def gathered(self, root: Path, segments: Sequence[Segment], rows: Mapping[str, Rows]) -> Asked:
        """Puts what matters of some of the segments into a table."""
        source, values = self._events.relation(root, segments, self._plan, rows)
        begin = f"INSERT INTO {_GATHERED}" if self._is_begun else f"CREATE TEMP TABLE {_GATHERED} AS"
        self._is_begun = True
        return self._asked(f"{begin} {source}", values)

    def over_gathered(self) -> Asked:
        """The answer out of that table."""
        return self._asked(self._sql.replace(SOURCE, f"{_GATHERED} AS e"), {})

    def _asked(self, sql: str, values: dict[str, object]) -> Asked:
        # The engine refuses values that a statement does not name.
        named = set(_NAMED.findall(sql))
        return sql, {name: value for name, value in (self._values.bound | values).items() if name in named}


def items_shown(found: Sequence[Mapping[Any, Any]]) -> list[Any]:
    """A list of values out of a column of the engine's."""
    return [value_shown({kind: each[kind] for kind in ("whole", "real", "time", "text", "truth")}) for each in found]
