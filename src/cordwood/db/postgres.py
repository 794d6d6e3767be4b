"""PostgreSQL connections: a pool that waits for the server, and errors translated by who can act on them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

import asyncpg
from asyncpg import exceptions as driver
from asyncpg.pool import PoolConnectionProxy

from cordwood.errors import ConfigError, CordwoodError, Refused, Unavailable

_CONNECT_TIMEOUT_S = 3.0
_COMMAND_TIMEOUT_S = 120.0
_CLOSE_TIMEOUT_S = 5.0
_MAX_CONNECTIONS = 12

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01T00:00:00Z, where timestamptz counts from, in µs since 1970."""
JSONB_VERSION = b"\x01"
"""What the binary form of a jsonb begins with."""

_FILE_OPTIONS = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

Connection: TypeAlias = PoolConnectionProxy


class Conflict(Unavailable):
    """Another transaction was in the way. Nothing was kept; the same one may go through at once."""

    status = 503
    label = "unavailable"


# SQLSTATE classes 22 and 54: the data's fault, and splitting the batch finds the event.
_REFUSALS = (driver.DataError, driver.ProgramLimitExceededError)
# Each means that the transaction is undone. A check is violated when a row's partition is made while the row is on
# its way into the catch-all.
_CONFLICTS = (
    driver.SerializationError,
    driver.DeadlockDetectedError,
    driver.LockNotAvailableError,
    driver.CheckViolationError,
)
_FAILURES = (driver.PostgresError, driver.InterfaceError, driver.InternalClientError, OSError)

_HINTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((driver.UndefinedTableError, driver.UndefinedColumnError), "run `cordwood migrate`"),
    (driver.InvalidCatalogNameError, "create the database, or name another in store.url"),
    (driver.InvalidAuthorizationSpecificationError, "look at the user and password in store.url"),
    (driver.InsufficientPrivilegeError, "give the user of store.url the right to do this"),
    (driver.ReadOnlySQLTransactionError, "point store.url at the primary server"),
    (driver.DiskFullError, "free disk space on the server"),
    (driver.QueryCanceledError, "ask for less, or raise store.query_timeout_s"),
    (ssl.SSLError, "store.url names the authority to trust: ?sslmode=verify-full&sslrootcert=FILE"),
    (driver.ClientConfigurationError, "write store.url as postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
)
_AWAY = "see that it runs, and that store.url is right; services try again by themselves"


class Database:
    """A pool that is opened at first use, so that starting does not need the server."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError when the URL cannot be read."""
        self._url = url
        self.shown = _shown(url)
        """The server, as it is named to people."""
        _require_files(url)
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection of the pool. Raises Refused, Conflict and Unavailable for whatever goes wrong in the block."""
        with self._translated(f"gave no connection within {_CONNECT_TIMEOUT_S:g} s"):
            pool = await self._opened()
            async with pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                with self._translated("did not answer in time"):
                    async with _while_connected(connection):
                        yield connection

    @contextlib.asynccontextmanager
    async def alone(self, user: str, password: str, settings: Mapping[str, str]) -> AsyncIterator[asyncpg.Connection]:
        """A connection as another user, which nothing else uses before or after. At its end, what still runs there is
        cancelled. Raises as `connection` does."""
        with self._translated(f"gave no connection within {_CONNECT_TIMEOUT_S:g} s"):
            connection = await asyncpg.connect(
                self._url,
                user=user,
                password=password,
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_COMMAND_TIMEOUT_S,
                server_settings=dict(settings),
            )
            try:
                with self._translated("did not answer in time"):
                    yield connection
            finally:
                await asyncio.shield(_closed(connection))

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
    def _translated(self, when_late: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise Unavailable(f"PostgreSQL at {self.shown} {when_late}", hint=_AWAY) from error
        except _FAILURES as error:
            raise _translated_error(error, self.shown) from error


async def _closed(connection: asyncpg.Connection) -> None:
    """The driver asks the server to cancel what a cancelled task waits for, and waits for its word."""
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await connection.close()
    except (TimeoutError, *_FAILURES):
        connection.terminate()


@contextlib.asynccontextmanager
async def _while_connected(connection: Connection) -> AsyncIterator[None]:
    """End the block when the connection is lost. Raises ConnectionError.

    The driver waits for room to write without a limit, and is not woken when the server goes meanwhile.
    """
    is_over = False

    def lose(_: object) -> None:
        if not is_over:
            patience.reschedule(0)

    try:
        async with asyncio.timeout(None) as patience:
            connection.add_termination_listener(lose)
            try:
                yield
            finally:
                is_over = True
                with contextlib.suppress(driver.InterfaceError):  # what is lost has no listeners
                    connection.remove_termination_listener(lose)
    except (TimeoutError, driver.InterfaceError) as error:
        if patience.expired():
            raise ConnectionError("the connection was lost in the middle of a request") from error
        raise


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


def _translated_error(error: Exception, server: str) -> CordwoodError:
    """What an error of the driver means to us. `server` is how the server is named to people."""
    reason = str(error) or type(error).__name__
    if isinstance(error, _REFUSALS):
        return Refused(f"PostgreSQL cannot take this: {reason}")
    if isinstance(error, _CONFLICTS):
        return Conflict(f"PostgreSQL at {server} was busy with the same rows: {reason}", hint="it is tried again")
    is_said = isinstance(error, driver.PostgresError)
    otherwise = "it is tried again" if is_said else _AWAY
    hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), otherwise)
    return Unavailable(f"PostgreSQL at {server} {'says' if is_said else 'is away'}: {reason}", hint=hint)


def _shown(url: str) -> str:
    """A server's URL without its secrets. Raises ConfigError when it cannot be read."""
    parts = urlsplit(url)
    try:
        port = parts.port or 5432
    except ValueError:
        # Without the cause: an unescaped character in a password makes it part of the port.
        raise ConfigError(
            "store.url cannot be read: what should be the port is no number",
            hint="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with % escapes in the password",
        ) from None
    return f"{parts.hostname}:{port}{parts.path}"


def _require_files(url: str) -> None:
    """Raises ConfigError for a file of the URL's TLS options that is not there: the driver does not say which."""
    for option, file in parse_qsl(urlsplit(url).query):
        if option in _FILE_OPTIONS and not Path(file).is_file():
            raise ConfigError(f"{option} in store.url names {file}, which is no file", hint="see docs/security.md")
