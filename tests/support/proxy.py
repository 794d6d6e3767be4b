"""A TCP proxy before a server, to cut its connections or make them stall."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """`async with Proxy(url) as proxy`: connect to `proxy.url` instead. What befalls connections spares later ones."""

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._port = 0
        self._connections: set[_Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._is_away = False

    @property
    def url(self) -> str:
        credentials, at, _ = self._server.netloc.rpartition("@")
        return urlunsplit(self._server._replace(netloc=f"{credentials}{at}127.0.0.1:{self._port}"))

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def fall_silent(self) -> None:
        """Take everything, hand back nothing."""
        for connection in self._connections:
            connection.speaks.clear()

    def fall_deaf(self) -> None:
        """Take nothing more: what is sent fills the sender's buffers."""
        for connection in self._connections:
            connection.hears.clear()

    def cut(self) -> None:
        """End every connection, as a reset does."""
        for connection in self._connections:
            connection.cut()

    def go_away(self) -> None:
        """End every connection, and each later one before anything is said, until `come_back`."""
        self._is_away = True
        self.cut()

    def come_back(self) -> None:
        self._is_away = False

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._serving)
        await self._listener.wait_closed()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._is_away:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = _Connection(writer)
        self._connections.add(connection)
        try:
            with contextlib.suppress(OSError):
                there = await asyncio.open_connection(self._server.hostname, self._server.port)
                await connection.carry(reader, *there)
        finally:
            self._connections.discard(connection)
            connection.cut()


class _Connection:
    def __init__(self, writer: StreamWriter) -> None:
        self._writers = [writer]
        self._is_cut = asyncio.Event()
        self.hears, self.speaks = asyncio.Event(), asyncio.Event()
        self.hears.set()
        self.speaks.set()

    async def carry(self, reader: StreamReader, server_reader: StreamReader, server_writer: StreamWriter) -> None:
        """Until either side ends."""
        client_writer = self._writers[0]
        self._writers.append(server_writer)
        tasks = {
            asyncio.create_task(_pipe(reader, server_writer, self.hears)),
            asyncio.create_task(_pipe(server_reader, client_writer, self.speaks)),
            asyncio.create_task(self._is_cut.wait()),
        }
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        self._is_cut.set()
        for writer in self._writers:
            writer.transport.abort()


async def _pipe(source: StreamReader, sink: StreamWriter, flows: asyncio.Event) -> None:
    while True:
        await flows.wait()
        block = await source.read(1 << 16)
        # Silence must be heard at the other end, an end must not wait for it.
        if not block:
            return
        await flows.wait()
        sink.write(block)
        await sink.drain()
