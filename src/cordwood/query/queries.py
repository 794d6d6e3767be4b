"""The endpoints about questions that are being answered."""

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.errors import BadRequest, NotFound
from cordwood.http.auth import authenticate
from cordwood.model.event import format_timestamp
from cordwood.query.running import Asked, Running
from cordwood.tenancy.interface import Keys


class QueriesRoutes:
    """`GET /api/v1/queries` and `DELETE /api/v1/queries/{id}`: those of this process."""

    def __init__(self, running: Running, keys: Keys) -> None:
        self._running = running
        self._keys = keys

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/queries", self._list),
            Route("/api/v1/queries/{id}", self._cancel, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        return _json({"queries": [_shown(asked) for asked in self._running.listed(tenant)]})

    async def _cancel(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        text = request.path_params["id"]
        try:
            asked = UUID(text)
        except ValueError as error:
            raise BadRequest(f"{text[:80]!r} is no id of a question", hint="they are UUIDs") from error
        if (stopped := self._running.cancel(tenant, asked)) is None:
            raise NotFound(f"no question {asked} is being answered here", hint="it may have ended")
        return _json(_shown(stopped))


def _shown(asked: Asked) -> dict[str, object]:
    return {"id": str(asked.id), "asked": asked.what, "since": format_timestamp(asked.since_us)}


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
