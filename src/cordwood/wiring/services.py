"""Parts → services: what runs in each process."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from cordwood.broker.interface import Broker
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.db.sqlite import InUse
from cordwood.errors import ConfigError, Unavailable
from cordwood.http.health import Health
from cordwood.http.operations import HEALTH
from cordwood.http.site import Site
from cordwood.ingest.operations import INGEST
from cordwood.ingest.service import Ingest
from cordwood.model.ledger import Accounts
from cordwood.model.tenant import Tenant
from cordwood.query.alerts.operations import ALERTS
from cordwood.query.beside import Beside
from cordwood.query.mending_operations import MENDING
from cordwood.query.operations import TAIL
from cordwood.query.running import Running
from cordwood.store.care import Checked, Merged, Survey
from cordwood.web.page import Page
from cordwood.wiring.alerting import Alerting
from cordwood.wiring.endpoints import ASKING, asking, limits, mending, taking, watching
from cordwood.wiring.opened import Opened
from cordwood.wiring.operating import OPERATING, operating
from cordwood.wiring.parts import ensure_store, open_checker, open_merger, open_store, open_surveyor
from cordwood.wiring.serving import Announce, canary, serve_until
from cordwood.worker.service import work

_EMPTY_TIMEOUT_S, _EMPTY_LOOK_S = 2.0, 0.02
_API_PORT, _QUERY_PORT, _WORKER_PORT = 8080, 8081, 8082


async def run_all(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """Everything in one process: senders → api → broker → worker → store ← query ← people."""
    clock = SystemClock()
    async with Opened(config) as parts:
        port = parts.port("up", _API_PORT)
        tracer = await parts.tracer("up")
        store = await parts.store(is_writer=True)
        broker = await parts.publisher()
        cache = await parts.cache()
        tail = await parts.tail()
        await store.migrate()
        tenants = await parts.tenants()
        keys = tenants.door
        gate = await parts.gate(keys)
        ingest = Ingest(broker, clock, config.ingest, gate, tracer)
        health = Health({"broker": broker.check, "store": store.check, "keys": keys.check})
        live = watching(config, store, cache, tail, keys, stop)
        tables = await parts.alerts()
        alerting = Alerting(config, tables, store, cache, keys)
        running = Running(SystemClock())
        beside = Beside(running, await parts.peers(), SystemClock())
        routes = [
            *health.routes(),
            *limits(gate, keys),
            *asking(config, store, cache, keys, tenants.retention, running, beside, broker),
            *live.routes(),
        ]
        routes += [*alerting.routes(), *operating(config, "up", store, tables, tenants, broker)]
        taken, direct = taking(config, ingest, keys)
        operations = [*HEALTH, *INGEST, *ASKING, *TAIL, *MENDING, *ALERTS, *OPERATING]
        site = Site("up", taken, routes, operations, direct, live.sockets(), Page(), tracer)
        is_served = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            # The worker outlives the listener, so that what the last requests brought is stored.
            group.create_task(
                work(
                    broker,
                    store,
                    tail,
                    clock,
                    config.worker,
                    tenants.retention,
                    is_served,
                    config.tail.feed_bytes,
                    tracer,
                )
            )
            group.create_task(ingest.keep_accounts(stop))
            group.create_task(alerting.run(stop))
            group.create_task(beside.keep(stop))
            with canary(config, port):
                await serve_until(stop, site, port, config, health, announce)
            await ingest.close_accounts()
            await _emptied(broker)
            is_served.set()


async def run_api(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The ingest service: senders → api → broker."""
    async with Opened(config) as parts:
        port = parts.port("api", _API_PORT)
        tracer = await parts.tracer("api")
        keys = (await parts.tenants()).door
        broker = await parts.publisher()
        gate = await parts.gate(keys)
        ingest = Ingest(broker, SystemClock(), config.ingest, gate, tracer)
        health = Health({"broker": broker.check, "keys": keys.check})
        routes = [*health.routes(), *limits(gate, keys)]
        taken, direct = taking(config, ingest, keys)
        site = Site("api", taken, routes, [*HEALTH, *INGEST], direct, tracer=tracer)
        async with asyncio.TaskGroup() as group:
            group.create_task(ingest.keep_accounts(stop))
            await serve_until(stop, site, port, config, health, announce)
            await ingest.close_accounts()


