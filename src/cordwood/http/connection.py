"""One HTTP connection, with the bounds that the server beneath has none for.

A connection is at any moment in one of these phases, and each ends in time:

    head     from its opening or a request's first byte to the end of the headers   head_timeout_s
    request  read and answered by a handler, which bounds both                      (body_timeout_s and others)
    rest     answered, while the rest of the body still arrives                     5 s, or body_timeout_s
    idle     answered, nothing new has come                                         idle_timeout_s
    stalled  we have something to say, and nobody reads it                          write_timeout_s
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from cordwood import metrics
from cordwood.errors import BadRequest, CordwoodError, HeadTooLarge, SlowHead, Unavailable
from cordwood.http.direct import DirectProtocol, Heads
from cordwood.http.problem import problem
from cordwood.http.settings import HttpSettings
from cordwood.http.site import Site, blamed
from cordwood.http.socket import Socket

_REST_S = 5.0
_MAX_PIPELINED = 100
"""Requests that may wait behind the one being answered: each has its headers in memory."""
_FRAMING = 16
"""Bytes around a byte of body: a chunk of one byte has five, the rest are extensions and trailers (RFC 9112 §7.1)."""


class Connection(DirectProtocol):
    """uvicorn's connection; the hooks below are the parser's and the transport's."""

    def __init__(self, settings: HttpSettings, site: Site, heads: Heads, **given: Any) -> None:
        super().__init__(site, heads, settings.max_body_bytes, **given)
        self._settings = settings
        self._is_head, self._is_body, self._is_declining = True, False, False
        self._is_handing_over = False
        self._since = self._stalled_since = 0.0
        self._framing_bytes = self._body_bytes = 0
        self._is_refused = False
        self._refusal: CordwoodError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > self._settings.max_connections:
            self._refuse(
                Unavailable(
                    f"{self._settings.max_connections:,} connections are open already", hint="connect again later"
                ),
                "too_many_connections",
            )

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if self._is_handing_over:
                self._hand_over(rest)
            else:
                self._decline(rest)
        except httptools.HttpParserError as broken:
            error = self._refusal or _blamed(broken)
            self._refuse(error, "malformed" if isinstance(error, BadRequest) and self._refusal is None else error.label)
        else:
            if self._framing_bytes > self._settings.max_head_bytes + _FRAMING * self._body_bytes:
                self._refuse(self._too_large(), "head_too_large")
            elif self.headers is not None and len(self.headers) > self._settings.max_headers:
                self._refuse(self._too_many(), "head_too_large")
            else:
                self.release()

    def _decline(self, rest: bytes) -> None:
        """Go on as if `Upgrade` had not been sent (RFC 9110 §7.8): the parser leaves the body of such a request unread.

        Java's client sends it with its first request to a plain port, whatever the method.
        """
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/", self.parser.get_http_version().encode(), b"\r\n"]
        for name, value in self.headers:
            head += [] if name == b"upgrade" else [name, b": ", value, b"\r\n"]
        self._is_declining = False
        self._framing_bytes = 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in the first one
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _is_for_socket(self) -> bool:
        """Whether the request asks for a WebSocket where there is one, and nothing else is under way."""
        return (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and dict(self.headers).get(b"upgrade", b"").lower() == b"websocket"
            and self._site.has_socket(self.url.partition(b"?")[0])
            and not (self._is_busy() or self.pipeline)
        )

    def _hand_over(self, rest: bytes) -> None:
        """Let the connection be a WebSocket from here on; it reads the same head, and what came behind it."""
        head = [b"GET ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            head += [name, b": ", value, b"\r\n"]
        self.connections.discard(self)
        socket = Socket(self._settings, config=self.config, server_state=self.server_state, app_state=self.app_state)
        socket.connection_made(self.transport)
        self.transport.set_protocol(socket)
        socket.data_received(b"".join([*head, b"\r\n", rest]))

    def on_message_begin(self) -> None:
        self._is_head, self._is_body = True, False
        self._since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_head = False
        # Most heads come with few other bytes, if any: then they need no closer look.
        if self._framing_bytes > self._settings.max_head_bytes and self._head_bytes() > self._settings.max_head_bytes:
            self._refusal = self._too_large()
        elif len(self.headers) > self._settings.max_headers:
            self._refusal = self._too_many()
        elif len(self.pipeline) >= _MAX_PIPELINED:
            self._refusal = BadRequest("too many requests wait on this connection", hint="wait for answers")
        elif self.parser.get_method() == b"CONNECT":
            self._refusal = BadRequest("this is no proxy", hint="ask for a path")
        if self._refusal is not None:
            raise self._refusal  # the parser stops and raises
        self._is_body = True
        self._is_declining = self.parser.should_upgrade()
        self._is_handing_over = self._is_declining and self._is_for_socket()
        if not self._is_declining:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._framing_bytes -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_declining:
            return
        self._is_body = False
        self._framing_bytes = self._body_bytes = 0
        if not self._is_busy():
            self._since = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer for each answer: `reap` ends idle connections."""
        self._since = self.loop.time()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = 0.0
        super().resume_writing()

    def reap(self, now: float) -> None:
        """End the connection when its phase has lasted too long."""
        settings = self._settings
        if self._stalled_since or self.transport.is_closing():
            self._stalled_since = self._stalled_since or now
            if now - self._stalled_since > settings.write_timeout_s:
                metrics.HTTP_REFUSED.labels("stalled").inc()
                self.transport.abort()
        elif self._is_busy():
            return
        elif self._is_head:
            if now - self._since > settings.head_timeout_s:
                self._end_slow_head()
        elif now - self._since > (min(_REST_S, settings.body_timeout_s) if self._is_body else settings.idle_timeout_s):
            metrics.HTTP_REFUSED.labels("slow_rest" if self._is_body else "idle").inc()
            self.transport.close()

    def _end_slow_head(self) -> None:
        if self._framing_bytes:
            message = f"the request's head did not arrive within {self._settings.head_timeout_s:g} s"
            self._refuse(SlowHead(message, hint="send it at once"), "slow_head")
        else:
            metrics.HTTP_REFUSED.labels("silent").inc()
            self.transport.close()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, error: CordwoodError, reason: str) -> None:
        """Read no more, answer with `error`, close; but what is under way for earlier requests goes out first, and no
        answer ends up inside another, or for the wrong request."""
        self._is_refused = True
        metrics.HTTP_REFUSED.labels(reason).inc()
        if self._is_busy() and not self._is_body:
            self.cycle.keep_alive = False  # closes behind its answer, which is the last
            return
        if not self._is_busy() or not (self.pipeline or self.cycle.response_started):
            status, headers, body = problem(error)
            headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
            lines = [name + b": " + value + b"\r\n" for name, value in headers]
            self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
        self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _too_large(self) -> HeadTooLarge:
        return HeadTooLarge(f"address and headers have more than {self._settings.max_head_bytes:,} bytes", hint=_LESS)

    def _too_many(self) -> HeadTooLarge:
        return HeadTooLarge(f"the request has more than {self._settings.max_headers} headers", hint=_LESS)


_LESS = "send less of it; what is long belongs into the body"


def connections_with(settings: HttpSettings, site: Site) -> Callable[..., Connection]:
    """What makes connections, for the server."""
    heads = Heads()

    def made(**given: Any) -> Connection:
        return Connection(settings, site, heads, **given)

    return made


async def reap(connections: Iterable[object], settings: HttpSettings) -> None:
    """End overdue connections, until cancelled: one look at all of them costs less than a timer for each request."""
    loop = asyncio.get_running_loop()
    shortest_s = min(settings.head_timeout_s, settings.idle_timeout_s, settings.write_timeout_s)
    while True:
        await asyncio.sleep(min(1.0, shortest_s / 4))
        now = loop.time()
        for connection in list(connections):
            if isinstance(connection, Connection | Socket):
                connection.reap(now)


def _blamed(broken: httptools.HttpParserError) -> CordwoodError:
    """Want of memory is no fault of the sender: a 400 would have it throw its events away."""
    if isinstance(broken.__context__, MemoryError):
        return blamed(broken)
    return BadRequest("this is no HTTP request", hint="speak HTTP/1.1 here, without TLS")
