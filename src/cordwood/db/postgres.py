"""PostgreSQL connections: a pool that waits for the server, and errors translated by whose fault they are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from cordwood.errors import Refused, Unavailable

_CONNECT_TIMEOUT_S = 3.0
_COMMAND_TIMEOUT_S = 120.0
_MAX_CONNECTIONS = 12

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01T00:00:00Z, where timestamptz counts from, in µs since 1970."""
JSONB_VERSION = b"\x01"
"""What the binary form of a jsonb begins with."""

Connection: TypeAlias = PoolConnectionProxy

# The data's fault (SQLSTATE class 22, 54): splitting the batch finds the event. All else is the server's.
_REFUSALS = (asyncpg.exceptions.DataError, asyncpg.exceptions.ProgramLimitExceededError)


class Database:
    """A pool that is opened at first use, so that starting does not need the server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._shown = _redacted(url)
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection of the pool. Raises Refused and Unavailable for whatever goes wrong in the block."""
        with self._translated():
            pool = await self._opened()
            async with pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                yield connection

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=_MAX_CONNECTIONS,
                    timeout=_CONNECT_TIMEOUT_S,
                    command_timeout=_COMMAND_TIMEOUT_S,
                    init=_with_our_types,
                    server_settings={"application_name": "cordwood", "TimeZone": "UTC", "jit": "off"},
                )
        return self._pool

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _REFUSALS as error:
            raise Refused(f"PostgreSQL cannot take this: {error}") from error
        except asyncpg.exceptions.UndefinedTableError as error:
            raise Unavailable(
                f"PostgreSQL at {self._shown} lacks tables: {error}", hint="run `cordwood migrate`"
            ) from error
        except asyncpg.exceptions.QueryCanceledError as error:
            raise Unavailable(
                "the read was stopped: it took too long", hint="ask for less, or raise store.query_timeout_s"
            ) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"PostgreSQL at {self._shown} is away: {reason}", hint="it is tried again") from error


async def _with_our_types(connection: Connection) -> None:
    """Timestamps as µs since 1970 UTC: the driver's datetime takes the last moment of year 9999 for infinity, and
    costs more. JSON as the bytes that PostgreSQL spells it in. Without a request to the server."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda timestamp_us: (timestamp_us - POSTGRES_EPOCH_US,),
        decoder=lambda moment: moment[0] + POSTGRES_EPOCH_US,
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda data: JSONB_VERSION + data,
        decoder=lambda data: data[len(JSONB_VERSION) :],
    )


def _redacted(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
