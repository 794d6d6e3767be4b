"""`python -m tests.support.dying_worker`: a worker that dies by SIGKILL after the commit, just before it
acks its first events; or, with `--before-commit`, once its first segment is durable and not named yet.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

from cordwood.broker.interface import Broker, Delivery
from cordwood.clock import SystemClock
from cordwood.config import load
from cordwood.model.batch import Batch
from cordwood.store.shared import names
from cordwood.wiring.parts import open_broker, open_store
from cordwood.worker.loop import Loop


class _LastDelivery:
    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    @property
    def batch(self) -> Batch:
        return self._delivery.batch

    @property
    def is_redelivered(self) -> bool:
        return self._delivery.is_redelivered

    async def ack(self) -> None:
        if self.batch.header.kind == "events":
            _die()
        await self._delivery.ack()

    async def nack(self) -> None:
        await self._delivery.nack()

    async def reject(self, reason: str) -> None:
        await self._delivery.reject(reason)


class _DyingBroker:
    """The real broker, whose deliveries end the process when they are acked."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def consume(self, prefetch: int) -> AsyncIterator[Delivery]:
        async for delivery in self._broker.consume(prefetch):
            yield _LastDelivery(delivery)

    def __getattr__(self, name: str) -> object:
        return getattr(self._broker, name)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    config = load(os.environ, {})
    is_early = "--before-commit" in sys.argv
    if is_early:
        names.insert = _die  # type: ignore[assignment]  # never returns
    async with open_store(config, is_writer=True) as store, open_broker(config) as broker:
        dying: Broker = _DyingBroker(broker)  # type: ignore[assignment]  # the rest is passed on
        await Loop(broker if is_early else dying, store, SystemClock(), config.worker).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
