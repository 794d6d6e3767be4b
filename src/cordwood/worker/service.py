"""The worker as a service: its loop and its chores, until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable

from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.model.retention import Retention
from cordwood.store.interface import Store
from cordwood.tail.interface import Tail
from cordwood.tracing.interface import Tracer
from cordwood.worker.announcer import Announcer
from cordwood.worker.loop import Loop
from cordwood.worker.settings import WorkerSettings
from cordwood.worker.traced import TracedDeliveries, TracedWriter
from cordwood.worker.upkeep import audit_forever, expire_forever, tend_forever, watch_backlog


async def work(
    broker: Broker,
    store: Store,
    tail: Tail,
    clock: Clock,
    settings: WorkerSettings,
    retention: Callable[[], Awaitable[Retention]],
    stop: asyncio.Event,
    tail_bytes: int,
    tracer: Tracer,
) -> None:
    """Run until `stop`; returns when everything in hand is stored or given back. `retention` tells the rules now;
    `tail_bytes` of batches may wait for the tail."""
    async with Announcer(tail, tail_bytes) as announcer, asyncio.TaskGroup() as group:
        if tracer.is_on:
            loop = Loop(TracedDeliveries(broker, tracer), TracedWriter(store, tracer), clock, settings, announcer)
        else:
            loop = Loop(broker, store, clock, settings, announcer)
        group.create_task(loop.run(stop))
        group.create_task(tend_forever(store, settings.tend_interval_s, stop))
        group.create_task(expire_forever(store, retention, stop))
        group.create_task(audit_forever(store, clock, stop))
        group.create_task(watch_backlog(broker, store, clock.batch_id(), stop))
