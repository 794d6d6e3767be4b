"""A TCP proxy before a server, to cut its connections or make it fall silent."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """`async with Proxy(url) as proxy`: connect to `proxy.url` instead."""

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._port = 0
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()

    @property
    def url(self) -> str:
        credentials, at, _ = self._server.netloc.rpartition("@")
        return urlunsplit(self._server._replace(netloc=f"{credentials}{at}127.0.0.1:{self._port}"))

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._listener.close()
        self.cut()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._listener.wait_closed()

    def fall_silent(self) -> None:
        """Connections stay open and take everything; nothing comes back, on new ones neither."""
        self._speaks.clear()

    def speak(self) -> None:
        """Hand over what was held back, and go on."""
        self._speaks.set()

    def cut(self) -> None:
        """End every connection, as a reset does."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there = await asyncio.open_connection(self._server.hostname, self._server.port)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(there[1])
        for source, sink, is_answer in ((reader, there[1], False), (there[0], writer, True)):
            pipe = asyncio.create_task(self._pipe(source, sink, is_answer=is_answer))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while block := await source.read(1 << 16):
                if is_answer:
                    await self._speaks.wait()
                sink.write(block)
                await sink.drain()
        sink.close()
        self._writers.discard(sink)
