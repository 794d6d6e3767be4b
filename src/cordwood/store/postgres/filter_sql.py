"""A plan's conditions as SQL, with every value bound."""

from cordwood.model.event import MAX_TIMESTAMP_US
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Everything
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filters.condition import condition
from cordwood.store.postgres.filters.values import Values


class Conditions:
    """Conditions joined by AND, and their values. Raises BadQuery for what PostgreSQL cannot search with."""

    def __init__(self, plan: Plan, tenant: Tenant, *, with_position: bool = True) -> None:
        self.values: list[object] = []
        found = [f"tenant = {self._bound(tenant)}"]
        if plan.start_us is not None:
            found.append(f"ts >= {self._bound(plan.start_us)}")
        if plan.end_us is not None and plan.end_us <= MAX_TIMESTAMP_US:  # beyond it, no timestamp is
            found.append(f"ts < {self._bound(plan.end_us)}")
        if plan.after is not None and with_position:
            found.append(f"(ts, id) < ({self._bound(plan.after.timestamp_us)}, {self._bound(plan.after.id)})")
        if plan.filter != Everything():
            found.append(f"({condition(plan.filter, Values(self.values))})")
        self.where = "WHERE " + " AND ".join(found)

    def _bound(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"
