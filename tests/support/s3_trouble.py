"""What goes wrong between a client and an object storage."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit


class Way:
    """`async with Way(endpoint) as way`: a proxy at `way.endpoint` that looks at each request's first line, and does as
    `trouble` says: a number cuts the connection after so many bytes of the answer, None lets it pass."""

    def __init__(self, endpoint: str) -> None:
        self._server = urlsplit(endpoint)
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[str] = []
        self.trouble: Callable[[str], int | None] = lambda _: None
        self.endpoint = ""

    def asked(self, method: str, part: str = "") -> int:
        """How many requests of a method there were for a path with that part."""
        return sum(request.startswith(f"{method} ") and part in request for request in self.requests)

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One request for each connection: the answer ends with it."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.partition(b"\r\n")[0].decode()
            self.requests.append(line)
            left = self.trouble(line)
            there, to = await asyncio.open_connection(self._server.hostname, self._server.port)
            to.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            sending = asyncio.create_task(_pass_on(reader, to))
            try:
                while block := await there.read(1 << 14):
                    if left is not None:
                        block, left = block[:left], left - len(block)
                    writer.write(block)
                    await writer.drain()
                    if left is not None and left <= 0:
                        break
            finally:
                sending.cancel()
                to.transport.abort()
        if left is None:
            writer.close()
        else:
            await writer.drain()
            writer.transport.abort()


async def _pass_on(source: StreamReader, sink: StreamWriter) -> None:
    while block := await source.read(1 << 16):
        sink.write(block)
        await sink.drain()
