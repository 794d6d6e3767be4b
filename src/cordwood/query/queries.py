"""The endpoints about questions that are being answered."""

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.errors import BadRequest, NotFound
from cordwood.http.auth import authenticate
from cordwood.model.event import format_timestamp
from cordwood.peers.interface import Asked
from cordwood.query.beside import Beside
from cordwood.tenancy.interface import Keys


class QueriesRoutes:
    """`GET /api/v1/queries` and `DELETE /api/v1/queries/{id}`: those of all query processes."""

    def __init__(self, beside: Beside, keys: Keys) -> None:
        self._beside = beside
        self._keys = keys

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/queries", self._list),
            Route("/api/v1/queries/{id}", self._cancel, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        found, is_complete = await self._beside.listed(tenant)
        return _json({"queries": [_shown(asked) for asked in found], "complete": is_complete})

    async def _cancel(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        text = request.path_params["id"]
        try:
            asked = UUID(text)
        except ValueError as error:
            raise BadRequest(f"{text[:80]!r} is no id of a question", hint="they are UUIDs") from error
        if (stopped := await self._beside.cancel(tenant, asked)) is None:
            raise NotFound(f"no question {asked} is being answered", hint="it may have ended")
        return _json(_shown(stopped))


def _shown(asked: Asked) -> dict[str, object]:
    return {"id": str(asked.id), "asked": asked.what, "since": format_timestamp(asked.since_us)}


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
