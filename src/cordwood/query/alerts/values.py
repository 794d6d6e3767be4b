"""What rules want to know, asked of the engine that answers people, too."""

from cordwood.alerts.interface import Measured, Table
from cordwood.errors import BadRequest
from cordwood.model.answer import Coverage, StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Aggregate, Search, Stats
from cordwood.model.tenant import Tenant
from cordwood.query.engine import Engine

_COUNT = "count"
_COUNTED = Stats((Aggregate("count", None, _COUNT),))
_MOST_ROWS = 10_000


class EngineEvaluator:
    """Counts, tables and events."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter)
        if not search.pipes:
            count, coverage = await self._engine.count(plan, tenant)
            return Measured(float(count), _note(coverage))
        (row, *_), coverage = await self._engine.table_rows(plan, [*search.pipes, _COUNTED], tenant, 1)
        return Measured(float(row.columns[_COUNT]), _note(coverage))

    async def table(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Table:
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter)
        rows, coverage = await self._engine.table_rows(plan, search.pipes, tenant, _MOST_ROWS)
        if len(rows) > _MOST_ROWS:
            raise BadRequest(
                f"the table of the query has more than {_MOST_ROWS:,} rows",
                hint="group by something that has fewer values, or let where leave out what is never meant",
            )
        return Table([row.columns for row in rows], _note(coverage))

    async def newest(self, search: Search, start_us: int, end_us: int, tenant: Tenant, limit: int) -> list[StoredEvent]:
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter, limit=limit)
        if not search.pipes:
            return [event async for block in self._engine.events(plan, tenant) for event in block]
        rows, _ = await self._engine.table_rows(plan, search.pipes, tenant, limit)
        return [row.event for row in rows[:limit] if row.event is not None]


def _note(coverage: Coverage) -> str:
    """What an answer lacks."""
    if not coverage.damaged:
        return ""
    events = sum(each.events for each in coverage.damaged)
    return f"not complete: {len(coverage.damaged)} damaged segments, {events} events"
