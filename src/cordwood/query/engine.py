"""Plan → cache or store → answer."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from cordwood import metrics
from cordwood.cache.interface import Cache
from cordwood.cache.settings import CacheSettings
from cordwood.clock import Clock, SystemClock
from cordwood.errors import BadRequest, Corrupt, NotFound, Unavailable
from cordwood.language.pipes.known import makes_table
from cordwood.model.answer import Arrived, Block, Coverage, Row, StoredEvent
from cordwood.model.histogram import By, Histogram
from cordwood.model.plan import Plan, Position
from cordwood.model.search.filters import Everything
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.query.answers import event_json, ndjson, page_json
from cordwood.query.arrivals import Arrivals
from cordwood.query.flights import Flights
from cordwood.query.pages import Page
from cordwood.query.parameters import cursor_of
from cordwood.query.rows import has_unfilled, table_json
from cordwood.query.settings import QuerySettings
from cordwood.query.slices.counts import Counts, histogram_of, total_of
from cordwood.query.slices.keeping import PutTogether, Slices
from cordwood.query.slices.tables import recipe_of
from cordwood.query.turns import Turns
from cordwood.store.interface import Reader

# Part of every cache key: raised when the bytes of an answer change.
_ANSWER_VERSION = 2
_MOST_DAMAGED = 20
T = TypeVar("T")
WhyUnfilled = Callable[[], Awaitable[Mapping[str, object]]]
"""Asked for further members of an answer."""


class Engine:
    """Answers plans. Bounded: a few questions at once, a few more waiting."""

    def __init__(
        self,
        reader: Reader,
        cache: Cache,
        settings: QuerySettings,
        cache_settings: CacheSettings,
        arrivals: Arrivals | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Without `arrivals` nobody is told how far what was accepted can be found."""
        self._reader = reader
        self._arrivals = arrivals
        self._cache = cache
        self._settings = settings
        self._cache_settings = cache_settings
        self._turns = Turns(settings.max_at_once, settings.max_waiting)
        self._flights = Flights[bytes]()
        self._slices = Slices(reader, cache, cache_settings, self._turns, clock or SystemClock())

    async def page(self, plan: Plan, tenant: Tenant) -> Page:
        """One page. Raises BadRequest, Overloaded, Unavailable."""
        limit = plan.limit or self._settings.default_limit
        if limit > self._settings.max_limit:
            raise BadRequest(
                f"'limit' is {limit:,}; a JSON answer has at most {self._settings.max_limit:,} events",
                hint="ask with 'Accept: application/x-ndjson' for a stream without bound, or page with 'cursor'",
            )
        return await self._without_damage(plan, tenant, lambda coverage: self._page(plan, limit, tenant, coverage))

    async def _page(self, plan: Plan, limit: int, tenant: Tenant, coverage: Coverage) -> Page:
        async def made() -> bytes:
            async with self._turns.turn():
                # One more than asked for tells whether there is a next page.
                events = await self._collect(replace(plan, limit=limit + 1), tenant, coverage)
            shown = events[:limit]
            more = len(events) > limit
            return page_json(shown, cursor_of(Position(shown[-1].timestamp_us, shown[-1].id)) if more else None)

        return await self._kept(_key((replace(plan, limit=limit),), tenant, coverage), coverage, made)

    async def answered(
        self, question: tuple[object, ...], plan: Plan, tenant: Tenant, make: Callable[[], Coroutine[Any, Any, bytes]]
    ) -> Page:
        """Any other answer about what a plan matches, made from the store in its turn, or kept as pages are. `question`
        tells it from other answers about the same. Raises Overloaded, Unavailable, and what `make` raises."""

        async def made() -> bytes:
            async with self._turns.turn():
                return await make()

        return await self._without_damage(
            plan, tenant, lambda coverage: self._kept(_key((plan, *question), tenant, coverage), coverage, made)
        )

    async def _kept(self, key: bytes, coverage: Coverage, make: Callable[[], Coroutine[Any, Any, bytes]]) -> Page:
        """An answer out of the cache, or one that is made and goes there."""
        cached = await self._cache.get(key)
        metrics.CACHE_LOOKUPS.labels("miss" if cached is None else "hit").inc()
        if cached is not None:
            return Page(cached, True, coverage)
        page = await self._flights.once(key, make)
        if len(page) <= self._cache_settings.max_answer_bytes:
            await self._cache.put(key, page, self._cache_settings.ttl_s)
        return Page(page, False, coverage)

    async def histogram(
        self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int, shown: Callable[[Histogram], bytes]
    ) -> Page:
        """Counts over time, as `shown` writes them: when there are `most`, others may be left out. Raises Overloaded,
        Unavailable, and what `shown` raises."""
        plan = replace(plan, limit=None, after=None)

        async def answer(coverage: Coverage) -> Page:
            told: list[PutTogether] = []

            async def made() -> bytes:
                if (parts := await self._counts(Counts(span_us, by), plan, tenant, coverage)) is not None:
                    told.append(parts)
                    return await asyncio.to_thread(lambda: shown(histogram_of(parts.groups)))
                async with self._turns.turn():
                    return shown(await self._reader.histogram(plan, tenant, span_us, by, most))

            page = await self._kept(_key((plan, "histogram", span_us, by), tenant, coverage), coverage, made)
            return page.put_together(told)

        return await self._without_damage(plan, tenant, answer)

    async def _counts(self, recipe: Counts, plan: Plan, tenant: Tenant, coverage: Coverage) -> PutTogether | None:
        return await self._slices.put_together(recipe, plan, tenant, coverage) if recipe.can_be_cut() else None

    async def table(
        self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant, why_unfilled: WhyUnfilled | None = None
    ) -> Page:
        """What pipes make of events, as one answer. Where a column has no value in any row, `why_unfilled` is asked.
        Raises BadRequest, BadQuery, Overloaded, Unavailable."""
        most = self._settings.max_limit
        if plan.limit is not None and plan.limit > most:
            raise BadRequest(
                f"'limit' is {plan.limit:,}; a JSON answer has at most {most:,} rows",
                hint="ask with 'Accept: application/x-ndjson' for a stream without bound",
            )
        limit = plan.limit or (most if any(map(makes_table, pipes)) else self._settings.default_limit)
        return await self._without_damage(
            plan,
            tenant,
            lambda coverage: self._table(replace(plan, limit=limit), limit, pipes, tenant, coverage, why_unfilled),
        )

    async def _table(
        self,
        plan: Plan,
        limit: int,
        pipes: Sequence[Pipe],
        tenant: Tenant,
        coverage: Coverage,
        why_unfilled: WhyUnfilled | None,
    ) -> Page:
        told: list[PutTogether] = []

        async def made() -> bytes:
            rows, parts = await self._made_rows(plan, limit, pipes, tenant, coverage)
            if parts is not None:
                told.append(parts)
            is_table, is_cut = any(map(makes_table, pipes)), len(rows) > limit
            shown = rows[:limit]
            further: Mapping[str, object] = {}
            if why_unfilled is not None and await asyncio.to_thread(has_unfilled, shown):
                further = await why_unfilled()
            return await asyncio.to_thread(table_json, shown, further, is_table=is_table, is_cut=is_cut)

        return (await self._kept(_key((plan, pipes), tenant, coverage), coverage, made)).put_together(told)

    async def table_rows(
        self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant, most: int
    ) -> tuple[list[Row], Coverage]:
        """The same as rows, more than `most` when there are more, and what was looked at. No page is kept of it."""

        async def answer(coverage: Coverage) -> tuple[list[Row], Coverage]:
            return (await self._made_rows(plan, most, pipes, tenant, coverage))[0], coverage

        return await self._without_damage(plan, tenant, answer)

    async def _made_rows(
        self, plan: Plan, limit: int, pipes: Sequence[Pipe], tenant: Tenant, coverage: Coverage
    ) -> tuple[list[Row], PutTogether | None]:
        """Some more than `limit`, if there are: that tells whether there are."""
        if (recipe := recipe_of(plan, pipes)) is not None:
            parts = await self._slices.put_together(recipe, plan, tenant, coverage)
            if parts is not None:
                return await asyncio.to_thread(recipe.rows, parts.groups), parts
        rows: list[Row] = []
        asked = replace(plan, limit=limit + 1)
        async with self._turns.turn(), _closing(self._reader.rows(asked, pipes, tenant)) as blocks:
            async for block in blocks:
                rows += block
        return rows, None

    async def rows(
        self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant, written: Callable[[Sequence[Row]], bytes]
    ) -> AsyncGenerator[bytes, None]:
        """All of them, in blocks, as something writes them. Raises as `stream`, and BadQuery."""
        async with self._turns.turn(), _closing(self._reader.rows(plan, pipes, tenant)) as blocks:
            async for block in blocks:
                yield await asyncio.to_thread(written, block)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        """What an answer would be made of, and what it leaves out because it cannot be read. Raises Unavailable."""
        # In this order: what is looked for after the watermark was told has all that came before it.
        arrived = await self.arrived(tenant)
        return replace(await self._reader.coverage(plan, tenant), arrived=arrived)

    async def arrived(self, tenant: Tenant) -> Arrived:
        """How far what was accepted can be found."""
        return Arrived() if self._arrivals is None else await self._arrivals.of(tenant)

    async def stream(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[bytes, None]:
        """All events of a plan as NDJSON, in blocks.

        Raises Overloaded, Unavailable, and Corrupt for damage that was not known: ask again, without it.
        """
        async with contextlib.aclosing(self.events(plan, tenant)) as blocks:
            async for block in blocks:
                yield await asyncio.to_thread(ndjson, block)

    async def events(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        """The same as events."""
        async with self._turns.turn(), _closing(self._reader.read(plan, tenant)) as blocks:
            async for block in blocks:
                yield block

    async def event(self, event_id: UUID, tenant: Tenant) -> bytes:
        """One event as JSON. Raises NotFound, Unavailable."""
        return event_json(await self.found(event_id, tenant))

    async def found(self, event_id: UUID, tenant: Tenant) -> StoredEvent:
        """The same as an event."""
        try:
            event = await self._reader.find(event_id, tenant)
        except Corrupt:
            event = await self._reader.find(event_id, tenant)  # what was just found to be damaged is left out
        if event is None:
            raise NotFound(
                f"there is no event {event_id}", hint="it may not be stored yet, or belong to another tenant"
            )
        return event

    async def count(self, plan: Plan, tenant: Tenant) -> tuple[int, Coverage]:
        """How many events match, and what was looked at. Raises Overloaded, Unavailable."""
        plan = replace(plan, limit=None, after=None)

        async def counted(coverage: Coverage) -> tuple[int, Coverage]:
            # Segments know how many events they have.
            is_known = plan.filter == Everything() and coverage.read is not None
            if not is_known and (parts := await self._counts(Counts(None, None), plan, tenant, coverage)) is not None:
                return total_of(parts.groups), coverage
            async with self._turns.turn():
                return await self._reader.count(plan, tenant, coverage), coverage

        return await self._without_damage(plan, tenant, counted)

    async def _without_damage(
        self, plan: Plan, tenant: Tenant, answer: Callable[[Coverage], Coroutine[Any, Any, T]]
    ) -> T:
        """An answer of what can be read: damage that is met on the way is left out of the next attempt."""
        for _ in range(_MOST_DAMAGED):
            # Before the data: an answer may be newer than the version it is kept under, never older.
            coverage = await self.coverage(plan, tenant)
            with contextlib.suppress(Corrupt):
                return await answer(coverage)
        raise Unavailable(f"{_MOST_DAMAGED} segments in a row are damaged", hint="look at the disk; run cordwood audit")

    async def _collect(self, plan: Plan, tenant: Tenant, seen: Coverage) -> list[StoredEvent]:
        async with _closing(self._reader.read(plan, tenant, seen)) as blocks:
            return [event async for block in blocks for event in block]


@contextlib.asynccontextmanager
async def _closing(blocks: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Stop a store's work when the answer is no longer wanted."""
    try:
        yield blocks
    finally:
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()


def _key(question: tuple[object, ...], tenant: Tenant, coverage: Coverage) -> bytes:
    damaged = [damage.path for damage in coverage.damaged]
    asked = msgspec.json.encode((_ANSWER_VERSION, tenant, coverage.version, damaged, *question))
    return b"cordwood:page:" + hashlib.sha256(asked).hexdigest().encode()
