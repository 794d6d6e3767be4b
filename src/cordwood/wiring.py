"""URL → part, parts → services. The one place that knows every concrete name.

Adapters are imported inside the functions, so that a set-up needs only its own drivers installed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

from msgspec.structs import replace
from starlette.routing import Route

from cordwood.broker.interface import Broker
from cordwood.cache.interface import Cache
from cordwood.client.canary import Canary
from cordwood.client.http import Api
from cordwood.clock import SystemClock
from cordwood.config import Config, redacted
from cordwood.errors import ConfigError, Unavailable
from cordwood.http.health import Health
from cordwood.http.operations import HEALTH
from cordwood.http.server import is_loopback, listen, serve, url_of
from cordwood.http.site import DirectHandler, Site
from cordwood.ingest.limits import LimitsRoutes
from cordwood.ingest.operations import INGEST
from cordwood.ingest.routes import PATHS, IngestRoutes
from cordwood.ingest.service import Ingest, limits_of
from cordwood.model.ledger import Accounts
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.query.deadletters import DeadLetterRoutes
from cordwood.query.deletion import DeletionRoutes
from cordwood.query.engine import Engine
from cordwood.query.ledger import LedgerRoutes
from cordwood.query.mending import Mender
from cordwood.query.mending_operations import MENDING
from cordwood.query.operations import QUERY
from cordwood.query.routes import QueryRoutes
from cordwood.store.interface import Store
from cordwood.tenancy.configured import configured_grants
from cordwood.tenancy.door import Door
from cordwood.tenancy.interface import Keys, LimitBook, Tenancy
from cordwood.tenancy.quota.gate import Gate
from cordwood.tenancy.quota.interface import Quota
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.worker.service import work

Announce = Callable[[str], None]
"""Hears the base URL of a service that is ready."""

_EMPTY_TIMEOUT_S, _EMPTY_LOOK_S = 2.0, 0.02
_API_PORT, _QUERY_PORT, _WORKER_PORT = 8080, 8081, 8082


def open_publisher(config: Config) -> Broker:
    """The broker as the api sees it: behind a spool, if one is wanted. Raises ConfigError."""
    broker = open_broker(config)
    if not config.broker.spool_bytes:
        return broker
    if urlsplit(config.broker.url).scheme == "sqlite":
        raise ConfigError(
            "a spool before the SQLite queue keeps nothing that the queue would not",
            hint="unset CORDWOOD_BROKER_SPOOL_BYTES, or set CORDWOOD_BROKER_URL to RabbitMQ's",
        )
    from cordwood.broker.spool import Spool
    from cordwood.broker.sqlite import SqliteBroker

    path = config.data_dir / "spool.sqlite"
    kept = replace(config.broker, max_size_bytes=config.broker.spool_bytes)
    return Spool(broker, SqliteBroker(path, kept), path)


def open_broker(config: Config) -> Broker:
    """The broker that `broker.url` names. Raises ConfigError."""
    settings = config.broker
    match urlsplit(settings.url).scheme:
        case "sqlite":
            from cordwood.broker.sqlite import SqliteBroker

            return SqliteBroker(_path(config, settings.url, "queue.sqlite"), settings)
        case "amqp" | "amqps":
            try:
                from cordwood.broker.rabbitmq import RabbitBroker
            except ModuleNotFoundError as error:
                raise _missing_extra("rabbitmq", error) from error
            return RabbitBroker(settings.url, settings)
    raise _unknown("broker", settings.url, "sqlite:, amqp:// and amqps://")


def open_store(config: Config, *, is_writer: bool) -> Store:
    """The store that `store.url` names; a file store is written by one process at a time. Raises ConfigError."""
    settings = config.store
    match urlsplit(settings.url).scheme:
        case "file":
            from cordwood.store.segments.store import SegmentStore

            return SegmentStore(_path(config, settings.url, "store"), settings, is_writer=is_writer)
        case "postgresql" | "postgres":
            try:
                from cordwood.store.postgres.store import PostgresStore
            except ModuleNotFoundError as error:
                raise _missing_extra("postgres", error) from error
            return PostgresStore(settings.url, settings)
    raise _unknown("store", settings.url, "file: and postgresql://")


def open_cache(config: Config) -> Cache:
    """The cache that `cache.url` names. Raises ConfigError."""
    settings = config.cache
    match urlsplit(settings.url).scheme:
        case "memory":
            from cordwood.cache.memory import MemoryCache

            return MemoryCache(settings.memory_bytes)
        case "redis" | "rediss":
            try:
                from cordwood.cache.redis import RedisCache
            except ModuleNotFoundError as error:
                raise _missing_extra("redis", error) from error
            return RedisCache(settings.url)
    raise _unknown("cache", settings.url, "memory:, redis:// and rediss://")


def open_tenancy(config: Config) -> Tenancy:
    """Keys and limits, kept where the store's own bookkeeping is. Raises ConfigError."""
    url = config.store.url
    match urlsplit(url).scheme:
        case "file":
            from cordwood.tenancy.sqlite import SqliteTenancy

            return SqliteTenancy(config.data_dir / "keys.sqlite")
        case "postgresql" | "postgres":
            try:
                from cordwood.tenancy.postgres import PostgresTenancy
            except ModuleNotFoundError as error:
                raise _missing_extra("postgres", error) from error
            return PostgresTenancy(url)
    raise _unknown("store", url, "file: and postgresql://")


