"""Which requests go the direct way, and that nobody can tell from the answers."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from cordwood.http.connection import Connection, connections_with
from cordwood.http.openapi import Operation
from cordwood.http.problem import Headers
from cordwood.http.settings import HttpSettings
from cordwood.http.site import Site, answer

Reply = Callable[[int, Headers, bytes], None]

_DATE: Headers = [(b"date", b"today")]
_PLAIN: Headers = [(b"content-type", b"text/plain")]


class _Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Listener:
    """A connection whose direct handler keeps the replies, and whose raw handler answers `long BODY`."""

    def __init__(self) -> None:
        self.replies: list[tuple[bytes, Reply]] = []
        self.takes = True
        self.fault: Exception | None = None
        state = ServerState()
        state.default_headers = list(_DATE)
        self.site = Site(
            "api",
            {"/log": self._long},
            [],
            [Operation(method="POST", path="/log", name="log", about="", scope="ingest", answers={})],
            {b"/log": self._direct},
        )
        made = connections_with(HttpSettings(), self.site)
        config = uvicorn.Config(self.site, http=cast("type", made), ws="none", lifespan="off", log_config=None)
        self.connection: Connection = made(config=config, server_state=state, app_state={})
        self.transport = _Transport()
        self.connection.connection_made(cast("asyncio.Transport", self.transport))

    def _direct(self, headers: dict[bytes, bytes], body: bytes, reply: Reply) -> bool:
        if self.fault is not None:
            raise self.fault
        if self.takes:
            self.replies.append((body, reply))
        return self.takes

    async def _long(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        is_more = True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        await answer(send, 202, _PLAIN, b"long " + body)

    async def said(self, end: bytes) -> bytes:
        """All that was written, once it ends so."""
        async with asyncio.timeout(5):
            while not (said := b"".join(self.transport.written)).endswith(end):  # noqa: ASYNC110  # others' turns
                await asyncio.sleep(0)
        return said


def post(body: bytes, *lines: bytes, version: bytes = b"1.1", path: bytes = b"/log") -> bytes:
    head = [b"POST " + path + b" HTTP/" + version, b"host: x", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def answered(status: bytes, body: bytes, *lines: bytes) -> bytes:
    head = [b"HTTP/1.1 " + status, b"date: today", b"content-type: text/plain", *lines]
    return b"\r\n".join(head) + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def test_a_whole_request_is_answered_by_one_write() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"{}"))
    ((body, reply),) = listener.replies
    assert body == b"{}"
    assert not listener.transport.written
    reply(202, _PLAIN, b"taken")
    assert listener.transport.written == [answered(b"202 Accepted", b"taken")]
    listener.connection.data_received(post(b"[]"))
    assert len(listener.replies) == 2


@pytest.mark.parametrize("cut", [1, 30, -3, -1], ids=["first byte", "head", "body", "last byte"])
async def test_what_comes_in_pieces_goes_the_long_way(cut: int) -> None:
    listener = _Listener()
    request = post(b'{"a":1}')
    listener.connection.data_received(request[:cut])
    listener.connection.data_received(request[cut:])
    if listener.replies:  # the head came in pieces, the body with its last one
        assert cut in (1, 30)
        return
    assert (await listener.said(b'long {"a":1}')).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"{}", b"expect: 100-continue"),
        post(b"{}", b"content-encoding: identity"),
        post(b"{}", b"idempotency-key: 1"),
        post(b"{}", b"connection: close"),
        post(b"{}", version=b"1.0"),
        post(b"{}", b"connection: keep-alive", version=b"1.0"),
        post(b"{}", path=b"/log?wait=durable"),
        post(b" " * (16 << 10) + b"{}"),
        b"POST /log HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
async def test_what_is_peculiar_goes_the_long_way(request_bytes: bytes) -> None:
    listener = _Listener()
    listener.connection.data_received(request_bytes)
    await listener.said(b"{}")
    assert not listener.replies


async def test_what_the_handler_leaves_goes_the_long_way() -> None:
    listener = _Listener()
    listener.takes = False
    listener.connection.data_received(post(b"{}"))
    assert await listener.said(b"{}") == answered(b"202 Accepted", b"long {}")


async def test_a_stopping_process_answers_the_long_way() -> None:
    listener = _Listener()
    listener.site.is_draining = True
    listener.connection.data_received(post(b"{}"))
    assert b"connection: close\r\n" in await listener.said(b"{}")
    assert not listener.replies


async def test_pipelined_requests_are_answered_in_order() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"1") + post(b"2") + post(b"3"))
    ((_, reply),) = listener.replies
    await asyncio.sleep(0)
    assert not listener.transport.written
    reply(202, _PLAIN, b"first")
    said = await listener.said(b"long 3")
    assert said.index(b"first") < said.index(b"long 2") < said.index(b"long 3")
    listener.connection.data_received(post(b"4"))
    assert [body for body, _ in listener.replies] == [b"1", b"4"]


async def test_nonsense_behind_a_request_ends_the_connection_after_its_answer() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"1") + b"\x16\x03\x01\r\n\r\n")
    ((_, reply),) = listener.replies
    reply(202, _PLAIN, b"taken")
    assert listener.transport.written == [answered(b"202 Accepted", b"taken", b"connection: close")]
    assert listener.transport.is_closed


async def test_a_connection_that_shuts_down_answers_first() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"1"))
    listener.connection.shutdown()
    assert not listener.transport.is_closed
    listener.replies[0][1](202, _PLAIN, b"taken")
    assert listener.transport.written == [answered(b"202 Accepted", b"taken", b"connection: close")]
    assert listener.transport.is_closed


async def test_a_client_that_has_left_is_not_written_to() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"1"))
    listener.connection.connection_lost(None)
    listener.replies[0][1](202, _PLAIN, b"taken")
    assert not listener.transport.written


async def test_a_request_is_answered_once() -> None:
    listener = _Listener()
    listener.connection.data_received(post(b"1"))
    for _ in range(2):
        listener.replies[0][1](202, _PLAIN, b"taken")
    assert len(listener.transport.written) == 1


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("a fault of ours"), b"500"), (MemoryError(), b"503")])
async def test_a_fault_of_ours_is_told_and_the_connection_stays(fault: Exception, status: bytes) -> None:
    listener = _Listener()
    listener.fault = fault
    listener.connection.data_received(post(b"1"))
    assert listener.transport.written[0].startswith(b"HTTP/1.1 " + status)
    listener.fault = None
    listener.connection.data_received(post(b"2"))
    assert [body for body, _ in listener.replies] == [b"2"]


async def test_a_client_that_does_not_read_gets_no_more_answers_directly() -> None:
    listener = _Listener()
    listener.connection.pause_writing()
    listener.connection.data_received(post(b"1"))
    assert not listener.replies
    listener.connection.resume_writing()
    await listener.said(b"long 1")
