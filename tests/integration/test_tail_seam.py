"""Where history ends and the live feed begins: what is stored at just that moment is told, and told once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cordwood.cache.memory import MemoryCache
from cordwood.cache.settings import CacheSettings
from cordwood.model.answer import Block, Coverage
from cordwood.model.batch import event_id
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.query.engine import Engine
from cordwood.query.live import Live
from cordwood.query.past import Past
from cordwood.query.settings import QuerySettings
from cordwood.query.watching import Began, Question, Told, watch
from cordwood.store.interface import Load, Store
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from cordwood.tail.interface import Stored
from cordwood.tail.memory import MemoryTail
from cordwood.tail.settings import TailSettings
from tests.support.builders import load

Work = Callable[[], Awaitable[None]]


class _Meanwhile:
    """The real store; something happens just before it is read, and just after."""

    def __init__(self, store: Store, before: Work, after: Work) -> None:
        self._store = store
        self._before = before
        self._after = after

    async def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncGenerator[Block, None]:
        await self._before()
        blocks = [block async for block in self._store.read(plan, tenant)]
        await self._after()
        for block in blocks:
            yield block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def ids_of(loads: list[Load]) -> list[UUID]:
    return [event_id(each.batch.header.id, ordinal) for each in loads for ordinal in range(each.batch.header.events)]


@pytest.mark.parametrize("position", [None, 0], ids=["history", "resumed"])
async def test_the_seam_is_exact(tmp_path: Path, position: int | None) -> None:
    loads = [load([{"n": n}, {"n": n}]) for n in range(5)]
    late_us = 0
    async with (
        SegmentStore(tmp_path / "store", StoreSettings(), is_writer=True) as store,
        MemoryTail(1 << 20) as tail,
        MemoryCache(1 << 20) as cache,
    ):
        await store.migrate()

        async def publish(number: int, inserted_at_us: int) -> None:
            await tail.publish({DEFAULT_TENANT: [Stored(loads[number].batch, inserted_at_us)]})

        async def write(number: int) -> int:
            (written,) = await store.write([loads[number]])
            return written.inserted_at_us

        async def before() -> None:
            """One is told and in the history, too; of another the worker tells a little later."""
            await publish(1, await write(1))
            nonlocal late_us
            late_us = await write(2)

        async def after() -> None:
            await publish(2, late_us)
            await publish(3, await write(3))

        await write(0)
        reader: Any = _Meanwhile(store, before, after)
        past = Past(Engine(reader, cache, QuerySettings(), CacheSettings()), 1000, 1000)
        question = Question(DEFAULT_TENANT, Plan(), None, 100, position)
        told: list[UUID] = []
        history = 0
        now_us = late_us + 1
        tails = watch(Live(tail, TailSettings(cpu_share=1)), past, question, now_us, asyncio.Event(), lambda: None)
        async with contextlib.aclosing(tails), asyncio.timeout(20):
            async for said in tails:
                for each in said:
                    if isinstance(each, Told):
                        told.append(each.line.id)
                    elif isinstance(each, Began):
                        history = len(told)
                        await publish(4, await write(4))
                if event_id(loads[4].batch.header.id, 1) in told:
                    break
    assert history == 6
    assert sorted(told) == sorted(ids_of(loads)), "each once"
    assert told[history:] == ids_of(loads[3:]), "in the order of storing"
