"""A feed within this process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from cordwood.model.tenant import Tenant
from cordwood.tail.buffer import Buffer, emptied, fill
from cordwood.tail.interface import News, Stored


class MemoryTail:
    """A bounded buffer for each subscriber."""

    def __init__(self, buffer_bytes: int) -> None:
        self._buffer_bytes = buffer_bytes
        self._buffers: dict[Tenant, set[Buffer[Stored]]] = {}

    async def __aenter__(self) -> "MemoryTail":
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._buffers.clear()

    async def publish(self, news: Mapping[Tenant, Sequence[News]]) -> None:
        for tenant, items in news.items():
            for buffer in self._buffers.get(tenant, ()):
                for item in items:
                    fill(buffer, item)

    @asynccontextmanager
    async def subscribe(self, tenant: Tenant) -> AsyncIterator[AsyncIterator[News]]:
        buffer: Buffer[Stored] = Buffer(self._buffer_bytes)
        self._buffers.setdefault(tenant, set()).add(buffer)
        try:
            yield emptied(buffer)
        finally:
            buffers = self._buffers.get(tenant, set())
            buffers.discard(buffer)
            if not buffers:
                self._buffers.pop(tenant, None)
