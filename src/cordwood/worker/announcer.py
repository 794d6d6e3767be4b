"""What is stored, told to the live tail: beside the way of a batch, so that storing never waits for it."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

import structlog

from cordwood import metrics
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Written
from cordwood.tail.interface import Missed, News, Stored, Tail

log = structlog.get_logger()

_TIMEOUT_S = 5.0
_REST_S = 1.0
"""After a failure the tail is left alone for this long."""
_LAST_WORDS_S = 1.0


class Announcer:
    """Bounded: what finds no room, or what the tail does not take, is told as missed once it is there again."""

    def __init__(self, tail: Tail, max_bytes: int) -> None:
        self._tail = tail
        self._max_bytes = max_bytes
        self._waiting: dict[Tenant, list[News]] = {}
        self._size = 0
        self._has_news = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def __aenter__(self) -> Self:
        self._publishing = asyncio.create_task(self._publish_forever())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Gives the last news a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._is_idle.wait()
        self._publishing.cancel()
        await asyncio.gather(self._publishing, return_exceptions=True)

    def tell(self, loads: Sequence[Load], written: Sequence[Written]) -> None:
        """Take note of what a transaction has stored; duplicates and dead letters are no news."""
        for load, outcome in zip(loads, written, strict=True):
            if not outcome.stored:
                continue
            batch = load.batch
            dead = tuple(letter.ordinal for letter in load.dead)
            if self._size and self._size + len(batch.body) > self._max_bytes:
                self._miss(batch.header.tenant, outcome.stored)
                metrics.TAIL_MISSED_EVENTS.labels("publisher").inc(outcome.stored)
            else:
                self._size += len(batch.body)
                stored = Stored(batch, outcome.inserted_at_us, dead)
                self._waiting.setdefault(batch.header.tenant, []).append(stored)
        if self._waiting:
            self._is_idle.clear()
            self._has_news.set()

    def _miss(self, tenant: Tenant, events: int) -> None:
        news = self._waiting.setdefault(tenant, [])
        if news and isinstance(last := news[-1], Missed):
            news[-1] = last.and_(events)
        else:
            news.append(Missed(events))

    async def _publish_forever(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            news, self._waiting, self._size = self._waiting, {}, 0
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    await self._tail.publish(news)
            except (Unavailable, TimeoutError) as error:
                log.warning("tail_unavailable", reason=str(error) or "no answer")
            except Exception:
                # The outermost edge of a convenience: batches must go on being stored while somebody mends this.
                log.exception("tail_failed")
            else:
                if not self._waiting:
                    self._is_idle.set()
                continue
            metrics.TAIL_FAILURES.inc()
            self._take_back(news)
            await asyncio.sleep(_REST_S)

    def _take_back(self, news: dict[Tenant, list[News]]) -> None:
        """What may not have been told, as a number that comes before what has been stored since."""
        for tenant, items in news.items():
            lost = sum(item.events or 0 for item in items)
            metrics.TAIL_MISSED_EVENTS.labels("publisher").inc(
                sum(item.events for item in items if isinstance(item, Stored))
            )
            since = self._waiting.get(tenant, [])
            if since and isinstance(since[0], Missed):
                self._waiting[tenant] = [since[0].and_(lost), *since[1:]]
            else:
                self._waiting[tenant] = [Missed(lost), *since]
        self._has_news.set()
