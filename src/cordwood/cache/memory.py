"""A cache in this process: least recently used goes first."""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence


class MemoryCache:
    """Bounded by bytes; forgets after a value's time."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._values: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    async def __aenter__(self) -> "MemoryCache":
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._values.clear()
        self._size = 0

    async def get(self, key: bytes) -> bytes | None:
        entry = self._values.get(key)
        if entry is None:
            return None
        expires_at, value = entry
        if time.monotonic() >= expires_at:
            self._forget(key)
            return None
        self._values.move_to_end(key)
        return value

    async def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [await self.get(key) for key in keys]

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        if key in self._values:
            self._forget(key)
        if len(key) + len(value) > self._max_bytes:
            return
        self._values[key] = (time.monotonic() + ttl_s, value)
        self._size += len(key) + len(value)
        while self._size > self._max_bytes:
            self._forget(next(iter(self._values)))

    async def put_all(self, values: Mapping[bytes, bytes], ttl_s: float) -> None:
        for key, value in values.items():
            await self.put(key, value, ttl_s)

    def _forget(self, key: bytes) -> None:
        _, value = self._values.pop(key)
        self._size -= len(key) + len(value)
