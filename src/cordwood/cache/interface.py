"""What the query service asks of a cache."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Cache(Protocol):
    """Bytes by key, forgotten after a time or for lack of room. It cannot be stale: a key holds the version of what
    the value was made of. It never raises: away means a miss."""

    async def __aenter__(self) -> "Cache": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def get(self, key: bytes) -> bytes | None:
        """The value, or None when unknown or away. Answers within a fraction of a second either way."""
        ...

    async def get_all(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The same for many, in their order, and in the same time."""
        ...

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keep `value` for up to `ttl_s` seconds, or not at all when away."""
        ...

    async def put_all(self, values: Mapping[bytes, bytes], ttl_s: float) -> None:
        """The same for many."""
        ...
