"""The parts of a running service, open: each as it is asked for, closed in the opposite order."""

from contextlib import AsyncExitStack
from socket import socket
from typing import Self

from cordwood.alerts.interface import Tables
from cordwood.broker.interface import Broker
from cordwood.cache.interface import Cache
from cordwood.config import Config
from cordwood.http.server import listen
from cordwood.model.retention import Retention
from cordwood.peers.interface import Peers
from cordwood.store.interface import Store
from cordwood.tail.interface import Tail
from cordwood.tenancy.door import Door
from cordwood.tenancy.interface import KeyBook, Tenancy
from cordwood.tenancy.quota.gate import Gate
from cordwood.tracing.interface import Tracer
from cordwood.wiring.gauging import tell_of_process
from cordwood.wiring.parts import (
    open_alerts,
    open_broker,
    open_keys,
    open_publisher,
    open_store,
    open_tenancy,
)
from cordwood.wiring.sharing import open_cache, open_peers, open_quota, open_tail
from cordwood.wiring.tracing import open_tracer


class Opened:
    """Opens what the configuration names. Every method raises what opening its part raises."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def port(self, service: str, default: int) -> socket:
        """Taken before anything else: two processes on one port must not get as far as touching data."""
        sock = listen(self._config.http, default)
        tell_of_process(service, self._config.data_dir)
        self._stack.callback(sock.close)
        return sock

    async def publisher(self) -> Broker:
        return await self._stack.enter_async_context(open_publisher(self._config))

    async def broker(self) -> Broker:
        return await self._stack.enter_async_context(open_broker(self._config))

    async def store(self, *, is_writer: bool) -> Store:
        return await self._stack.enter_async_context(open_store(self._config, is_writer=is_writer))

    async def cache(self) -> Cache:
        return await self._stack.enter_async_context(open_cache(self._config))

    async def tail(self) -> Tail:
        return await self._stack.enter_async_context(open_tail(self._config))

    async def peers(self) -> Peers:
        return await self._stack.enter_async_context(open_peers(self._config))

    async def alerts(self) -> Tables:
        return await self._stack.enter_async_context(open_alerts(self._config))

    async def tracer(self, service: str) -> Tracer:
        return await self._stack.enter_async_context(open_tracer(self._config, service))

    async def tenants(self) -> "Tenants":
        tenancy = await self._stack.enter_async_context(open_tenancy(self._config))
        door = await self._stack.enter_async_context(open_keys(self._config, tenancy))
        return Tenants(tenancy, door, self._config.store.retention_days or None)

    async def gate(self, door: Door) -> Gate:
        return Gate(door.limits_of, await self._stack.enter_async_context(open_quota(self._config)))


class Tenants:
    """Who may come in, and how long their events are kept."""

    def __init__(self, tenancy: Tenancy, door: Door, retention_days: int | None) -> None:
        self.door = door
        self.book: KeyBook = tenancy
        self._tenancy = tenancy
        self._retention_days = retention_days

    async def retention(self) -> Retention:
        """The rules now. Raises Unavailable."""
        return Retention(self._retention_days, await self._tenancy.retention_days())