def open_keys(config: Config, tenancy: Tenancy) -> Door:
    """Configured and stored keys. Entering it fails where strangers would find the door open, or nobody a key."""
    may_be_open = is_loopback(config.http.host) or config.http.insecure
    return Door(tenancy, configured_grants(config.tenancy.api_keys), SystemClock(), may_be_open=may_be_open)


def open_quota(config: Config) -> Quota:
    """Tenants' use, counted where the cache is: exactly for all processes in Redis, else in this one.

    Raises ConfigError.
    """
    url = config.cache.url
    counted_here = MemoryQuota(SystemClock())
    match urlsplit(url).scheme:
        case "memory":
            return counted_here
        case "redis" | "rediss":
            try:
                from cordwood.tenancy.quota.redis import RedisQuota
            except ModuleNotFoundError as error:
                raise _missing_extra("redis", error) from error
            return RedisQuota(url, counted_here)
    raise _unknown("cache", url, "memory:, redis:// and rediss://")


async def run_all(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """Everything in one process."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _API_PORT)
        store = await parts.enter_async_context(open_store(config, is_writer=True))
        broker = await parts.enter_async_context(open_publisher(config))
        cache = await parts.enter_async_context(open_cache(config))
        await store.migrate()
        tenancy, keys = await _tenancy(parts, config)
        health = Health({"broker": broker.check, "store": store.check, "keys": keys.check})
        gate = await _gate(parts, config, keys)
        ingest = Ingest(broker, SystemClock(), config.ingest, gate)
        taking = IngestRoutes(ingest, keys, config.http)
        site = Site(
            "up",
            dict.fromkeys(PATHS, taking),
            [*health.routes(), *LimitsRoutes(gate, keys).routes(), *_query(config, store, cache, keys)],
            [*HEALTH, *INGEST, *QUERY, *MENDING],
            _direct(taking),
        )
        is_served = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            # The worker outlives the listener, so that what the last requests brought is stored.
            group.create_task(work(broker, store, SystemClock(), config.worker, _retention(config, tenancy), is_served))
            group.create_task(ingest.keep_accounts(stop))
            with _canary(config, url_of(sock, config.http)):
                await _serve(site, sock, config, health, stop, announce)
            await ingest.close_accounts()
            await _emptied(broker)
            is_served.set()


async def run_api(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The ingest service."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _API_PORT)
        _, keys = await _tenancy(parts, config)
        broker = await parts.enter_async_context(open_publisher(config))
        health = Health({"broker": broker.check, "keys": keys.check})
        gate = await _gate(parts, config, keys)
        ingest = Ingest(broker, SystemClock(), config.ingest, gate)
        taking = IngestRoutes(ingest, keys, config.http)
        routes = [*health.routes(), *LimitsRoutes(gate, keys).routes()]
        site = Site("api", dict.fromkeys(PATHS, taking), routes, [*HEALTH, *INGEST], _direct(taking))
        async with asyncio.TaskGroup() as group:
            group.create_task(ingest.keep_accounts(stop))
            await _serve(site, sock, config, health, stop, announce)
            await ingest.close_accounts()


async def run_worker(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The storing service; its listener serves health, metrics and dead letters."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _WORKER_PORT)
        store = await parts.enter_async_context(open_store(config, is_writer=True))
        broker = await parts.enter_async_context(open_broker(config))
        tenancy, keys = await _tenancy(parts, config)
        health = Health({"broker": broker.check, "store": store.check, "keys": keys.check})
        async with asyncio.TaskGroup() as group:
            group.create_task(work(broker, store, SystemClock(), config.worker, _retention(config, tenancy), stop))
            # Segments have one writer: what changes them is asked of it.
            routes = [*health.routes(), *_mending(config, store, keys)]
            site = Site("worker", {}, routes, [*HEALTH, *MENDING])
            await _serve(site, sock, config, health, stop, announce)


async def run_query(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The answering service."""
    if config.canary.interval_s and not config.canary.url:
        raise ConfigError(
            "the canary has nobody to send to: the query service takes no logs",
            hint="set CORDWOOD_CANARY_URL to an api service",
        )
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _QUERY_PORT)
        _, keys = await _tenancy(parts, config)
        store = await parts.enter_async_context(open_store(config, is_writer=False))
        cache = await parts.enter_async_context(open_cache(config))
        health = Health({"store": store.check, "keys": keys.check})
        routes = [*health.routes(), *_query(config, store, cache, keys)]
        site = Site("query", {}, routes, [*HEALTH, *QUERY, *MENDING])
        with _canary(config, url_of(sock, config.http)):
            await _serve(site, sock, config, health, stop, announce)


