"""Plan → cache or store → answer."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

import msgspec
from msgspec.structs import replace

from cordwood import metrics
from cordwood.cache.interface import Cache
from cordwood.cache.settings import CacheSettings
from cordwood.errors import BadRequest, NotFound, Overloaded
from cordwood.model.answer import Block, StoredEvent
from cordwood.model.plan import Plan, Position
from cordwood.model.tenant import Tenant
from cordwood.query.answers import event_json, ndjson, page_json
from cordwood.query.parameters import cursor_of
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Reader

# Part of every cache key: raised when the bytes of an answer change.
_ANSWER_VERSION = 1


class Engine:
    """Answers plans. Bounded: a few questions at once, a few more waiting."""

    def __init__(self, reader: Reader, cache: Cache, settings: QuerySettings, cache_settings: CacheSettings) -> None:
        self._reader = reader
        self._cache = cache
        self._settings = settings
        self._cache_settings = cache_settings
        self._turns = asyncio.Semaphore(settings.max_at_once)
        self._waiting = 0

    async def page(self, plan: Plan, tenant: Tenant) -> tuple[bytes, bool]:
        """One page as open JSON (see `answers.page_json`), and whether it came from the cache.

        Raises BadRequest, Overloaded, Unavailable.
        """
        limit = plan.limit or self._settings.default_limit
        if limit > self._settings.max_limit:
            raise BadRequest(
                f"'limit' is {limit:,}; a JSON answer has at most {self._settings.max_limit:,} events",
                hint="ask with 'Accept: application/x-ndjson' for a stream without bound, or page with 'cursor'",
            )
        # Before the data: an answer may be newer than the version it is kept under, never older.
        coverage = await self._reader.coverage(plan, tenant)
        key = _key(plan, limit, tenant, coverage.version)
        cached = await self._cache.get(key)
        metrics.CACHE_LOOKUPS.labels("miss" if cached is None else "hit").inc()
        if cached is not None:
            return cached, True
        async with self._turn():
            # One more than asked for tells whether there is a next page.
            events = await self._collect(replace(plan, limit=limit + 1), tenant)
        shown = events[:limit]
        more = len(events) > limit
        page = page_json(shown, cursor_of(Position(shown[-1].timestamp_us, shown[-1].id)) if more else None)
        if len(page) <= self._cache_settings.max_answer_bytes:
            await self._cache.put(key, page, self._cache_settings.ttl_s)
        return page, False

    async def stream(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[bytes, None]:
        """All events of a plan as NDJSON, in blocks. Raises Overloaded, Unavailable."""
        async with self._turn(), _closing(self._reader.read(plan, tenant)) as blocks:
            async for block in blocks:
                yield await asyncio.to_thread(ndjson, block)

    async def event(self, event_id: UUID, tenant: Tenant) -> bytes:
        """One event as JSON. Raises NotFound, Unavailable."""
        event = await self._reader.find(event_id, tenant)
        if event is None:
            raise NotFound(
                f"there is no event {event_id}", hint="it may not be stored yet, or belong to another tenant"
            )
        return event_json(event)

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        """How many events match. Raises Overloaded, Unavailable."""
        async with self._turn():
            return await self._reader.count(plan, tenant)

    async def _collect(self, plan: Plan, tenant: Tenant) -> list[StoredEvent]:
        async with _closing(self._reader.read(plan, tenant)) as blocks:
            return [event async for block in blocks for event in block]

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._turns.locked() and self._waiting >= self._settings.max_waiting:
            raise Overloaded(f"{self._waiting} questions are waiting already", hint="ask again in a few seconds")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


@contextlib.asynccontextmanager
async def _closing(blocks: AsyncIterator[Block]) -> AsyncIterator[AsyncIterator[Block]]:
    """Stop a store's work when the answer is no longer wanted."""
    try:
        yield blocks
    finally:
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()


def _key(plan: Plan, limit: int, tenant: Tenant, version: int) -> bytes:
    question = msgspec.json.encode((_ANSWER_VERSION, tenant, version, replace(plan, limit=limit)))
    return b"cordwood:page:" + hashlib.sha256(question).hexdigest().encode()
