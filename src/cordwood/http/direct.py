"""The direct way: a small request that came whole in one read is taken without a task, and answered by one write.

uvicorn makes a cycle, a task and several messages of every request. Where a request costs some µs by itself, those
are most of its time (docs/decisions/0006-the-direct-way.md). What is not plain goes uvicorn's way from its head on:
so do requests that come in pieces, wait behind others, compress, ask for a `100 Continue`, or close their connection.
"""

import time
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cordwood.http.problem import Headers, problem
from cordwood.http.site import SPAN, DirectHandler, Site, blamed

log = structlog.get_logger()

_MAX_BODY_BYTES = 16 << 10
"""Larger bodies seldom come with their head, and are no single events."""
_PECULIAR = frozenset((b"expect", b"transfer-encoding", b"content-encoding", b"idempotency-key"))
"""Headers that ask for more than the direct way does."""


class Heads:
    """The heads of answers. The last one is kept: nearly all are alike, and the date changes once a second."""

    def __init__(self) -> None:
        self._status = 0
        self._dated: Headers = []
        self._headers: Headers = []
        self._head = b""

    def of(self, status: int, dated: Headers, headers: Headers) -> bytes:
        """Status line and headers, those that change with every answer excepted. Lists that are the same hold the
        same: they must not be changed."""
        if status != self._status or dated is not self._dated or headers is not self._headers:
            lines = [b"%b: %b\r\n" % header for header in (*dated, *headers)]
            self._head = b"".join([STATUS_LINE[status], *lines])
            self._status, self._dated, self._headers = status, dated, headers
        return self._head


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's connection; holds back what may go the direct way, until it is whole."""

    def __init__(self, site: Site, heads: Heads, max_body_bytes: int, **given: Any) -> None:
        super().__init__(**given)
        self.heads = heads
        self._site = site
        self._max_direct_bytes = min(max_body_bytes, _MAX_BODY_BYTES)
        self._handler: DirectHandler | None = None
        """Of the request that is held back."""
        self._held = b""

    def on_headers_complete(self) -> None:
        handler = self._site.direct(self.url)
        if handler is None or not self._is_plain() or self._is_traced():
            super().on_headers_complete()
        else:
            self._handler = handler

    def on_body(self, body: bytes) -> None:
        if self._handler is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        if self._handler is not None:
            if self._is_taken(self._handler):
                self._handler, self._held = None, b""
                return
            self.release()
        super().on_message_complete()

    def release(self) -> None:
        """Send what is held back uvicorn's way."""
        if self._handler is None:
            return
        body, self._handler, self._held = self._held, None, b""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _is_plain(self) -> bool:
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.parser.get_method() != b"POST" or self.flow.write_paused:
            return False
        self._named = named = dict(self.headers)
        length = named.get(b"content-length", b"")
        return (
            length.isdigit()
            and int(length) <= self._max_direct_bytes
            and _PECULIAR.isdisjoint(named)
            and self.parser.should_keep_alive()
            and self.parser.get_http_version() == "1.1"
        )

    def _is_traced(self) -> bool:
        """Such a request goes the long way, where there is a place for its span."""
        if (span := self._site.traced(self._named)) is None:
            return False
        self.scope[SPAN] = span  # type: ignore[literal-required]  # servers may add to it
        return True

    def _is_taken(self, handler: DirectHandler) -> bool:
        before = self.cycle
        cycle = _Cycle(self, self._site, self.url)
        self.cycle = cycle  # type: ignore[assignment]  # it has what uvicorn's connection asks of a cycle
        try:
            if handler(self._named, self._held, cycle.reply):
                return True
        except Exception as error:
            # The outermost edge of a request, as in `Site`: the process stays, and the caller hears.
            log.exception("request_failed", path=self.url.decode("latin-1"))
            cycle.reply(*problem(blamed(error)))
            return True
        self.cycle = before
        return False


class _Nobody:
    """Waits for nothing: an event that may be set."""

    @staticmethod
    def set() -> None:
        pass


class _Cycle:
    """A request under way, as far as uvicorn's connection looks into it."""

    __slots__ = (
        "_connection", "_route", "_site", "_started", "disconnected", "keep_alive", "response_complete",
    )  # fmt: skip
    message_event = _Nobody

    def __init__(self, connection: DirectProtocol, site: Site, route: bytes) -> None:
        self._connection = connection
        self._site = site
        self._route = route
        self._started = time.perf_counter()
        self.keep_alive = True
        """Made False by a connection that shuts down, or that was sent nonsense behind this request."""
        self.disconnected = self.response_complete = False

    @property
    def response_started(self) -> bool:
        return self.response_complete

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer, once; a client that has left hears nothing."""
        if self.response_complete:
            return
        self.response_complete = True
        connection = self._connection
        transport = connection.transport
        if not self.disconnected and not transport.is_closing():
            head = connection.heads.of(status, connection.server_state.default_headers, headers)
            if self.keep_alive:
                transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
            else:
                close = b"connection: close\r\n"
                transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (head, close, len(body), body))
                transport.close()
        connection.on_response_complete()
        self._site.count(self._route.decode("latin-1"), status, time.perf_counter() - self._started)
