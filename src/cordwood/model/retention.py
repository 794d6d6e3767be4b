"""Retention: how long a tenant's events are kept."""

from collections.abc import Mapping

from msgspec import Struct

from cordwood.model.tenant import Tenant

_DAY_US = 86_400_000_000


class Retention(Struct, frozen=True):
    """Days by tenant, and for all others; None keeps for ever."""

    default_days: int | None = None
    days: Mapping[Tenant, int] = {}

    def cutoff_us(self, tenant: Tenant, now_us: int) -> int | None:
        """Events with timestamps before this have expired: the beginning of a UTC day, in µs; None: none has."""
        days = self.days.get(tenant, self.default_days)
        return None if days is None else (now_us // _DAY_US - days) * _DAY_US
