"""Plan → segments → events, newest first."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from concurrent.futures import Executor
from uuid import UUID

import duckdb
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from cordwood.errors import CordwoodError, Unavailable
from cordwood.model.answer import Block, Coverage, StoredEvent
from cordwood.model.batch import batch_of, made_at_us
from cordwood.model.histogram import By, Histogram
from cordwood.model.ledger import Damage
from cordwood.model.plan import Plan
from cordwood.model.search.field import ID
from cordwood.model.search.filters import Equals, Everything, Filter
from cordwood.model.tenant import Tenant
from cordwood.store.rollups import Tally, histogram_of, is_of_pairs
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.damages import Damages
from cordwood.store.segments.engine import Engine, Session
from cordwood.store.segments.fetching import Place, fetch
from cordwood.store.segments.files import Files
from cordwood.store.segments.histogram import Counted
from cordwood.store.segments.lately import Lately
from cordwood.store.segments.naming import Listing
from cordwood.store.segments.pacing import (
    BLOCK_EVENTS,
    SPAN_GROWTH,
    first_span,
    is_page,
    most_in_span,
    rows_in,
)
from cordwood.store.segments.skipping import Part, Skipping
from cordwood.store.segments.sourcing import NEWEST_FIRST, PLACE, Source, lies_within, paths_of
from cordwood.store.segments.spans import Span, spans
from cordwood.store.slices import HOUR_US

_FETCHED_EVENTS = 16_384
"""Events made at once while an answer goes on: files are opened anew for each lot."""
_MANY_COLUMNS = 200
_LATELY_EVENTS, _LATELY_BYTES = 1000, 8 << 20
"""Pages are asked for again and again, and have so many events at most."""
_SAME_MOMENT_S = 1.0
"""So long what the catalog said is taken for what it says: a question that waited for its turn asks again."""


class _Looked(Struct, frozen=True):
    """What may match a filter in a time range, as the catalog was at a time of the event loop, or later."""

    at_s: float
    tenant: Tenant
    start_us: int | None
    end_us: int | None
    filter: Filter
    parts: Sequence[Part]

    def is_of(self, plan: Plan, tenant: Tenant) -> bool:
        mine = (self.tenant, self.start_us, self.end_us, self.filter)
        return mine == (tenant, plan.start_us, plan.end_us, plan.filter)


class SegmentReader:
    """Answers from what the catalog names at the moment of asking."""

    def __init__(self, files: Files, listing: Listing, engine: Engine, executor: Executor, timeout_s: float) -> None:
        self._files = files
        self._listing = listing
        self._engine = engine
        self._executor = executor
        self._timeout_s = timeout_s
        self._skipping = Skipping(files)
        self._lately = Lately(_LATELY_BYTES)
        self.damages = Damages(files, engine, executor)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        """See `store.interface.Reader.coverage`."""
        at_s = asyncio.get_running_loop().time()
        # Before the segments: they may be newer than the version, never older.
        version = await self._listing.version(tenant, plan.start_us, plan.end_us)
        segments, reasons = await self._listing.segments(tenant, plan.start_us, plan.end_us)
        damaged = self.damages.known(segments, reasons)
        whole = _without(segments, damaged)
        parts = await asyncio.to_thread(self._skipping.possible, plan, whole)
        groups = sum(part.groups for part in parts)
        return Coverage(
            version=version,
            damaged=damaged,
            read=len(parts),
            skipped=len(whole) - len(parts),
            groups_read=groups,
            groups_skipped=sum(segment.row_groups or 1 for segment in whole) - groups,
            events=sum(map(rows_in, parts)),
            looked=_Looked(at_s, tenant, plan.start_us, plan.end_us, plan.filter, parts),
        )

    async def read(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> AsyncGenerator[Block, None]:
        """See `store.interface.Reader.read`. Raises Corrupt for a damaged segment, naming it."""
        end_us = plan.end_us
        if plan.after is not None:
            behind = plan.after.timestamp_us + 1
            end_us = behind if end_us is None else min(end_us, behind)
        parts = await self._readable(tenant, plan.start_us, end_us, plan, seen)
        segments = [part.segment for part in parts]
        most = most_in_span(plan, self._files.span_bytes)
        left = plan.limit
        async with self._session(segments) as session:
            for span in spans(segments, plan.start_us, end_us, first_span(plan, parts), SPAN_GROWTH, most):
                within = replace(plan, start_us=span.start_us, end_us=span.end_us, limit=left)
                async for block in self._span(session, within, await self._parts_of(span, within, parts)):
                    yield block
                    left = None if left is None else left - len(block)
                if left is not None and left <= 0:
                    return

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        """See `store.interface.Reader.find`. Raises Corrupt for a damaged segment, naming it."""
        batch_id, _ = batch_of(event)
        for start_us, end_us in await self._ranges(batch_id, tenant):
            if found := await self._find(event, tenant, start_us, end_us):
                return found
        return None

    async def _ranges(self, batch_id: UUID, tenant: Tenant) -> list[tuple[int | None, int | None]]:
        """Where to look for a batch's events, one after the other: start ≤ timestamp < end."""
        span = await self._listing.span(batch_id, tenant)
        if span is not None:
            return [(span[0], span[1] + 1)]
        forgotten = await self._listing.forgotten(tenant)
        if forgotten is None or batch_id > forgotten:
            return []
        # Its row, which told, was folded: most events are of about the time that the id was made, others may be of any.
        made_us = made_at_us(batch_id)
        return [(made_us - HOUR_US, made_us + HOUR_US), (None, None)]

    async def _find(self, event: UUID, tenant: Tenant, start_us: int | None, end_us: int | None) -> StoredEvent | None:
        plan = Plan(start_us=start_us, end_us=end_us, filter=Equals(ID, str(event)))
        segments = [part.segment for part in await self._readable(tenant, start_us, end_us, plan)]
        if not segments:
            return None
        source = Source(self._files.root, plan, {})
        async with self._session(segments) as session:
            for lot in self._files.lots(segments):
                async with self._held(session, lot):
                    sql, values = source.places(lot)
                    places = await session.rows(f"SELECT {', '.join(PLACE)} FROM ({sql})", values)
                    if events := await self._fetched(session, places, lot):
                        return events[0]
        return None

    async def count(self, plan: Plan, tenant: Tenant, seen: Coverage | None = None) -> int:
        """See `store.interface.Reader.count`. Raises Corrupt for a damaged segment, naming it."""
        plan = replace(plan, after=None)
        if plan.filter != Everything() and is_of_pairs(plan.filter):
            # There is one count, and more belongs to it: two are wanted, so that it is never enough to stop at.
            return sum((await self.counted(plan, tenant, Tally(None, ()), 2)).counts.values())
        parts = await self._readable(tenant, plan.start_us, plan.end_us, plan, seen)
        segments = [part.segment for part in parts]
        rows = {part.segment.path: part.rows for part in parts if part.rows is not None}
        # The catalog knows how many events a segment has: one that counts as a whole is not opened.
        opened = [segment for segment in segments if plan.filter != Everything() or not lies_within(segment, plan)]
        counted = sum(segment.events for segment in segments) - sum(segment.events for segment in opened)
        if opened:
            async with self._session(opened) as session:
                for lot in self._files.lots(opened):
                    source, values = Source(self._files.root, plan, rows).of(lot, "count(*) AS n")
                    async with self._held(session, lot):
                        ((found,),) = await session.rows(f"SELECT sum(n)::BIGINT FROM ({source})", values)
                    counted += found
        return counted

    async def histogram(self, plan: Plan, tenant: Tenant, span_us: int, by: By | None, most: int) -> Histogram:
        """See `store.interface.Reader.histogram`. Raises Corrupt for a damaged segment, naming it."""
        counted = await self.counted(plan, tenant, Tally(span_us, () if by is None else (by,)), most)
        return histogram_of(counted.counts, counted.rolled_up)

    async def counted(self, plan: Plan, tenant: Tenant, tally: Tally, most: int) -> Counted:
        """At most so many counts, out of rollups where these tell. Raises as `histogram`."""
        plan = replace(plan, after=None)
        counted = Counted(tally, most)
        if counted.is_of_rollups(plan.filter):
            told = await self._listing.told(tenant, plan.start_us, plan.end_us)
            rest = _without(told.rest, self.damages.known(told.rest, told.damaged))
            sound = [rollup for path, rollup in told.rollups.items() if not self.damages.is_known(path, told.damaged)]
            await asyncio.to_thread(counted.add_rollups, sound, plan.filter)
        else:
            named, reasons = await self._listing.segments(tenant, plan.start_us, plan.end_us)
            rest = _without(named, self.damages.known(named, reasons))
        parts = await asyncio.to_thread(self._skipping.possible, plan, rest)
        segments = [part.segment for part in parts]
        if not segments or counted.is_full():
            return counted
        rows = {part.segment.path: part.rows for part in parts if part.rows is not None}
        async with self._session(segments) as session:
            for lot in self._files.lots(segments):
                source, values = Source(self._files.root, plan, rows).of(lot, counted.columns)
                async with self._held(session, lot):
                    counted.add(await session.rows(counted.of(source), values | counted.values))
                if counted.is_full():
                    break
        return counted

    async def _readable(
        self, tenant: Tenant, start_us: int | None, end_us: int | None, plan: Plan, seen: Coverage | None = None
    ) -> Sequence[Part]:
        """What may match a plan in the segments of a time range, but those that are known to be damaged. What was
        `seen` of the same a moment ago is not asked again."""
        looked = seen.looked if seen is not None else None
        now_s = asyncio.get_running_loop().time()
        if isinstance(looked, _Looked) and looked.is_of(plan, tenant) and now_s < looked.at_s + _SAME_MOMENT_S:
            return [part for part in looked.parts if end_us is None or part.segment.min_us < end_us]
        segments, reasons = await self._listing.segments(tenant, start_us, end_us)
        whole = _without(segments, self.damages.known(segments, reasons))
        within = replace(plan, start_us=start_us, end_us=end_us)
        return await asyncio.to_thread(self._skipping.possible, within, whole)

    async def _parts_of(self, span: Span, within: Plan, parts: Sequence[Part]) -> Sequence[Part]:
        """What a span has of some parts; of the few newest events, only the rows of its time."""
        if within.filter == Everything() and is_page(within):
            return await asyncio.to_thread(self._skipping.possible, within, span.segments)
        paths = {segment.path for segment in span.segments}
        return [part for part in parts if part.segment.path in paths]

    async def _span(self, session: Session, plan: Plan, parts: Sequence[Part]) -> AsyncGenerator[Block, None]:
        """What matches a plan, newest first."""
        if not parts:
            return
        segments = [part.segment for part in parts]
        source = Source(
            self._files.root, plan, {part.segment.path: part.rows for part in parts if part.rows is not None}
        )
        async with self._held(session, segments):
            # First the places of the events, in order; then the events, some at a time.
            sql, values = source.places(segments)
            bound = "" if plan.limit is None else f"LIMIT {plan.limit}"
            await session.start(f"SELECT {', '.join(PLACE)} FROM ({sql}) {NEWEST_FIRST} {bound}", values)
            while places := await session.some(_FETCHED_EVENTS):
                events = await self._fetched(session, places, segments)
                for start in range(0, len(events), BLOCK_EVENTS):
                    yield events[start : start + BLOCK_EVENTS]

    @contextlib.asynccontextmanager
    async def _session(self, segments: Sequence[Segment]) -> AsyncIterator[Session]:
        """A session that tells what is wrong with these segments when something is."""
        async with Session(self._engine, self._executor, self._timeout_s) as session:
            try:
                yield session
            except (duckdb.Error, OSError, pa.ArrowException) as error:
                raise await self._explained(error, segments) from error

    async def _fetched(
        self, session: Session, places: Sequence[Place], segments: Sequence[Segment]
    ) -> Sequence[StoredEvent]:
        """The events at places in some segments, which are held, in the same order."""
        is_page = len(places) <= _LATELY_EVENTS
        found = self._lately.known(places) if is_page else {}
        missing = [place for place in places if place not in found]
        if missing:
            wide = {path for path, segment in self._by_path(segments) if len(segment.columns) > _MANY_COLUMNS}
            fetched = await session.use(functools.partial(fetch, places=missing, wide=wide))
            if not is_page:
                return fetched
            found |= zip(missing, fetched, strict=True)
        self._lately.keep(found)
        return [found[place] for place in places]

    def _by_path(self, segments: Sequence[Segment]) -> Iterator[tuple[str, Segment]]:
        return zip(paths_of(self._files.root, segments), segments, strict=True)

    @contextlib.asynccontextmanager
    async def _held(self, session: Session, segments: Sequence[Segment]) -> AsyncIterator[None]:
        """Their files are where they are read, as long as the block."""
        with self._files.hold(segments) as hold:
            if not hold.is_here:
                await session.run(hold.fetch)
            yield

    async def _explained(self, error: Exception, segments: Sequence[Segment]) -> CordwoodError:
        """Damage is named; anything else is the machine's."""
        if isinstance(error, duckdb.InterruptException):
            return Unavailable("the read was stopped: the store is closing")
        may_be_damage = not isinstance(error, duckdb.OutOfMemoryException)
        if may_be_damage and (corrupt := await self.damages.met(segments)) is not None:
            return corrupt
        reason = str(error).partition("\n")[0]
        return Unavailable(f"the segment engine failed: {reason}", hint="look at the disk and at store.memory_bytes")


def _without(segments: Sequence[Segment], damaged: Sequence[Damage]) -> list[Segment]:
    paths = {damage.path for damage in damaged}
    return [segment for segment in segments if segment.path not in paths]
