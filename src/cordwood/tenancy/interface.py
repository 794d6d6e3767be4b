"""What a service asks about a caller."""

from typing import Literal, Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant

Scope = Literal["ingest", "query", "admin"]


class Grant(Struct, frozen=True):
    """What a key opens."""

    tenant: Tenant
    scopes: frozenset[Scope]


class Keys(Protocol):
    """Who may do what."""

    async def grant(self, token: str | None) -> Grant | None:
        """What `token` opens; None when it opens nothing. `token` None means that the caller showed none."""
        ...
