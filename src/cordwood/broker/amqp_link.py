"""A connection to RabbitMQ that comes back: ours, as the client library's own has hung in too many reports."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import aiormq
import structlog
from aiormq.abc import AbstractChannel, AbstractConnection

from cordwood.errors import Overloaded, Unavailable

log = structlog.get_logger()

AMQP_ERRORS = (aiormq.exceptions.AMQPError, OSError, RuntimeError, asyncio.InvalidStateError)
"""What the client raises for a broker that is away or a channel that has closed."""

_CONNECT_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.1
_LAST_PAUSE_S = 1.0
_HEARTBEAT_S = 10

Prepare = Callable[[AbstractChannel], Awaitable[None]]


class Link:
    """One connection with one channel, kept up by a task of its own. `prepare` runs on each new channel."""

    def __init__(self, url: str, name: str, prepare: Prepare, *, confirms: bool) -> None:
        self._url = _with_heartbeat(url)
        self._shown = redacted(url)
        self._name = name
        self._prepare = prepare
        self._confirms = confirms
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._is_up = asyncio.Event()
        self._reason = "not connected yet"
        self._hint = ""

    async def __aenter__(self) -> "Link":
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def channel(self, patience_s: float) -> AbstractChannel:
        """The open channel; raises Unavailable with the reason when there is none within `patience_s`."""
        if self._channel is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._is_up.wait()
        if self._channel is None:
            raise Unavailable(f"RabbitMQ at {self._shown} is away: {self._reason}", hint=self._hint)
        return self._channel

    async def ensure_unblocked(self, patience_s: float) -> None:
        """Raises Overloaded while the broker blocks publishers (connection.blocked: low memory or disk)."""
        if self._connection is None:
            return
        try:
            async with asyncio.timeout(patience_s):
                await self._connection.ready()
        except TimeoutError as error:
            raise Overloaded(
                f"RabbitMQ at {self._shown} takes no messages just now: it is short of memory or disk",
                hint="give RabbitMQ more of it, or let workers drain the queue",
                retry_after_s=5,
            ) from error

    async def drop(self) -> None:
        """Close a connection that no longer answers; the keeper makes a new one."""
        if self._connection is not None:
            with contextlib.suppress(*AMQP_ERRORS, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._connection.close()

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    connection = await aiormq.connect(self._url)
            except (*AMQP_ERRORS, TimeoutError) as error:
                self._lost(error)
            else:
                try:
                    await self._hold(connection)
                    pause_s = _FIRST_PAUSE_S
                except (*AMQP_ERRORS, TimeoutError) as error:
                    self._lost(error)
                finally:
                    self._connection = self._channel = None
                    self._is_up.clear()
                    with contextlib.suppress(*AMQP_ERRORS, TimeoutError):
                        async with asyncio.timeout(1.0):
                            await connection.close()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311  # spreads clients out; no secret
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    async def _hold(self, connection: AbstractConnection) -> None:
        """Until the connection or its channel ends. Raises what ended it."""
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            channel = await connection.channel(publisher_confirms=self._confirms)
            await self._prepare(channel)
        self._connection, self._channel = connection, channel
        self._is_up.set()
        log.info("broker_connected", link=self._name, url=self._shown)
        await asyncio.wait({connection.closing, channel.closing}, return_when=asyncio.FIRST_COMPLETED)
        for ending in (connection.closing, channel.closing):
            if ending.done() and not ending.cancelled() and (error := ending.exception()) is not None:
                raise ConnectionError(str(error)) from error
        self._reason = "the connection was closed"

    def _lost(self, error: BaseException) -> None:
        self._reason = str(error) or type(error).__name__
        self._hint = ""
        if isinstance(error, aiormq.exceptions.ChannelPreconditionFailed):
            self._hint = "the queue exists with other arguments: drain and delete it, or set CORDWOOD_BROKER_QUEUE"
        elif isinstance(error, aiormq.exceptions.ProbableAuthenticationError | aiormq.exceptions.AuthenticationError):
            self._hint = "look at user, password and vhost in CORDWOOD_BROKER_URL"
        log.warning("broker_away", link=self._name, url=self._shown, reason=self._reason, hint=self._hint)


def redacted(url: str) -> str:
    """A URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _with_heartbeat(url: str) -> str:
    if "heartbeat=" in url:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}heartbeat={_HEARTBEAT_S}"
