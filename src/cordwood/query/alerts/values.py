"""What rules want to know, asked of the engine that answers people, too."""

from cordwood.alerts.interface import Measured
from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Search
from cordwood.model.tenant import Tenant
from cordwood.query.engine import Engine


class EngineEvaluator:
    """Counts. Pipes are refused when a rule is made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter)
        count, coverage = await self._engine.count(plan, tenant)
        if not coverage.damaged:
            return Measured(float(count))
        events = sum(each.events for each in coverage.damaged)
        return Measured(float(count), f"not complete: {len(coverage.damaged)} damaged segments, {events} events")

    async def newest(self, search: Search, start_us: int, end_us: int, tenant: Tenant, limit: int) -> list[StoredEvent]:
        plan = Plan(start_us=start_us, end_us=end_us, filter=search.filter, limit=limit)
        return [event async for block in self._engine.events(plan, tenant) for event in block]
