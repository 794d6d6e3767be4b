"""One ASGI application: raw handlers for hot paths, Starlette for the rest, errors answered as problems."""

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import structlog
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cordwood import metrics
from cordwood.errors import BadRequest, CordwoodError, MethodNotAllowed, NotFound, Unavailable
from cordwood.http.body import Disconnected
from cordwood.http.health import OPERATING
from cordwood.http.openapi import Operation, description, undescribed
from cordwood.http.operations import DESCRIPTION, DESCRIPTION_PATH
from cordwood.http.problem import Headers, problem
from cordwood.tracing.interface import Span, Tracer
from cordwood.tracing.off import Off

log = structlog.get_logger()

_MAX_SHOWN = 200
"""Characters of a path that an answer or a log line repeats."""
_PLACES = {
    "api": "the query service, on a port of its own (8081), has answers and the page",
    "query": "the api service, on a port of its own (8080), takes logs",
    "worker": "the api service (8080) takes logs, the query service (8081) has answers and the page",
}
"""Where else to ask, of a service that does part of the work."""
SPAN = "cordwood.span"
"""Where in a scope the span of a request is, when it is traced."""


class DirectHandler(Protocol):
    """Takes small whole requests without a task of their own (`http.direct`)."""

    def __call__(self, headers: dict[bytes, bytes], body: bytes, reply: Callable[[int, Headers, bytes], None]) -> bool:
        """True: `reply` is called once, now or later. False: nothing has happened, the raw handler of the same path
        takes the request, or says what is wrong with it. Does not block, raises nothing."""
        ...


class Pages(Protocol):
    """What people look at in a browser. No part of the API, and so not described there."""

    def has(self, path: str) -> bool:
        """Whether it answers at `path`."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Site:
    """Dispatches by exact path to `raw` handlers, by route to `routes`; counts, times and guards both."""

    def __init__(
        self,
        service: str,
        raw: Mapping[str, ASGIApp],
        routes: Sequence[Route],
        operations: Sequence[Operation],
        direct: Mapping[bytes, DirectHandler] | None = None,
        sockets: Mapping[str, ASGIApp] | None = None,
        page: Pages | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """`operations` describe every endpoint; the description itself is one more. `sockets` take WebSockets; what
        they raise before they accept one is answered as a problem."""
        assert not (odd := undescribed(raw, routes, operations)), f"endpoints and operations differ: {odd}"
        told = description(service, [*operations, DESCRIPTION])

        async def describe(request: Request) -> Response:
            return Response(told, media_type="application/json")

        self.is_draining = False
        """Every answer asks its client to use another connection: this process will end soon."""
        self.is_closing = False
        """Nothing new is begun: clients are told to come again, so that none is cut off when the listener closes."""
        self._asked_at = -math.inf
        self._service = service
        self._raw = raw
        self._direct = direct or {}
        self._sockets = sockets or {}
        self._page = page
        self._tracer = tracer or Off()
        self._meters: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._rest = Starlette(
            routes=[*routes, Route(DESCRIPTION_PATH, describe)],
            exception_handlers={
                CordwoodError: _answer_error,
                HTTPException: functools.partial(_answer_http, service),
                Exception: _answer_internal,  # and raised all the same: it is logged here
            },
        )
        # Its redirect would lead wherever the sender's Host header points.
        self._rest.router.redirect_slashes = False

    def idle_s(self) -> float:
        """Seconds since somebody asked for anything but health and metrics."""
        return time.monotonic() - self._asked_at

    def direct(self, url: bytes) -> DirectHandler | None:
        """Who takes whole requests to `url`; nobody while this process stops."""
        handler = self._direct.get(url)
        if handler is None or self.is_draining or self.is_closing:
            return None
        self._asked_at = time.monotonic()
        return handler

    def traced(self, headers: Mapping[bytes, bytes]) -> Span | None:
        """The span of a request that the direct way would take, if it is to be traced."""
        return self._tracer.request(headers.get(b"traceparent")) if self._tracer.is_on else None

    def has_socket(self, path: bytes) -> bool:
        """Whether a WebSocket is taken there; not while this process stops."""
        return path.decode("latin-1") in self._sockets and not (self.is_draining or self.is_closing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        handler, route = self._raw.get(path), path
        if handler is None and self._page is not None and self._page.has(path):
            handler, route = self._page, "page"
        if path not in OPERATING:
            self._asked_at = time.monotonic()
        span = self._span_of(scope)
        exchange = _Exchange(send, is_last=self.is_draining)
        started = time.perf_counter()
        try:
            if self.is_closing and path not in OPERATING:
                raise Unavailable(
                    "this process is stopping", hint="send it again: another one answers", retry_after_s=1
                )
            await (handler or self._rest)(scope, receive, exchange.send)
        except Disconnected:
            exchange.status = 499
        except CordwoodError as error:
            await exchange.answer(*problem(error))
        except Exception as error:
            # The outermost edge of a request: whatever went wrong, the process stays and the caller hears.
            log.exception("request_failed", path=path[:_MAX_SHOWN])
            if exchange.status and not exchange.is_complete:
                raise  # the head is out: only a broken connection still tells the caller
            if not exchange.is_complete:
                await exchange.answer(*problem(blamed(error)))
        finally:
            if handler is None:
                route = getattr(scope.get("route"), "path", "other")
            self.count(route, exchange.status, time.perf_counter() - started)
            if span is not None:
                _end(span, scope["method"], route, exchange.status)

    def _span_of(self, scope: Scope) -> Span | None:
        """Of a request that is traced: as whoever passed it on says, or as its headers do. Not of looks at health."""
        if not self._tracer.is_on or scope["path"] in OPERATING:
            return None
        if (span := scope.get(SPAN)) is None:
            said = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
            scope[SPAN] = span = self._tracer.request(said)
        return cast("Span | None", span)

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self._asked_at = started = time.monotonic()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._sockets[path](scope, receive, noting)
        except CordwoodError as error:
            status = error.status
            await _decline_socket(error, send)
        except OSError:
            status = status or 499  # it has left
        except Exception as error:
            # The outermost edge of a connection, as of a request.
            log.exception("request_failed", path=path[:_MAX_SHOWN])
            if status == 101:
                await send({"type": "websocket.close", "code": 1011})
            else:
                status = 500
                await _decline_socket(blamed(error), send)
        finally:
            self.count(path, status, time.monotonic() - started)

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request answered."""
        meters = self._meters.get((route, status))
        if meters is None:  # finding a labelled metric costs more than raising it
            requests = metrics.REQUESTS.labels(self._service, route, status)
            meters = self._meters[route, status] = requests, metrics.REQUEST_SECONDS.labels(route)
        meters[0].inc()
        meters[1].observe(seconds)


