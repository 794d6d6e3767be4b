"""`GET /api/v1/store`: what takes the room, of one tenant's events. It may be slow: it looks into every segment."""

import asyncio

from starlette.requests import Request
from starlette.routing import Route

from cordwood.model.tenant import Tenant
from cordwood.query.alerts.asking import granted, route
from cordwood.query.operating.briefly import Briefly
from cordwood.query.operating.shapes import FieldBytes, PartBytes, ServiceEvents, StoreAnswer
from cordwood.store.care import SEGMENT_PARTS, Survey, Surveyor
from cordwood.store.gauges import Gauge, Gauges
from cordwood.tenancy.interface import Keys

_HOLDS_S, _HOLDS_AT_MOST_S = 2.0, 300.0
_MOST_LISTED = 1000


class RoomRoutes:
    """One look at once in this process, whoever asks: the others wait, within the time that one may take. Where that is
    too short, what the catalog tells is told."""

    def __init__(self, surveyor: Surveyor, gauges: Gauges, keys: Keys, timeout_s: float) -> None:
        self._surveyor = surveyor
        self._gauges = gauges
        self._keys = keys
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._held = Briefly[StoreAnswer](_HOLDS_S, _HOLDS_AT_MOST_S)

    def routes(self) -> list[Route]:
        return [route("/api/v1/store", {"GET": self._store})]

    async def _store(self, request: Request) -> StoreAnswer:
        return await self.of(granted(request, self._keys, "query").tenant)

    async def of(self, tenant: Tenant) -> StoreAnswer:
        """What a tenant is answered. Raises Unavailable."""
        return await self._held.once(tenant.encode(), lambda: self._looked(tenant))

    async def _looked(self, tenant: Tenant) -> StoreAnswer:
        try:
            async with asyncio.timeout(self._timeout_s), self._turn:
                return answer_of(await self._surveyor.survey(tenant), tenant)
        except TimeoutError:
            return _without_a_look(await self._gauges.gauge(tenant))


def answer_of(survey: Survey, tenant: Tenant) -> StoreAnswer:
    """What a tenant may see of a survey of its events: nothing of tables that it shares with others."""
    own = next((each for each in survey.tenants if each.tenant == tenant), None)
    has_segments = survey.segments is not None
    lists = (survey.services, survey.fields, survey.unreadable)
    return StoreAnswer(
        kind=survey.kind,
        events=survey.events,
        segments=survey.segments,
        rows=survey.rows,
        bytes=(own.bytes if own is not None else 0) if has_segments else None,
        parts=[PartBytes(part=each.part, bytes=each.bytes) for each in survey.parts if each.part in SEGMENT_PARTS],
        services=[ServiceEvents(service=each.service, events=each.events) for each in survey.services[:_MOST_LISTED]],
        fields=[
            FieldBytes(
                field=each.field,
                types=each.types,
                bytes=each.bytes,
                uncompressed_bytes=each.uncompressed_bytes,
                segments=each.segments,
            )
            for each in survey.fields[:_MOST_LISTED]
        ],
        unreadable=list(survey.unreadable[:_MOST_LISTED]),
        truncated=any(len(each) > _MOST_LISTED for each in lists),
        complete=True,
    )


def _without_a_look(gauge: Gauge) -> StoreAnswer:
    return StoreAnswer(
        kind=gauge.kind,
        events=gauge.events,
        segments=gauge.segments,
        rows=gauge.events if gauge.segments is None else None,
        bytes=gauge.bytes,
        parts=(),
        services=(),
        fields=(),
        unreadable=(),
        truncated=False,
        complete=False,
    )
