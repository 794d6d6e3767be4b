"""A look at what takes the room is bounded: in time, in how many there are at once, and it ends when nobody waits."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from cordwood.errors import Unavailable
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.query.operating.room import RoomRoutes
from cordwood.query.operating.shapes import StoreAnswer
from cordwood.store.care import Survey
from cordwood.store.gauges import Gauge, Latency
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.survey_turn import SurveyTurn
from cordwood.tenancy.interface import Keys
from tests.support.waiting import eventually

EMPTY = Survey(
    kind="segments", events=0, segments=0, rows=None, bytes=0, parts=(), tenants=(), services=()
)  # fmt: skip


class Slow:
    """A `Surveyor` that ends when it is let."""

    def __init__(self) -> None:
        self.under_way, self.most, self.cancelled = 0, 0, 0
        self.may_end = asyncio.Event()

    async def survey(self, tenant: Tenant | None) -> Survey:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        return EMPTY


class Catalog:
    """`Gauges` of a tenant that has something."""

    async def gauge(self, tenant: Tenant) -> Gauge:
        return Gauge(kind="segments", events=7, segments=2, bytes=900, dead_letters=0, dead_events=0)

    async def latency(self, tenant: Tenant, accepted_us: int, recorded_us: int, most: int) -> Latency | None:
        return None


def room(surveyor: Slow, timeout_s: float) -> Callable[[Tenant], "asyncio.Task[StoreAnswer]"]:
    """Asks as the endpoint does."""
    routes = RoomRoutes(surveyor, Catalog(), cast("Keys", None), timeout_s)
    return lambda tenant: asyncio.ensure_future(routes.of(tenant))


async def test_it_is_stopped_when_it_takes_too_long_and_the_catalog_tells() -> None:
    slow = Slow()
    told = await room(slow, 0.02)(DEFAULT_TENANT)
    assert slow.cancelled == 1
    assert (told.events, told.segments, told.bytes, told.complete, told.fields) == (7, 2, 900, False, ())


async def test_there_is_one_at_once_whoever_asks() -> None:
    slow = Slow()
    ask = room(slow, 10)
    asked = [ask(Tenant(name)) for name in ("a", "a", "b", "c")]

    async def begun() -> bool:
        return slow.under_way == 1

    await eventually(begun, 2, "one to begin")
    slow.may_end.set()
    await asyncio.gather(*asked)
    assert slow.most == 1


class Held:
    """A catalog that names its segments when it is let."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer, self.asked = threading.Event(), threading.Event(), 0

    def all_segments(self, tenant: Tenant | None) -> Sequence[Segment]:
        self.asked += 1
        self.is_asked.set()
        assert self.may_answer.wait(10), "it is let"
        return [Segment(path=f"{number}", tenant=DEFAULT_TENANT, events=1, size_bytes=1, min_us=0, max_us=0)
                for number in range(1000)]  # fmt: skip


class Watched:
    """An engine that counts who uses it."""

    def __init__(self) -> None:
        self.opened = 0

    def open(self, **_: object) -> None:
        self.opened += 1
        raise Unavailable("this engine does nothing")


async def test_it_ends_when_nobody_waits(tmp_path: Path) -> None:
    catalog, engine = Held(), Watched()
    with ThreadPoolExecutor(1) as executor:
        turn = SurveyTurn(Directory(tmp_path), cast("Changing", catalog), cast("Engine", engine), executor)
        first, second = (asyncio.create_task(turn.survey(DEFAULT_TENANT)) for _ in range(2))
        await asyncio.to_thread(catalog.is_asked.wait, 10)
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        last = executor.submit(lambda: "the thread is free")
        catalog.may_answer.set()
        assert await asyncio.wrap_future(last) == "the thread is free"
    assert engine.opened == 0, "its segments were not looked into any more"
    assert catalog.asked == 1, "the one that waited for its turn never began"
