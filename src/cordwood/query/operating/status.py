"""`GET /api/v1/status`: how things go for a tenant, at a glance. Told by the books, the catalog and the queue alone."""

import contextlib

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import Route

from cordwood import __version__
from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import BadRequest, Unavailable
from cordwood.model.event import format_timestamp
from cordwood.model.ledger import MINUTE_US, Minute
from cordwood.model.tenant import Tenant
from cordwood.query.alerts.asking import granted, route
from cordwood.query.dropped import Rules
from cordwood.query.operating.briefly import Briefly
from cordwood.query.operating.shapes import (
    BrokerStatus,
    IngestStatus,
    LatencyStatus,
    LetterStatus,
    MinuteStatus,
    Service,
    Status,
    StoreStatus,
)
from cordwood.query.parameters import only_known
from cordwood.store.gauges import Gauges, Latency
from cordwood.store.interface import Books
from cordwood.tenancy.interface import Keys

_DEFAULT_MINUTES, _MAX_MINUTES = 60, 24 * 60
_HOLDS_S, _HOLDS_AT_MOST_S = 1.0, 30.0
_RECORDED_US = 5 * MINUTE_US
_MOST_BATCHES = 5000
"""Of a tenant, for the percentiles: those of the last seconds where a great many come."""


class Sources(Struct, frozen=True):
    """What is asked; no broker where this process has none."""

    books: Books
    gauges: Gauges
    rules: Rules
    broker: Broker | None


class StatusRoutes:
    """Held for a second: many screens are one question."""

    def __init__(self, sources: Sources, keys: Keys, clock: Clock, service: Service) -> None:
        self._sources = sources
        self._keys = keys
        self._clock = clock
        self._service = service
        self._started_us = clock.now_us()
        self._held = Briefly[Status](_HOLDS_S, _HOLDS_AT_MOST_S)

    def routes(self) -> list[Route]:
        return [route("/api/v1/status", {"GET": self._status})]

    async def _status(self, request: Request) -> Status:
        tenant = granted(request, self._keys, "query").tenant
        minutes = _minutes(only_known(request.query_params.multi_items(), ("minutes",)))
        return await self._held.once(f"{tenant} {minutes}".encode(), lambda: self._made(tenant, minutes))

    async def _made(self, tenant: Tenant, minutes: int) -> Status:
        sources, now_us = self._sources, self._clock.now_us()
        this_us = now_us // MINUTE_US * MINUTE_US
        first_us = this_us - (minutes - 1) * MINUTE_US
        # One more, as the last full minute may be before what is shown.
        booked = await sources.books.minutes(tenant, min(first_us, this_us - MINUTE_US), now_us)
        by_start = {minute.start_us: minute for minute in booked}
        gauge = await sources.gauges.gauge(tenant)
        latency = await sources.gauges.latency(tenant, first_us, now_us - _RECORDED_US, _MOST_BATCHES)
        retention = await sources.rules()
        last_full = by_start.get(this_us - MINUTE_US)
        return Status(
            now=format_timestamp(now_us),
            service=self._service,
            version=__version__,
            started_at=format_timestamp(self._started_us),
            broker=await self._waiting(),
            minutes=[_shown(start, by_start.get(start)) for start in range(first_us, this_us + 1, MINUTE_US)],
            accept_to_stored=None if latency is None else _latency(latency),
            ingest=IngestStatus(events_per_s=(last_full.accepted if last_full else 0) / 60),
            store=StoreStatus(kind=gauge.kind, events=gauge.events, segments=gauge.segments, bytes=gauge.bytes),
            retention_days=retention.days.get(tenant, retention.default_days),
            dead_letters=LetterStatus(events=gauge.dead_events, letters=gauge.dead_letters),
        )

    async def _waiting(self) -> BrokerStatus | None:
        """None also while the broker is away: the rest is worth telling."""
        if self._sources.broker is None:
            return None
        with contextlib.suppress(Unavailable):
            backlog = await self._sources.broker.backlog()
            return BrokerStatus(batches=backlog.batches, bytes=backlog.size_bytes, oldest_age_s=backlog.oldest_age_s)
        return None


def _minutes(given: dict[str, str]) -> int:
    text = given.get("minutes", str(_DEFAULT_MINUTES))
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= _MAX_MINUTES):
        raise BadRequest(f"'minutes' is no number from 1 to {_MAX_MINUTES}: {text[:40]!r}")
    return int(text)


def _shown(start_us: int, minute: Minute | None) -> MinuteStatus:
    """A minute in which nothing was accepted is told as well."""
    return MinuteStatus(
        start=format_timestamp(start_us),
        accepted=minute.accepted if minute else 0,
        stored=minute.stored if minute else 0,
        deduplicated=minute.deduplicated if minute else 0,
        dead_lettered=minute.dead_lettered if minute else 0,
        batches=minute.batches if minute else 0,
    )


def _latency(latency: Latency) -> LatencyStatus:
    return LatencyStatus(
        p50_ms=latency.p50_us / 1000,
        p99_ms=latency.p99_us / 1000,
        max_ms=latency.max_us / 1000,
        batches=latency.batches,
    )
