"""A cache in Redis, shared by all query processes. Away means a miss: slower, never wrong, never an error."""

import time
from collections.abc import Mapping, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cordwood import metrics

log = structlog.get_logger()

_TIMEOUT_S = 0.25
_REST_S = 1.0
"""After a failure Redis is left alone for this long, so that an outage costs one time-out a second, not one a query."""


class RedisCache:
    """Bytes in Redis, with short time-outs and a circuit breaker."""

    def __init__(self, url: str) -> None:
        """Raises ValueError when `url` is no Redis URL."""
        self._redis = Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, health_check_interval=30
        )
        self._rests_until = 0.0

    async def __aenter__(self) -> "RedisCache":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._redis.aclose()

    async def get(self, key: bytes) -> bytes | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            value = await self._redis.get(key)
        except (RedisError, OSError) as error:
            self._failed("get", error)
            return None
        assert value is None or isinstance(value, bytes), "no decoding was asked for"
        return value

    async def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        if not keys or time.monotonic() < self._rests_until:
            return [None] * len(keys)
        try:
            values = await self._redis.mget(keys)
        except (RedisError, OSError) as error:
            self._failed("get", error)
            return [None] * len(keys)
        return [value if isinstance(value, bytes) else None for value in values]

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            await self._redis.set(key, value, px=max(1, round(ttl_s * 1000)))
        except (RedisError, OSError) as error:
            self._failed("put", error)

    async def put_all(self, values: Mapping[bytes, bytes], ttl_s: float) -> None:
        if not values or time.monotonic() < self._rests_until:
            return
        try:
            async with self._redis.pipeline(transaction=False) as commands:
                for key, value in values.items():
                    commands.set(key, value, px=max(1, round(ttl_s * 1000)))
                await commands.execute()
        except (RedisError, OSError) as error:
            self._failed("put", error)

    def _failed(self, call: str, error: Exception) -> None:
        self._rests_until = time.monotonic() + _REST_S
        metrics.CACHE_FAILURES.inc()
        log.warning("cache_unavailable", call=call, reason=str(error) or type(error).__name__)
