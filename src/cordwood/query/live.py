"""The live feed of this process: one subscription for a tenant, each batch opened once, whoever watches."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import structlog

from cordwood import metrics
from cordwood.errors import CordwoodError, Corrupt, Overloaded, Unavailable
from cordwood.model.tenant import Tenant
from cordwood.query.matching import Line, Wanted, matched, stored_events, stored_lines
from cordwood.tail.buffer import Buffer
from cordwood.tail.interface import Missed, Stored, Tail
from cordwood.tail.settings import TailSettings

log = structlog.get_logger()
T = TypeVar("T")

_CHUNK_EVENTS = 250
"""Events that are matched at once: what shares this process gets its turn in between."""
_REST_S = 1.0


class Reader:
    """One who watches: what is wanted, and what waits to be sent."""

    def __init__(self, wanted: Wanted, buffer_bytes: int) -> None:
        self.wanted = wanted
        self.buffer: Buffer[Line] = Buffer(buffer_bytes)
        self.seen_us = 0
        """Of the newest batch that was looked through, wanted or not."""


class _Feed:
    """A tenant's subscription and its readers."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None


class Live:
    """Hands what is published to readers. Bounded: in their number, in what waits, and in time."""

    def __init__(self, tail: Tail, settings: TailSettings) -> None:
        self._tail = tail
        self._settings = settings
        self._feeds: dict[Tenant, _Feed] = {}
        self._readers = 0
        self._pace = _Pace(settings.cpu_share)

    @asynccontextmanager
    async def reading(self, tenant: Tenant, wanted: Wanted) -> AsyncIterator[Reader]:
        """All that a tenant stores from now on: what is published when the block is entered comes into the reader's
        buffer. Raises Overloaded, Unavailable."""
        if self._readers >= self._settings.max_readers:
            raise Overloaded(
                f"{self._readers} live tails are open in this process already",
                hint="close one, ask another process, or raise CORDWOOD_TAIL_MAX_READERS",
                retry_after_s=10,
            )
        reader = Reader(wanted, self._settings.buffer_bytes)
        feed = self._feeds.get(tenant)
        if feed is None:
            feed = self._feeds[tenant] = _Feed()
            feed.task = asyncio.create_task(self._follow(tenant, feed))
        feed.readers.add(reader)
        self._readers += 1
        metrics.TAIL_READERS.inc()
        try:
            await asyncio.shield(feed.opening)
            yield reader
        finally:
            self._readers -= 1
            metrics.TAIL_READERS.dec()
            feed.readers.discard(reader)
            if not feed.readers:
                if self._feeds.get(tenant) is feed:
                    del self._feeds[tenant]
                assert feed.task is not None, "set where the feed is made"
                feed.task.cancel()
                await asyncio.gather(feed.task, return_exceptions=True)

    async def _follow(self, tenant: Tenant, feed: _Feed) -> None:
        """Until cancelled; or until the subscription fails at once, which is told to those who wait for it."""
        while True:
            try:
                async with self._tail.subscribe(tenant) as news:
                    if feed.opening.done():
                        _miss(feed, None)
                    else:
                        feed.opening.set_result(None)
                    async for item in news:
                        if isinstance(item, Missed):
                            _miss(feed, item.events)
                        else:
                            await self._hand_out(feed, item)
            except CordwoodError as error:
                if self._is_refused(tenant, feed, error):
                    return
                log.warning("tail_feed_interrupted", tenant=tenant, reason=error.message)
            except Exception:
                # The outermost edge of a feed: readers go on, and hear that something is missing.
                log.exception("tail_feed_failed", tenant=tenant)
                if self._is_refused(tenant, feed, Unavailable("the live feed failed", hint="see this service's log")):
                    return
            _miss(feed, None)
            await asyncio.sleep(_REST_S)

    def _is_refused(self, tenant: Tenant, feed: _Feed, error: CordwoodError) -> bool:
        """Whether the feed never began: then those who wait for it are told why, and the next one tries anew."""
        if feed.opening.done():
            return False
        if self._feeds.get(tenant) is feed:
            del self._feeds[tenant]
        feed.opening.set_exception(error)
        feed.opening.exception()  # all who waited may have left
        return True

    async def _hand_out(self, feed: _Feed, stored: Stored) -> None:
        readers = list(feed.readers)
        try:
            lines = await self._pace.run(lambda: stored_lines(stored))
        except Corrupt as error:
            log.error("tail_batch_corrupt", reason=error.message)
            _miss(feed, stored.events)
            return
        for at in range(0, len(lines), _CHUNK_EVENTS):
            chunk = lines[at : at + _CHUNK_EVENTS]
            readers = [reader for reader in readers if reader in feed.readers]
            wanted = [reader.wanted for reader in readers]
            try:
                found = await self._pace.run(lambda: matched(stored_events(stored, chunk), wanted))  # noqa: B023  # awaited here
            except (msgspec.MsgspecError, ValueError):
                _miss(feed, len(chunk))
                continue
            for reader, its in zip(readers, found, strict=True):
                for line in its:
                    reader.buffer.put(line, len(line.json))
        for reader in readers:
            reader.seen_us = max(reader.seen_us, stored.inserted_at_us)


class _Pace:
    """Work in a thread, one at a time, with rests: no more than a share of one core's time."""

    def __init__(self, share: float) -> None:
        self._rest_factor = 1 / share - 1
        self._turn = asyncio.Lock()
        self._rests_until = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            if (rest_s := self._rests_until - time.monotonic()) > 0:
                await asyncio.sleep(rest_s)

            def timed() -> tuple[T, float]:
                started = time.thread_time()
                return work(), time.thread_time() - started

            result, took_s = await asyncio.to_thread(timed)
            self._rests_until = time.monotonic() + took_s * self._rest_factor
            return result


def _miss(feed: _Feed, events: int | None) -> None:
    for reader in feed.readers:
        reader.buffer.miss(events)
