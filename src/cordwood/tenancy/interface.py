"""What a service asks about a caller, and what it is kept in."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant

Scope = Literal["ingest", "query", "admin"]
SCOPES: tuple[Scope, ...] = ("ingest", "query", "admin")

LimitName = Literal["rate_events_per_s", "rate_bytes_per_s", "daily_bytes", "retention_days"]


class Grant(Struct, frozen=True):
    """What a key opens. `actor` names its holder in the record of actions."""

    tenant: Tenant
    scopes: frozenset[Scope]
    actor: str


class Keys(Protocol):
    """Who may do what."""

    def grant(self, token: str | None) -> Grant | None:
        """What `token` opens; None when it opens nothing. `token` None means that the caller showed none.

        Never waits. Raises Unavailable for what may be a good key while keys could not be read even once.
        """
        ...


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key as it is kept: what it is, never the key itself. `id` may be shown to anyone."""

    id: str
    tenant: Tenant
    scopes: frozenset[Scope]
    name: str
    created_at_us: int
    expires_at_us: int | None = None
    revoked_at_us: int | None = None
    last_used_at_us: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """What a tenant may do; None means without limit."""

    rate_events_per_s: int | None = None
    rate_bytes_per_s: int | None = None
    daily_bytes: int | None = None
    retention_days: int | None = None

    @property
    def are_counted(self) -> bool:
        """Whether any of them needs to know what was sent."""
        return not (self.rate_events_per_s is None and self.rate_bytes_per_s is None and self.daily_bytes is None)


class Snapshot(Struct, frozen=True):
    """Everything that services need to know, as of a version. Keys are by their SHA-256, revoked ones included."""

    version: int
    keys: Mapping[bytes, StoredKey]
    limits: Mapping[Tenant, Limits]


class KeyBook(Protocol):
    """The keys that are kept. Each call returns when what it did is durable. All raise Unavailable."""

    async def add(self, key: StoredKey, digest: bytes) -> None:
        """Keep a new key under its SHA-256."""
        ...

    async def keys(self, owner: Tenant | None = None) -> Sequence[StoredKey]:
        """All keys ever made, or all of one tenant, the oldest first."""
        ...

    async def revoke(self, key_id: str, now_us: int, owner: Tenant | None = None) -> StoredKey:
        """End a key; one that has been revoked keeps its first time. Returns it as it was. Raises NotFound, also for
        a key that is not `owner`'s, where one is given."""
        ...

    async def mark_used(self, key_ids: Sequence[str], now_us: int) -> None:
        """Note the last use of keys. Does not change the version."""
        ...


class LimitBook(Protocol):
    """The tenants' limits that are kept. All raise Unavailable."""

    async def limits(self) -> Mapping[Tenant, Limits]:
        """Of each tenant for which any were ever set."""
        ...

    async def change_limits(self, tenant: Tenant, changes: Mapping[LimitName, int | None]) -> Limits:
        """Set some limits of a tenant, None removes one; the others stay. Returns all of them."""
        ...

    async def retention_days(self) -> Mapping[Tenant, int]:
        """Days that events are kept, for the tenants that have such a limit."""
        ...


class Tenancy(KeyBook, LimitBook, Protocol):
    """Both books, as wiring opens them.

    Entering fails with ConfigError when a file cannot be used, never because a server is away.
    """

    async def __aenter__(self) -> "Tenancy": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def snapshot(self, known_version: int | None) -> Snapshot | None:
        """What is kept now; None when that is still `known_version`. Cheap then: it is asked twice a second.

        Raises Unavailable.
        """
        ...
