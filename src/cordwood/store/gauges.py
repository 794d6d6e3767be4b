"""What a page that shows how things go asks again and again: told by books and catalog, no event is looked at."""

from typing import Literal, Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant

Kind = Literal["segments", "postgresql", "both"]


class Gauge(Struct, frozen=True, kw_only=True):
    """What a tenant has in the store: its events, and what waits among the dead letters."""

    kind: Kind
    events: int
    segments: int | None
    """None where there are none."""
    bytes: int | None
    """Of its segments; None where tenants share their tables."""
    dead_letters: int
    dead_events: int


class Latency(Struct, frozen=True, kw_only=True):
    """From the moment when batches were accepted to the one when their events could be queried, in µs. A percentile is
    the least value that so many of the batches do not pass."""

    batches: int
    p50_us: int
    p99_us: int
    max_us: int


class Gauges(Protocol):
    """The store as its operators see it. All raise Unavailable."""

    async def gauge(self, tenant: Tenant) -> Gauge:
        """Cheap, however many events there are."""
        ...

    async def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        """Of a tenant's batches that were accepted and recorded since these times (µs since 1970 UTC), looking at the
        `most` that were accepted last; None: there are none."""
        ...
