"""What waits for a reader: in order, within bounds, with a count where something found no room."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from cordwood.tail.interface import Missed, News, Stored

T = TypeVar("T")

_ITEM_BYTES = 200
"""What an item takes beside its bytes."""


class Buffer(Generic[T]):
    """Filled and emptied by tasks of one event loop; filling never waits."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._items: deque[tuple[T | Missed, int]] = deque()
        self._size = 0
        self._filled = asyncio.Event()

    def put(self, item: T, size_bytes: int, events: int = 1) -> None:
        """One more, or, when it does not fit, `events` missed. The first one always fits."""
        size_bytes += _ITEM_BYTES
        if self._size and self._size + size_bytes > self._max_bytes:
            self.miss(events)
        else:
            self._append(item, size_bytes)

    def miss(self, events: int | None) -> None:
        """Tell the reader, at this place, that something is missing; None: nobody knows how much."""
        if self._items and isinstance(last := self._items[-1][0], Missed):
            self._items[-1] = (last.and_(events), self._items[-1][1])
        else:
            self._append(Missed(events), 0)

    async def take(self, max_bytes: int) -> list[T | Missed]:
        """What is there, oldest first, up to about `max_bytes`; waits for the first."""
        await self._filled.wait()
        taken: list[T | Missed] = []
        size = 0
        while self._items and (not taken or size < max_bytes):
            item, size_bytes = self._items.popleft()
            taken.append(item)
            size += size_bytes
        self._size -= size
        if not self._items:
            self._filled.clear()
        return taken

    def _append(self, item: T | Missed, size_bytes: int) -> None:
        self._items.append((item, size_bytes))
        self._size += size_bytes
        self._filled.set()


def fill(buffer: Buffer[Stored], item: News) -> None:
    """Put news where a subscriber takes them."""
    if isinstance(item, Missed):
        buffer.miss(item.events)
    else:
        buffer.put(item, len(item.batch.body), item.events)


async def emptied(buffer: Buffer[Stored]) -> AsyncIterator[News]:
    """What a subscriber takes, one by one: what it has not taken yet counts as waiting."""
    while True:
        for item in await buffer.take(1):
            yield item
