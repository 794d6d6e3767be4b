"""Limits and their counting, joined: what the ingest path asks once a request."""

from collections.abc import Callable

from msgspec import Struct

from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost, Quota
from cordwood.tenancy.quota.rules import SECOND_US

_NO_LIMITS = Limits()


class Use(Struct, frozen=True):
    """How far a tenant is; None where it has no such limit. At a second ahead of a rate requests are refused."""

    rate_events_ahead_s: float | None
    rate_bytes_ahead_s: float | None
    daily_bytes: int | None


class Standing(Struct, frozen=True):
    """What a tenant is told about itself."""

    tenant: Tenant
    limits: Limits
    use: Use


class Gate:
    """Lets a request through, or not. Costs one look-up for a tenant without limits."""

    def __init__(self, limits_of: Callable[[Tenant], Limits | None], quota: Quota) -> None:
        self._limits_of = limits_of
        self._quota = quota

    def counts(self, tenant: Tenant) -> bool:
        """Whether the tenant has limits that `take` has to look at."""
        limits = self._limits_of(tenant)
        return limits is not None and limits.are_counted

    async def take(self, tenant: Tenant, cost: Cost) -> None:
        """Raises Overloaded as `Quota.take` does."""
        limits = self._limits_of(tenant)
        if limits is not None and cost.events and limits.are_counted:
            await self._quota.take(tenant, limits, cost)

    async def give_back(self, tenant: Tenant, cost: Cost) -> None:
        limits = self._limits_of(tenant)
        if limits is not None and cost.events and limits.are_counted:
            await self._quota.give_back(tenant, limits, cost)

    async def standing(self, tenant: Tenant) -> Standing:
        limits = self._limits_of(tenant)
        if limits is None:
            return Standing(tenant, _NO_LIMITS, Use(None, None, None))
        state = await self._quota.state(tenant, limits)
        use = Use(
            None if limits.rate_events_per_s is None else state.events_ahead_us / SECOND_US,
            None if limits.rate_bytes_per_s is None else state.bytes_ahead_us / SECOND_US,
            None if limits.daily_bytes is None else state.bytes_today,
        )
        return Standing(tenant, limits, use)
