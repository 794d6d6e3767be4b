"""A connection to RabbitMQ that comes back: ours, as the client library's own has hung in too many reports.

The client library's calls are only awaited through `Link.run`: some of them wait for ever, or raise CancelledError
without anyone having cancelled, when a channel closes under them.
"""

import asyncio
import contextlib
import random
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import aiormq
import structlog
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from aiormq.exceptions import AMQPError, DeliveryError
from yarl import URL

from cordwood.errors import ConfigError, Overloaded, Unavailable

log = structlog.get_logger()
T = TypeVar("T")

_SETUP_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_FIRST_PAUSE_S = 0.1
_LAST_PAUSE_S = 1.0
_STEADY_S = 5.0
"""A connection that lasted this long was a good one: the next pause is short again."""
_LOOK_S = 0.25
"""How soon a publish that is under way hears that RabbitMQ has blocked the connection."""
_REPEAT_S = 30.0
"""How often an unchanged reason is logged again."""
_HEARTBEAT_S = 10
_SHORT = "give RabbitMQ more of it, or let workers drain the queue"

Prepare = Callable[[AbstractChannel], Awaitable[None]]

# RuntimeError and InvalidStateError: what the client raises for a channel that has closed meanwhile.
_LOST = (AMQPError, OSError, RuntimeError, EOFError, asyncio.InvalidStateError)