async def run_migrate(config: Config) -> list[str]:
    """Bring the store's tables to this version; the names of the steps applied. Raises Unavailable."""
    async with open_store(config, is_writer=True) as store:
        return list(await store.migrate())


async def run_audit(config: Config, owner: Tenant | None, *, is_counted: bool) -> Accounts:
    """The store's books. Raises Unavailable."""
    async with open_store(config, is_writer=False) as store:
        await store.check()
        return await store.accounts(owner, is_counted=is_counted)


async def _tenancy(parts: AsyncExitStack, config: Config) -> tuple[Tenancy, Door]:
    tenancy = await parts.enter_async_context(open_tenancy(config))
    return tenancy, await parts.enter_async_context(open_keys(config, tenancy))


async def _gate(parts: AsyncExitStack, config: Config, door: Door) -> Gate:
    return Gate(door.limits_of, await parts.enter_async_context(open_quota(config)))


def _retention(config: Config, limits: LimitBook) -> Callable[[], Awaitable[Retention]]:
    async def rules() -> Retention:
        return Retention(config.store.retention_days or None, await limits.retention_days())

    return rules


def _direct(routes: IngestRoutes) -> dict[bytes, DirectHandler]:
    return {path.encode(): routes.direct for path in PATHS}


def _query(config: Config, store: Store, cache: Cache, keys: Keys) -> list[Route]:
    clock = SystemClock()
    engine = Engine(store, cache, config.query, config.cache)
    return [
        *QueryRoutes(engine, keys, clock).routes(),
        *LedgerRoutes(store, keys, clock).routes(),
        *_mending(config, store, keys),
    ]


def _mending(config: Config, store: Store, keys: Keys) -> list[Route]:
    mender = Mender(store, store, limits_of(config.ingest))
    return [*DeadLetterRoutes(store, mender, keys).routes(), *DeletionRoutes(store, keys, SystemClock()).routes()]


def _listen(parts: AsyncExitStack, config: Config, default_port: int) -> socket:
    """The port is taken first: two processes on one port must not get as far as touching data."""
    sock = listen(config.http, default_port)
    parts.callback(sock.close)
    return sock


async def _emptied(broker: Broker) -> None:
    """Give the worker a moment for the last batches: what is left is stored after the next start."""
    with contextlib.suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(_EMPTY_TIMEOUT_S):
            while (await broker.backlog()).batches:  # noqa: ASYNC110  # another process may empty it
                await asyncio.sleep(_EMPTY_LOOK_S)


@contextlib.contextmanager
def _canary(config: Config, own_url: str) -> Iterator[None]:
    """Sends and looks, as long as the block runs, if it is wanted."""
    settings = config.canary
    if not settings.interval_s:
        yield
        return
    key = settings.api_key or None
    canary = Canary(Api(settings.url or own_url, key), Api(own_url, key), settings.interval_s, settings.timeout_s)
    canary.start()
    try:
        yield
    finally:
        canary.stop()


async def _serve(
    site: Site, sock: socket, config: Config, health: Health, stop: asyncio.Event, announce: Announce
) -> None:
    is_over = asyncio.Event()

    async def drain() -> None:
        """First say so, and go on answering: whoever still sends here has not heard of it yet."""
        await stop.wait()
        health.is_draining = site.is_draining = True
        if site.idle_s() < config.http.drain_s:
            await asyncio.sleep(config.http.drain_s)
            site.is_closing = True
            await asyncio.sleep(config.http.drain_s)
        is_over.set()

    draining = asyncio.create_task(drain())
    try:
        await serve(site, sock, config.http, is_over, announce)
    finally:
        draining.cancel()


def _path(config: Config, url: str, default: str) -> Path:
    path = urlsplit(url).path
    return Path(path) if path else config.data_dir / default


def _unknown(part: str, url: str, known: str) -> ConfigError:
    return ConfigError(f"{part}.url {redacted(url)!r} has a scheme that is not known", hint=f"known are {known}")


def _missing_extra(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"the module {error.name!r} is not installed", hint=f"install 'cordwood[{extra}]'")
