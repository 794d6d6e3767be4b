"""The live tail's endpoint: server-sent events, and a WebSocket at the same address."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cordwood.clock import Clock
from cordwood.errors import BadRequest, CordwoodError, Forbidden
from cordwood.http.auth import authenticate
from cordwood.language.match import matcher
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Everything
from cordwood.query.live import Live
from cordwood.query.parameters import filter_of
from cordwood.query.past import Past
from cordwood.query.watching import Alive, Began, Question, Said, Told, watch
from cordwood.tail.interface import Missed
from cordwood.tenancy.interface import Keys

PATH = "/api/v1/tail"
EVENT_STREAM = "text/event-stream"

_KNOWN = ("query", "history", "after", "filter")
_DEFAULT_HISTORY = 10
_RETRY_MS = 1000
_POLICY, _RESTARTS = 1008, 1012
"""Why a WebSocket is closed (RFC 6455 §7.4.1, and IANA's registry for the second)."""

_Headers = dict[bytes, bytes]


class TailRoutes:
    """`GET /api/v1/tail`. Tails end with `stop`, so that a process need not wait for those who watch."""

    def __init__(self, live: Live, past: Past, keys: Keys, clock: Clock, stop: asyncio.Event) -> None:
        self._live = live
        self._past = past
        self._keys = keys
        self._clock = clock
        self._stop = stop

    def routes(self) -> list[Route]:
        return [Route(PATH, self._events)]

    def sockets(self) -> Mapping[str, ASGIApp]:
        """Where a WebSocket is taken."""
        return {PATH: self._socket}

    async def _events(self, request: Request) -> Response:
        headers = dict(request.headers.raw)
        said = self._watched(headers, request.query_params.multi_items())
        if request.method == "HEAD":
            return Response(media_type=EVENT_STREAM)
        try:
            first = await anext(said)
        except BaseException:
            await said.aclose()
            raise

        async def blocks() -> AsyncIterator[bytes]:
            async with contextlib.aclosing(said):
                yield b"retry: %d\n\n" % _RETRY_MS + _streamed(first)
                # Whoever's key is no longer good hears the reason when it connects again.
                with contextlib.suppress(CordwoodError):
                    async for each in said:
                        yield _streamed(each)

        # Proxies must not collect what should be seen at once.
        return StreamingResponse(
            blocks(), media_type=EVENT_STREAM, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket as ASGI has it. Raises CordwoodError before it is accepted, and OSError when it breaks."""
        headers = dict(scope["headers"])
        _require_same_origin(headers)
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        async with contextlib.aclosing(self._watched(headers, parameters)) as said:
            first = await anext(said)
            await receive()  # that it connects
            await send({"type": "websocket.accept"})
            sending = asyncio.create_task(_send_all(first, said, send))
            leaving = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                ended = await asyncio.gather(sending, leaving, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    def _watched(
        self, headers: _Headers, parameters: Sequence[tuple[str, str]]
    ) -> AsyncGenerator[Sequence[Said], None]:
        """Raises Unauthorized, Forbidden, BadRequest."""

        def require() -> object:
            """A key that is revoked while somebody watches opens nothing any more."""
            return authenticate(headers, self._keys, "query")

        tenant = authenticate(headers, self._keys, "query").tenant
        now_us = self._clock.now_us()
        found, given = filter_of(parameters, _KNOWN, now_us)
        after = headers.get(b"last-event-id", b"").decode("latin-1") or given.get("after")
        question = Question(
            tenant=tenant,
            plan=Plan(filter=found),
            wanted=None if found == Everything() else matcher(found),
            history=_number("history", given.get("history"), _DEFAULT_HISTORY),
            # A worker's clock may be ahead of ours.
            position=None if after is None else min(now_us, _number("after", after, 0)),
        )
        return watch(self._live, self._past, question, now_us, self._stop, require)


def _number(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise BadRequest(f"{name!r} is no number: {text[:80]!r}")
    return int(text)


def _require_same_origin(headers: _Headers) -> None:
    """Browsers let pages of any origin open a WebSocket, with the reader's credentials (RFC 6455 §10.2)."""
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Forbidden(
            "this WebSocket is asked for by a page of another origin", hint="open it from this server's own"
        )


async def _send_all(first: Sequence[Said], rest: AsyncIterator[Sequence[Said]], send: Send) -> None:
    await _send(first, send)
    code = _RESTARTS
    try:
        async for said in rest:
            await _send(said, send)
    except CordwoodError:
        code = _POLICY
    await send({"type": "websocket.close", "code": code})


async def _send(said: Sequence[Said], send: Send) -> None:
    for each in said:
        await send({"type": "websocket.send", "text": _frame(each)})


async def _left(receive: Receive) -> None:
    """Until the other side closes. What it says is not listened to."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _streamed(said: Sequence[Said]) -> bytes:
    """As server-sent events (WHATWG HTML, §9.2)."""
    return b"".join(map(_block, said))


def _block(said: Said) -> bytes:
    match said:
        case Told(line=line, position=position):
            # A carriage return ends a line here; in JSON as it was sent, it may stand between values.
            data = line.json.replace(b"\r", b" ")
            place = b"" if position is None else b"id: %d\n" % position
            return b"%bevent: event\ndata: %b\n\n" % (place, data)
        case Missed(events=events):
            return b"event: missed\ndata: %b\n\n" % msgspec.json.encode({"events": events})
        case Began(position=position):
            return b"id: %d\nevent: live\ndata: {}\n\n" % position
        case Alive(position=position):
            return b": alive\nid: %d\n\n" % position


def _frame(said: Said) -> str:
    """The same as a WebSocket's text."""
    match said:
        case Told(line=line, position=position):
            head = msgspec.json.encode({"type": "event", "position": position})
            return (head[:-1] + b',"event":' + line.json + b"}").decode()
        case Missed(events=events):
            return msgspec.json.encode({"type": "missed", "events": events}).decode()
        case Began(position=position):
            return msgspec.json.encode({"type": "live", "position": position}).decode()
        case Alive(position=position):
            return msgspec.json.encode({"type": "alive", "position": position}).decode()
