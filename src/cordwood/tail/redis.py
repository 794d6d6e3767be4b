"""A feed through Redis: a channel for each tenant, so that workers and query services may be many.

A publisher asks Redis once a transaction who listens (`PUBSUB NUMSUB`) and sends nothing where nobody does. It asks
after the commit: whoever is not among the listeners yet reads the store later than that, and finds the events there.
No interval of polling could promise as much.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import structlog
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.tail.buffer import Buffer, emptied, fill
from cordwood.tail.interface import Missed, News, Stored

log = structlog.get_logger()

_TIMEOUT_S = 2.0
"""Nobody's acknowledgement waits for it."""
_ALIVE_S = 5.0
"""After so long a silence a subscriber asks whether Redis is still there."""
_REST_S = 0.5

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[News] = msgspec.msgpack.Decoder(News)


class RedisTail:
    """One connection for publishing, and one for each subscription."""

    def __init__(self, url: str, buffer_bytes: int) -> None:
        """Raises ValueError when `url` is no Redis URL."""
        # RESP2: on a subscribed connection nothing arrives but messages. Nothing is tried again in silence, as
        # subscribers must hear of every gap.
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=self._pool)
        # Channels, unlike keys, do not belong to a database.
        self._prefix = f"cordwood:tail:{self._pool.connection_kwargs.get('db', 0)}:"
        self._buffer_bytes = buffer_bytes

    async def __aenter__(self) -> "RedisTail":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()

    async def publish(self, news: Mapping[Tenant, Sequence[News]]) -> None:
        tenants = list(news)
        if not tenants:
            return
        try:
            counts = await self._redis.pubsub_numsub(*map(self._channel, tenants))
            pipeline = self._redis.pipeline(transaction=False)
            for tenant, (_, listeners) in zip(tenants, counts, strict=True):
                if listeners:
                    for item in news[tenant]:
                        pipeline.publish(self._channel(tenant), _encoder.encode(item))
            if len(pipeline):
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise _away(error) from error

    @asynccontextmanager
    async def subscribe(self, tenant: Tenant) -> AsyncIterator[AsyncIterator[News]]:
        channel = self._channel(tenant)
        buffer: Buffer[Stored] = Buffer(self._buffer_bytes)
        try:
            connection = await self._subscribed(channel)
        except (RedisError, OSError) as error:
            raise _away(error) from error
        listening = asyncio.create_task(self._listen(connection, channel, tenant, buffer))
        try:
            yield emptied(buffer)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await connection.disconnect()  # a task that is cancelled before it begins leaves it open

    def _channel(self, tenant: Tenant) -> str:
        return self._prefix + tenant

    async def _subscribed(self, channel: str) -> AbstractConnection:
        """A connection of its own, subscribed as Redis has confirmed. Raises RedisError, OSError."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("SUBSCRIBE", channel, check_health=False)
            await connection.read_response()
        except BaseException:
            await connection.disconnect()
            raise
        return connection

    async def _listen(
        self, connection: AbstractConnection | None, channel: str, tenant: Tenant, buffer: Buffer[Stored]
    ) -> None:
        """Until cancelled. What a broken connection has not brought is missed, and nobody knows how much it was."""
        while True:
            try:
                if connection is None:
                    connection = await self._subscribed(channel)
                    buffer.miss(None)
                    log.info("tail_resumed", tenant=tenant)
                await _receive(connection, tenant, buffer)
            except (RedisError, OSError) as error:
                if connection is not None:
                    buffer.miss(None)
                    log.warning("tail_interrupted", tenant=tenant, reason=str(error) or type(error).__name__)
            finally:
                if connection is not None:
                    await connection.disconnect()
                    connection = None
            await asyncio.sleep(_REST_S)


async def _receive(connection: AbstractConnection, tenant: Tenant, buffer: Buffer[Stored]) -> None:
    """Until the connection fails. Raises RedisError, OSError."""
    is_asked = False
    while True:
        answer = await connection.read_response(disable_decoding=True, timeout=_ALIVE_S, disconnect_on_error=False)
        if answer is None:
            if is_asked:
                raise TimeoutError(f"no answer within {_ALIVE_S:g} s")
            await connection.send_command("PING", check_health=False)
            is_asked = True
            continue
        is_asked = False
        if answer[0] == b"message":
            fill(buffer, _read(answer[2], tenant))


def _read(message: bytes, tenant: Tenant) -> News:
    try:
        news = _decoder.decode(message)
    except msgspec.MsgspecError as error:
        # Another release may say it in other words.
        log.warning("tail_not_understood", tenant=tenant, reason=str(error))
        return Missed(None)
    if isinstance(news, Stored) and news.batch.header.tenant != tenant:
        log.error("tail_of_another_tenant", tenant=tenant)
        return Missed(None)
    return news


def _away(error: Exception) -> Unavailable:
    return Unavailable(
        f"the live feed is away: {error or type(error).__name__}", hint="is Redis running? CORDWOOD_CACHE_URL names it"
    )
