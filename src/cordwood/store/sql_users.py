"""Logins for people and tools that speak PostgreSQL's protocol: each sees the events of one tenant, read-only."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant


class SqlUser(Struct, frozen=True):
    """A login. Times are µs since 1970 UTC."""

    name: str
    tenant: Tenant
    created_at_us: int
    is_own: bool
    """It is the service's, for questions that come over HTTP."""
    is_there: bool
    """The database still has the role that it was made as."""


class Bounds(Struct, frozen=True):
    """What a login begins with. It may change the time itself, the connections not."""

    timeout_s: float
    connections: int


class Made(Struct, frozen=True):
    """A new login, or one with a new password. The password is told here only."""

    name: str
    password: str
    where: str
    """`HOST:PORT/DATABASE`."""
    open: Sequence[str] = ()
    """What the database leaves open to the login, which only an administrator of it can close."""


class SqlUsers(Protocol):
    """Who makes and drops them. Every method raises Unavailable, also when the service's own login may not do it."""

    async def create(self, name: str, tenant: Tenant, bounds: Bounds) -> Made:
        """A login that sees the tenant's events and nothing else. Raises BadRequest when the name is taken, or cannot
        be a login's; Unavailable when everybody in the database may do more than that, saying what."""
        ...

    async def rotate(self, name: str) -> Made:
        """Give a login another password. Who is connected stays so. Raises NotFound."""
        ...

    async def delete(self, name: str) -> SqlUser:
        """Drop a login, and end its connections. Raises NotFound."""
        ...

    async def users(self) -> Sequence[SqlUser]:
        """All of them, by name."""
        ...
