"""The endpoint that removes events for good."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.model.search.filters import Everything
from cordwood.query.asked import json_body
from cordwood.query.parameters import plan_of
from cordwood.store.interface import Eraser
from cordwood.tenancy.interface import Keys


class Deletion(Struct, frozen=True, forbid_unknown_fields=True):
    """Which events: the parameters of a query. `all` is needed where nothing else narrows it down."""

    start: str | None = None
    end: str | None = None
    query: str | None = None
    filters: Sequence[str] = ()
    all: bool = False
    dry_run: bool = False


class DeletionRoutes:
    """`POST /api/v1/delete`."""

    def __init__(self, eraser: Eraser, keys: Keys, clock: Clock) -> None:
        self._eraser = eraser
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/api/v1/delete", self._delete, methods=["POST"])]

    async def _delete(self, request: Request) -> Response:
        grant = authenticate(dict(request.headers.raw), self._keys, "admin")
        asked = await json_body(request, Deletion)
        parameters = [("filter", text) for text in asked.filters]
        given = (("query", asked.query or None), ("start", asked.start), ("end", asked.end))
        parameters += [(name, text) for name, text in given if text is not None]
        plan = plan_of(parameters, self._clock.now_us())
        # Not by what was given: `*` is a query, too.
        is_every = plan.filter == Everything() and plan.start_us is None and plan.end_us is None
        if is_every != asked.all or (asked.all and parameters):
            raise BadRequest(
                "this would remove every event" if not asked.all else "'all' stands alone",
                hint="name 'start', 'end', 'query' or 'filters', or say 'all': true",
            )
        events = await self._eraser.delete(plan, grant.tenant, grant.actor, dry_run=asked.dry_run)
        return Response(
            msgspec.json.encode({"events": events, "dry_run": asked.dry_run}), media_type="application/json"
        )
