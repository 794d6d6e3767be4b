"""Through Redis: a list for each process and tenant that vanishes by itself, and beside it who has one."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID, uuid4

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.peers.interface import REMEMBERED_S, STOP_REMEMBERED_S, Asked

_TIMEOUT_S = 1.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Asked])


class RedisPeers:
    """A process among others; its name is its own."""

    def __init__(self, url: str) -> None:
        """Raises ValueError when `url` is no Redis URL."""
        self._redis = Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        self._name = uuid4().hex.encode()

    async def __aenter__(self) -> "RedisPeers":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._redis.aclose()

    async def tell(self, works: Mapping[Tenant, Sequence[Asked]]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as commands:
                for tenant, asked in works.items():
                    if asked:
                        commands.set(_list(tenant, self._name), _encoder.encode(asked), px=round(REMEMBERED_S * 1000))
                        commands.sadd(_names(tenant), self._name)
                        commands.pexpire(_names(tenant), round(2 * REMEMBERED_S * 1000))
                    else:
                        commands.delete(_list(tenant, self._name))
                        commands.srem(_names(tenant), self._name)
                await commands.execute()
        except (RedisError, OSError) as error:
            raise _away(error) from error

    async def told(self, tenant: Tenant) -> Sequence[Asked]:
        try:
            found = await self._redis.smembers(_names(tenant))
            names = [name for name in found if isinstance(name, bytes)]
            if not names:
                return ()
            lists = await self._redis.mget([_list(tenant, name) for name in names])
        except (RedisError, OSError) as error:
            raise _away(error) from error
        return [asked for told in lists if isinstance(told, bytes) for asked in _read(told)]

    async def stop(self, question: UUID) -> None:
        try:
            await self._redis.set(_word(question), b"", px=round(STOP_REMEMBERED_S * 1000))
        except (RedisError, OSError) as error:
            raise _away(error) from error

    async def to_stop(self, questions: Sequence[UUID]) -> Collection[UUID]:
        if not questions:
            return ()
        try:
            words = await self._redis.mget([_word(question) for question in questions])
        except (RedisError, OSError) as error:
            raise _away(error) from error
        return [question for question, word in zip(questions, words, strict=True) if word is not None]


def _names(tenant: Tenant) -> bytes:
    return b"cordwood:asked:" + tenant.encode()


def _list(tenant: Tenant, name: bytes) -> bytes:
    return b"cordwood:asked:" + name + b":" + tenant.encode()


def _word(question: UUID) -> bytes:
    return b"cordwood:stop:" + question.bytes


def _read(told: bytes) -> Sequence[Asked]:
    try:
        return _decoder.decode(told)
    except msgspec.MsgspecError:
        return ()  # another release says it in other words


def _away(error: Exception) -> Unavailable:
    return Unavailable(
        f"other query processes cannot be heard: {error or type(error).__name__}",
        hint="is Redis running? CORDWOOD_CACHE_URL names it",
    )