class _Exchange:
    """Remembers the status that went out, and whether all of the answer did."""

    def __init__(self, send: Send, *, is_last: bool) -> None:
        self._send = send
        self._is_last = is_last
        self.status = 0
        self.is_complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._is_last:
                message["headers"] = [*message["headers"], (b"connection", b"close")]
        else:
            self.is_complete = not message.get("more_body", False)
        await self._send(message)

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        await answer(self.send, status, headers, body)


def _end(span: Span, method: str, route: str, status: int) -> None:
    span.name = f"{method} {route}"
    span.set(http_request_method=method, http_route=route, http_response_status=status)
    if status >= 500:
        span.fail(f"answered {status}")
    span.end()


async def answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole response."""
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _decline_socket(error: CordwoodError, send: Send) -> None:
    """Answer a request for a WebSocket with a problem."""
    status, headers, body = problem(error)
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CordwoodError), "registered for CordwoodError only"
    status, headers, body = problem(error)
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})


async def _answer_internal(request: Request, error: Exception) -> Response:
    return await _answer_error(request, blamed(error))


def blamed(error: BaseException) -> CordwoodError:
    """What a caller hears of a fault of ours. Want of memory passes: what is asked again may well be answered."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return Unavailable("this process is out of memory", hint="send it again; give it more, if that goes on")
        cause = cause.__cause__ or cause.__context__
    return CordwoodError("an internal error", hint="see this service's log")


async def _answer_http(service: str, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for HTTPException only"
    path = request.scope["path"][:_MAX_SHOWN]
    mapped: CordwoodError
    match error.status_code:
        case 404:
            hint = "see docs/reference/http.md for what there is"
            if place := _PLACES.get(service):
                hint = f"this is the {service} service: {place}; {hint}"
            mapped = NotFound(f"there is no {path}", hint=hint)
        case 405:
            allow = (error.headers or {}).get("allow", (error.headers or {}).get("Allow", ""))
            mapped = MethodNotAllowed(f"{path} does not take {request.method}", allow=allow)
        case _:
            mapped = BadRequest(str(error.detail))
    return await _answer_error(request, mapped)
