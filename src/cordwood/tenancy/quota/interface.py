"""What the ingest path asks about a tenant's limits."""

from typing import Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits


class Cost(Struct, frozen=True):
    """What one request would add: its good events, and their bytes as JSON."""

    events: int
    size_bytes: int


class State(Struct, frozen=True):
    """Where a tenant stands. `…_ahead_us` is how long it would have to pause to be back at its rate."""

    events_ahead_us: int
    bytes_ahead_us: int
    bytes_today: int
    second_of_day: int


class Quota(Protocol):
    """Counts what tenants with limits send. Limits that are None are not counted.

    Answers within a fraction of a second, and never raises because a server is away.
    """

    async def __aenter__(self) -> "Quota": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def take(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        """Count `cost`, whole or not at all. Raises Overloaded when a limit leaves no room; then nothing is counted."""
        ...

    async def give_back(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        """Take back what was counted for a request that was refused later on."""
        ...

    async def state(self, tenant: Tenant, limits: Limits) -> State:
        """Where the tenant stands now."""
        ...
