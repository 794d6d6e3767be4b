"""Quotas counted in this process: several api processes let through as many times the limit."""

from msgspec import Struct

from cordwood.clock import Clock
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost, State
from cordwood.tenancy.quota.rules import DAY_S, SECOND_US, refusal


class _Account(Struct):
    """Until when each rate is used up, and the bytes of a day (days since 1970)."""

    events_until_us: int = 0
    bytes_until_us: int = 0
    day: int = 0
    bytes_today: int = 0


class MemoryQuota:
    """A few numbers for each tenant that has limits; forgotten with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[Tenant, _Account] = {}

    async def __aenter__(self) -> "MemoryQuota":
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._accounts.clear()

    async def take(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        now_us = self._clock.now_us()
        account = self._account(tenant, now_us)
        if refused := refusal(tenant, limits, cost, _state(account, now_us)):
            raise refused
        _add(account, limits, cost, now_us, 1)

    async def give_back(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        now_us = self._clock.now_us()
        _add(self._account(tenant, now_us), limits, cost, now_us, -1)

    async def state(self, tenant: Tenant, limits: Limits) -> State:
        now_us = self._clock.now_us()
        return _state(self._account(tenant, now_us), now_us)

    def today(self, tenant: Tenant) -> tuple[int, int]:
        """The day, and the bytes that have been counted for it."""
        account = self._account(tenant, self._clock.now_us())
        return account.day, account.bytes_today

    def learn(self, tenant: Tenant, bytes_today: int) -> None:
        """Go on from what was counted elsewhere."""
        self._account(tenant, self._clock.now_us()).bytes_today = bytes_today

    def _account(self, tenant: Tenant, now_us: int) -> _Account:
        account = self._accounts.setdefault(tenant, _Account())
        day = now_us // (DAY_S * SECOND_US)
        if account.day != day:
            account.day, account.bytes_today = day, 0
        return account


def _state(account: _Account, now_us: int) -> State:
    return State(
        events_ahead_us=max(0, account.events_until_us - now_us),
        bytes_ahead_us=max(0, account.bytes_until_us - now_us),
        bytes_today=account.bytes_today,
        second_of_day=now_us // SECOND_US % DAY_S,
    )


def _add(account: _Account, limits: Limits, cost: Cost, now_us: int, sign: int) -> None:
    if limits.rate_events_per_s is not None:
        took_us = cost.events * SECOND_US // limits.rate_events_per_s
        account.events_until_us = max(account.events_until_us, now_us) + sign * took_us
    if limits.rate_bytes_per_s is not None:
        took_us = cost.size_bytes * SECOND_US // limits.rate_bytes_per_s
        account.bytes_until_us = max(account.bytes_until_us, now_us) + sign * took_us
    if limits.daily_bytes is not None:
        account.bytes_today = max(0, account.bytes_today + sign * cost.size_bytes)
