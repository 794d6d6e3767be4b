"""What the endpoints of this room have in common."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.http.auth import authenticate
from cordwood.tenancy.interface import Grant, Keys, Scope

Answering = Callable[[Request], Awaitable[object]]


def route(path: str, by_method: Mapping[str, Answering], headers: Mapping[str, str] | None = None) -> Route:
    """One route for all methods of a path: it alone can tell which there are. `headers` go with every answer."""

    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        body = msgspec.json.encode(await by_method[method](request))
        return Response(body, headers=headers, media_type="application/json")

    return Route(path, answer, methods=list(by_method))


def granted(request: Request, keys: Keys, scope: Scope) -> Grant:
    """Raises Unauthorized, Forbidden, Unavailable."""
    return authenticate(dict(request.headers.raw), keys, scope)