class Link:
    """One connection with one channel, kept up by a task of its own. `prepare` runs on each new channel."""

    def __init__(self, url: str, name: str, prepare: Prepare, *, confirms: bool) -> None:
        """Raises ConfigError for a URL that cannot be read."""
        self._shown = redacted(url)
        self._nodes = [_with_heartbeat(node) for node in nodes_of(url)]
        """Of a cluster: the first is tried first, then the next whenever a connection ends."""
        self._vhost = unquote(urlsplit(url).path[1:]) or "/"
        self._name = name
        self._prepare = prepare
        self._confirms = confirms
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._is_up = asyncio.Event()
        self._is_dropped = asyncio.Event()
        self._calls: set[asyncio.Task[Any]] = set()
        self._answered_at = 0.0
        self._reason = "not connected yet"
        self._hint = ""
        self._logged: tuple[str, float] = ("", 0.0)

    async def __aenter__(self) -> "Link":
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def channel(self, patience_s: float) -> AbstractChannel:
        """The open channel; raises Unavailable with the reason when there is none within `patience_s`."""
        if not self._is_up.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._is_up.wait()
        if self._channel is None or not self._is_up.is_set():
            raise self._unavailable()
        return self._channel

    def ensure_unblocked(self) -> None:
        """Raises Overloaded while RabbitMQ blocks publishers (connection.blocked: low on memory or disk)."""
        if self._connection is not None and _is_blocked(self._connection):
            raise Overloaded(
                f"RabbitMQ at {self._shown} takes no messages just now: it is short of memory or disk",
                hint=_SHORT,
                retry_after_s=5,
            )

    async def run(self, call: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Await a call of the client library.

        Raises TimeoutError, DeliveryError (the broker refused or returned a message), and Unavailable when the
        connection was lost, dropped or blocked meanwhile.
        """
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait({task}, timeout=timeout_s)
            if not task.done():
                raise TimeoutError
        finally:
            # Not awaited: a cancelled call may want to write to a connection that takes nothing any more.
            task.cancel()
        if task.cancelled():
            raise self._unavailable()
        error = task.exception()
        if error is None:
            self._answered_at = asyncio.get_running_loop().time()
            return task.result()
        if isinstance(error, DeliveryError):
            self._answered_at = asyncio.get_running_loop().time()
            raise error
        # A bare Exception is what the client gives to waiting calls when it closes without a cause.
        if isinstance(error, _LOST) or type(error) is Exception:
            raise Unavailable(f"RabbitMQ at {self._shown}: {self._said(error)}", hint=_hint_for(error)) from error
        raise error

    async def run_aside(self, use: Callable[[AbstractChannel], Awaitable[T]], timeout_s: float) -> T:
        """As `run`, on a channel of its own: what fails or is cancelled there closes no other's channel."""
        connection = self._connection
        if connection is None:
            raise self._unavailable()

        async def used() -> T:
            channel = await connection.channel(publisher_confirms=False)
            try:
                return await use(channel)
            finally:
                await channel.close()

        return await self.run(used(), timeout_s)

    def has_answered_since(self, moment: float) -> bool:
        """Whether any call has succeeded since then (seconds of the loop's clock)."""
        return self._answered_at >= moment

    def drop(self, reason: str) -> None:
        """Give up a connection that does not do its work; the keeper makes a new one."""
        if self._is_up.is_set():
            log.warning("broker_dropped", link=self._name, url=self._shown, reason=reason)
            self._reason = reason
            self._is_up.clear()
            self._is_dropped.set()

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._connect()
            except (Unavailable, TimeoutError) as error:
                self._lost(error)
            except Exception:
                # The outermost edge of a connection: whatever was wrong with it, the next one is tried.
                log.exception("broker_link_failed", link=self._name)
            if asyncio.get_running_loop().time() - began >= _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311  # spreads clients out; no secret
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    async def _connect(self) -> None:
        """One connection, from its beginning to its end. Raises what ended it, Unavailable or TimeoutError."""
        self._is_dropped.clear()
        node = self._nodes[0]
        transport = _Transport(node)
        connection = aiormq.Connection(node, transport_factory=transport)
        try:
            await self.run(_connected(connection, f"cordwood {self._name}"), _SETUP_TIMEOUT_S)
            channel = await self.run(_channel(connection, confirms=self._confirms), _SETUP_TIMEOUT_S)
            await self.run(_prepared(self._prepare, channel), _SETUP_TIMEOUT_S)
            self._connection, self._channel = connection, channel
            self._is_up.set()
            self._logged = ("", 0.0)
            log.info("broker_connected", link=self._name, url=self._shown)
            await self._until_lost(connection, channel)
        finally:
            self._connection = self._channel = None
            self._nodes.append(self._nodes.pop(0))
            self._is_up.clear()
            self._interrupt()
            await self._close(connection, transport)

    async def _until_lost(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        # Kept: each look at `closing` makes another observer.
        endings = [connection.closing, channel.closing]
        for ending in endings:
            ending.add_done_callback(lambda _: self._is_up.clear())
        dropped = asyncio.create_task(self._is_dropped.wait())
        try:
            while not dropped.done() and not any(ending.done() for ending in endings):
                await asyncio.wait({*endings, dropped}, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if _is_blocked(connection):
                    self._reason, self._hint = "it stopped taking messages: it is short of memory or disk", _SHORT
                    self._interrupt()
        finally:
            dropped.cancel()
        ended = next((ending for ending in endings if ending.done()), None)
        error = None if ended is None or ended.cancelled() else ended.exception()
        if not self._is_dropped.is_set():
            self._reason = "the connection was closed" if error is None else self._said(error)
        raise self._unavailable() from error

    async def _close(self, connection: AbstractConnection, transport: "_Transport") -> None:
        closing = asyncio.create_task(connection.close())
        try:
            if not self._is_dropped.is_set():
                await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT_S)
        finally:
            transport.cut()
            leftover = {closing, *self._calls}
            await asyncio.wait(leftover, timeout=_CLOSE_TIMEOUT_S)
            for task in leftover:
                task.cancel()  # once more: the first one may have been answered with another wait
            await asyncio.gather(*leftover, return_exceptions=True)

    def _interrupt(self) -> None:
        for task in self._calls:
            task.cancel()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits any more

    def _lost(self, error: Unavailable | TimeoutError) -> None:
        if isinstance(error, TimeoutError):
            self._reason, self._hint = f"no answer within {_SETUP_TIMEOUT_S:g} s", ""
        elif error.__cause__ is not None:
            self._reason, self._hint = self._said(error.__cause__), error.hint
        else:
            self._hint = error.hint
        reason, at = self._logged
        now = asyncio.get_running_loop().time()
        if reason != self._reason or now - at >= _REPEAT_S:
            self._logged = (self._reason, now)
            log.warning("broker_away", link=self._name, url=self._shown, reason=self._reason, hint=self._hint)

    def _unavailable(self) -> Unavailable:
        return Unavailable(f"RabbitMQ at {self._shown} is away: {self._reason}", hint=self._hint)

    def _said(self, error: BaseException) -> str:
        if isinstance(error, aiormq.exceptions.InvalidFrameError) and self._connection is None:
            # RabbitMQ answers Connection.Open with Connection.Close; the client tells no more than that.
            return f"it does not open the virtual host {self._vhost!r} to this user"
        return str(error) or type(error).__name__


class _Transport(TransportFactory):
    """Remembers the socket, so that a connection which answers nothing can be cut."""

    def __init__(self, url: str) -> None:
        is_tls = urlsplit(url).scheme == "amqps"
        self._factory: TransportFactory = TLSTransportFactory() if is_tls else TCPTransportFactory()
        self._writer: StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[StreamReader, StreamWriter]:
        reader, self._writer = await self._factory.create(url, **kwargs)
        return reader, self._writer

    def cut(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


async def _connected(connection: aiormq.Connection, name: str) -> None:
    await connection.connect({"connection_name": name})


async def _channel(connection: AbstractConnection, *, confirms: bool) -> AbstractChannel:
    return await connection.channel(publisher_confirms=confirms)


async def _prepared(prepare: Prepare, channel: AbstractChannel) -> None:
    await prepare(channel)


def _is_blocked(connection: AbstractConnection) -> bool:
    """`ready` waits while the connection is blocked: one step of it tells, without waiting."""
    ready = connection.ready()
    try:
        ready.send(None)
    except StopIteration:
        return False
    ready.close()
    return True


def _hint_for(error: BaseException) -> str:
    match error:
        case aiormq.exceptions.ChannelPreconditionFailed():
            return (
                "the queue exists with other arguments: drain and delete it, set CORDWOOD_BROKER_MAX_SIZE_BYTES back, "
                "or choose another name with CORDWOOD_BROKER_QUEUE"
            )
        case aiormq.exceptions.ChannelAccessRefused():
            return "give the user the rights to configure, write and read the queue"
        case aiormq.exceptions.ProbableAuthenticationError() | aiormq.exceptions.AuthenticationError():
            return "look at user and password in CORDWOOD_BROKER_URL"
        case aiormq.exceptions.InvalidFrameError():
            return "look at the virtual host in CORDWOOD_BROKER_URL, and at the user's rights to it"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "CORDWOOD_BROKER_URL names the authority to trust: amqps://USER:PASSWORD@HOST:PORT/VHOST?cafile=FILE"
    return ""


def nodes_of(url: str) -> list[str]:
    """A URL for each of its hosts: `amqp://u:p@a:5672,b:5672/v`. Raises ConfigError when it cannot be read."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    nodes = [parts._replace(netloc=f"{credentials}{at}{host}") for host in hosts.split(",")]
    try:
        for node in nodes:
            node.port  # noqa: B018  # raises
    except ValueError as error:
        raise ConfigError(
            "the port in the broker's URL is no number", hint="write amqp://USER:PASSWORD@HOST:PORT/VHOST"
        ) from error
    return list(map(urlunsplit, nodes))


def redacted(url: str) -> str:
    """A URL without user, password and options. Raises ConfigError when it cannot be read."""
    nodes_of(url)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _with_heartbeat(url: str) -> str:
    if "heartbeat=" in url:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}heartbeat={_HEARTBEAT_S}"
