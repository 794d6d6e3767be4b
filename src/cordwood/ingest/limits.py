"""`GET /api/v1/limits`: what the caller's tenant may send, and how far it is."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.http.auth import authenticate
from cordwood.tenancy.interface import Keys
from cordwood.tenancy.quota.gate import Gate


class LimitsRoutes:
    """For senders: the scope is theirs."""

    def __init__(self, gate: Gate, keys: Keys) -> None:
        self._gate = gate
        self._keys = keys

    def routes(self) -> list[Route]:
        return [Route("/api/v1/limits", self._limits)]

    async def _limits(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "ingest").tenant
        standing = await self._gate.standing(tenant)
        return Response(msgspec.json.encode(standing), media_type="application/json")