async def run_worker(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The storing service, broker → worker → store; its listener serves health, metrics and dead letters."""
    async with Opened(config) as parts:
        port = parts.port("worker", _WORKER_PORT)
        tracer = await parts.tracer("worker")
        store = await parts.store(is_writer=True)
        broker = await parts.broker()
        tail = await parts.tail()
        tenants = await parts.tenants()
        keys = tenants.door
        health = Health({"broker": broker.check, "store": store.check, "keys": keys.check})
        # Segments have one writer: what changes them is asked of it.
        site = Site("worker", {}, [*health.routes(), *mending(config, store, keys)], [*HEALTH, *MENDING], tracer=tracer)
        async with asyncio.TaskGroup() as group:
            clock, retention, room = SystemClock(), tenants.retention, config.tail.feed_bytes
            group.create_task(work(broker, store, tail, clock, config.worker, retention, stop, room, tracer))
            await serve_until(stop, site, port, config, health, announce)


async def run_query(config: Config, stop: asyncio.Event, announce: Announce) -> None:
    """The answering service: store, cache ← query ← people."""
    if config.canary.interval_s and not config.canary.url:
        raise ConfigError(
            "the canary has nobody to send to: the query service takes no logs",
            hint="set CORDWOOD_CANARY_URL to an api service",
        )
    async with Opened(config) as parts:
        port = parts.port("query", _QUERY_PORT)
        tracer = await parts.tracer("query")
        tenants = await parts.tenants()
        keys = tenants.door
        store = await parts.store(is_writer=False)
        cache = await parts.cache()
        tail = await parts.tail()
        health = Health({"store": store.check, "keys": keys.check})
        live = watching(config, store, cache, tail, keys, stop)
        tables = await parts.alerts()
        alerting = Alerting(config, tables, store, cache, keys)
        running = Running(SystemClock())
        beside = Beside(running, await parts.peers(), SystemClock())
        routes = [
            *health.routes(),
            *asking(config, store, cache, keys, tenants.retention, running, beside),
            *live.routes(),
            *alerting.routes(),
            *operating(config, "query", store, tables, tenants),
        ]
        operations = [*HEALTH, *ASKING, *TAIL, *MENDING, *ALERTS, *OPERATING]
        site = Site("query", {}, routes, operations, sockets=live.sockets(), page=Page(), tracer=tracer)
        async with asyncio.TaskGroup() as group:
            group.create_task(alerting.run(stop))
            group.create_task(beside.keep(stop))
            with canary(config, port):
                await serve_until(stop, site, port, config, health, announce)


async def run_migrate(config: Config) -> list[str]:
    """Bring the store's tables to this version; the names of the steps applied. Raises Unavailable."""
    async with open_store(config, is_writer=True) as store:
        return list(await store.migrate())


async def run_audit(config: Config, owner: Tenant | None, *, is_counted: bool) -> Accounts:
    """The store's books. Raises ConfigError, Unavailable."""
    ensure_store(config)
    async with open_store(config, is_writer=False) as store:
        await store.check()
        return await store.accounts(owner, is_counted=is_counted)


async def run_survey(config: Config, owner: Tenant | None) -> Survey:
    """What takes the room in the store. Raises ConfigError, Unavailable."""
    async with open_surveyor(config) as store:
        return await store.survey(owner)


async def run_check(
    config: Config, owner: Tenant | None, stop: asyncio.Event, tell: Callable[[Checked], None]
) -> Sequence[str]:
    """Read every segment back until `stop`, telling how far it is; returns files that belong to none.

    Raises ConfigError, Unavailable.
    """
    async with open_checker(config) as store, contextlib.aclosing(store.check(owner)) as steps:
        async for step in steps:
            tell(step)
            if stop.is_set():
                return ()
        return await store.orphans()


async def run_compact(config: Config, stop: asyncio.Event, tell: Callable[[Merged], None]) -> None:
    """Merge until there is nothing to merge, or `stop`. Raises ConfigError, also where a server does; Unavailable."""
    try:
        async with open_merger(config) as store:
            while not stop.is_set() and (merged := await store.merge_rest()) is not None:
                tell(merged)
    except InUse as error:
        hint = "a running server merges by itself: leave it to that, or stop it first"
        raise ConfigError(error.message, hint=hint) from error


async def _emptied(broker: Broker) -> None:
    """Give the worker a moment for the last batches: what is left is stored after the next start."""
    with contextlib.suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(_EMPTY_TIMEOUT_S):
            while (await broker.backlog()).batches:  # noqa: ASYNC110  # another process may empty it
                await asyncio.sleep(_EMPTY_LOOK_S)
