"""What retention has taken out of a time range."""

from collections.abc import Awaitable, Callable
from typing import Any

from cordwood.clock import Clock
from cordwood.model.event import format_timestamp
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store

_LATEST_ACTIONS = 100
Rules = Callable[[], Awaitable[Retention]]
"""The rules of retention as they are now. Raises Unavailable."""


class Dropped:
    """Asks the rules, and the books for what they did."""

    def __init__(self, rules: Rules, store: Store, clock: Clock) -> None:
        self._rules = rules
        self._store = store
        self._clock = clock

    async def within(self, plan: Plan, tenant: Tenant) -> dict[str, Any] | None:
        """What an answer says of it; None where the range is younger than what is dropped, or nothing of it was.
        Raises Unavailable."""
        rules, now_us = await self._rules(), self._clock.now_us()
        cutoff_us = rules.cutoff_us(tenant, now_us)
        if cutoff_us is None or (plan.start_us is not None and plan.start_us >= cutoff_us):
            return None
        accounts = await self._store.accounts(tenant, is_counted=False)
        events = sum(
            holding.expired
            for holding in accounts.holdings
            if (plan.start_us is None or plan.start_us < (holding.day + 1) * DAY_US)
            and (plan.end_us is None or holding.day * DAY_US < plan.end_us)
        )
        if not events:
            return None
        actions = await self._store.actions(tenant, _LATEST_ACTIONS)
        at_us = next((action.at_us for action in actions if action.action == "expire"), None)
        return {
            "days": rules.days.get(tenant, rules.default_days),
            "dropped_before": format_timestamp(cutoff_us),
            "events_dropped": events,
            "last_dropped_at": None if at_us is None else format_timestamp(at_us),
        }
