"""URL → part, parts → services. The one place that knows every concrete name.

Adapters are imported inside the functions, so that a set-up needs only its own drivers installed.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from cordwood.broker.interface import Broker
from cordwood.cache.interface import Cache
from cordwood.clock import SystemClock
from cordwood.config import Config, redacted
from cordwood.errors import ConfigError
from cordwood.http.health import Health
from cordwood.http.server import is_loopback, listen, serve
from cordwood.http.site import Site
from cordwood.ingest.limits import LimitsRoutes
from cordwood.ingest.routes import PATHS, IngestRoutes
from cordwood.ingest.service import Ingest
from cordwood.query.engine import Engine
from cordwood.query.routes import QueryRoutes
from cordwood.store.interface import Reader, Store
from cordwood.tenancy.configured import configured_grants
from cordwood.tenancy.door import Door
from cordwood.tenancy.interface import Keys, Tenancy
from cordwood.tenancy.quota.gate import Gate
from cordwood.tenancy.quota.interface import Quota
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.worker.service import work

Announce = Callable[[str], None]
"""Hears the base URL of a service that is ready."""

_API_PORT, _QUERY_PORT, _WORKER_PORT = 8080, 8081, 8082


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
        broker = await parts.enter_async_context(open_broker(config))
        cache = await parts.enter_async_context(open_cache(config))
        await store.migrate()
        keys = await _keys(parts, config)
        health = Health({"broker": broker.check, "store": store.check, "keys": keys.check})
        gate = await _gate(parts, config, keys)
        site = Site(
            "up",
            _ingest(config, broker, keys, gate),
            [*health.routes(), *LimitsRoutes(gate, keys).routes(), *_query(config, store, cache, keys).routes()],
        )
        is_served = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            # The worker outlives the listener, so that what the last requests brought is stored.
            group.create_task(work(broker, store, SystemClock(), config.worker, is_served))
            await _serve(site, sock, config, health, stop, announce)
            is_served.set()


async def run_api(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The ingest service."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _API_PORT)
        keys = await _keys(parts, config)
        broker = await parts.enter_async_context(open_broker(config))
        health = Health({"broker": broker.check, "keys": keys.check})
        gate = await _gate(parts, config, keys)
        routes = [*health.routes(), *LimitsRoutes(gate, keys).routes()]
        site = Site("api", _ingest(config, broker, keys, gate), routes)
        await _serve(site, sock, config, health, stop, announce)


async def run_worker(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The storing service; its listener serves health and metrics only."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _WORKER_PORT)
        store = await parts.enter_async_context(open_store(config, is_writer=True))
        broker = await parts.enter_async_context(open_broker(config))
        health = Health({"broker": broker.check, "store": store.check})
        async with asyncio.TaskGroup() as group:
            group.create_task(work(broker, store, SystemClock(), config.worker, stop))
            await _serve(Site("worker", {}, health.routes()), sock, config, health, stop, announce)


async def run_query(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The answering service."""
    async with AsyncExitStack() as parts:
        sock = _listen(parts, config, _QUERY_PORT)
        keys = await _keys(parts, config)
        store = await parts.enter_async_context(open_store(config, is_writer=False))
        cache = await parts.enter_async_context(open_cache(config))
        health = Health({"store": store.check, "keys": keys.check})
        site = Site("query", {}, [*health.routes(), *_query(config, store, cache, keys).routes()])
        await _serve(site, sock, config, health, stop, announce)


async def run_migrate(config: Config) -> list[str]:
    """Bring the store's tables to this version; the names of the steps applied. Raises Unavailable."""
    async with open_store(config, is_writer=True) as store:
        return list(await store.migrate())


async def _keys(parts: AsyncExitStack, config: Config) -> Door:
    return await parts.enter_async_context(open_keys(config, await parts.enter_async_context(open_tenancy(config))))


async def _gate(parts: AsyncExitStack, config: Config, door: Door) -> Gate:
    return Gate(door.limits_of, await parts.enter_async_context(open_quota(config)))


def _ingest(config: Config, broker: Broker, keys: Keys, gate: Gate) -> dict[str, ASGIApp]:
    routes = IngestRoutes(Ingest(broker, SystemClock(), config.ingest, gate), keys, config.http)
    return dict.fromkeys(PATHS, routes)


def _query(config: Config, reader: Reader, cache: Cache, keys: Keys) -> QueryRoutes:
    return QueryRoutes(Engine(reader, cache, config.query, config.cache), keys, SystemClock())


def _listen(parts: AsyncExitStack, config: Config, default_port: int) -> socket:
    """The port is taken first: two processes on one port must not get as far as touching data."""
    sock = listen(config.http, default_port)
    parts.callback(sock.close)
    return sock


async def _serve(
    site: Site, sock: socket, config: Config, health: Health, stop: asyncio.Event, announce: Announce
) -> None:
    async def drain() -> None:
        await stop.wait()
        health.is_draining = True

    draining = asyncio.create_task(drain())
    try:
        await serve(site, sock, config.http, stop, announce)
    finally:
        draining.cancel()


def _path(config: Config, url: str, default: str) -> Path:
    path = urlsplit(url).path
    return Path(path) if path else config.data_dir / default


def _unknown(part: str, url: str, known: str) -> ConfigError:
    return ConfigError(f"{part}.url {redacted(url)!r} has a scheme that is not known", hint=f"known are {known}")


def _missing_extra(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"the module {error.name!r} is not installed", hint=f"install 'cordwood[{extra}]'")
