"""Plan, pipes and segments → rows."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from cordwood.model.answer import Row, StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Pipe
from cordwood.model.tenant import Tenant
from cordwood.store.rollups import MOST_GROUPS, counts_of, tally_of
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Session
from cordwood.store.segments.histogram import is_rolled
from cordwood.store.segments.pacing import BLOCK_EVENTS
from cordwood.store.segments.piping.mining import mined_of
from cordwood.store.segments.piping.statement import Piped, items_shown, over_table
from cordwood.store.segments.reader import SegmentReader
from cordwood.store.sql.compiler import Shown
from cordwood.store.sql.showing import rows_shown
from cordwood.store.sql.table import Counts


class PipedReader(SegmentReader):
    """Answers searches with pipes, too."""

    async def rows(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[Sequence[Row], None]:
        """See `store.interface.Reader.rows`. Raises Corrupt for a damaged segment, naming it."""
        tally = tally_of(plan, pipes)
        if tally is not None and is_rolled(tally):
            counted = await self.counted(plan, tenant, tally, MOST_GROUPS)
            if not counted.is_full():
                async with contextlib.aclosing(
                    self._of_counts(plan, pipes, counts_of(tally, counted.counts))
                ) as blocks:
                    async for block in blocks:
                        yield block
                return
        parts = await self._readable(tenant, plan.start_us, plan.end_us, plan)
        segments = [part.segment for part in parts]
        rows = {part.segment.path: part.rows for part in parts if part.rows is not None}
        piped = Piped(plan, pipes, segments)
        async with self._session(segments) as session, contextlib.AsyncExitStack() as held:
            lots = list(self._files.lots(segments))
            if len(lots) > 1:
                for lot in lots:
                    async with self._held(session, lot):
                        await session.start(*piped.gathered(self._files.root, lot, rows))
                asked = piped.over_gathered()
            else:
                await held.enter_async_context(self._held(session, segments))
                asked = piped.over(self._files.root, segments, rows)
            behind = piped.statement.behind
            if behind is not None:
                asked, shown = over_table(await mined_of(session, self._executor, asked), behind, plan.limit)
            else:
                shown = piped.statement.shown
            await session.start(*asked)
            while found := await session.some(BLOCK_EVENTS):
                yield await self._shown(session, shown, found, segments)

    async def _of_counts(
        self, plan: Plan, pipes: Sequence[Pipe], counts: Counts
    ) -> AsyncGenerator[Sequence[Row], None]:
        asked, shown = over_table(counts.table, pipes, plan.limit, counts, (plan.start_us, plan.end_us))
        async with self._session([]) as session:
            await session.start(*asked)
            while found := await session.some(BLOCK_EVENTS):
                yield await self._shown(session, shown, found, [])

    async def _shown(
        self, session: Session, shown: Shown, found: Sequence[Any], segments: Sequence[Segment]
    ) -> Sequence[Row]:
        """With the events that rows are of."""
        events: Sequence[StoredEvent | None] = [None] * len(found)
        if shown.reference:
            places = [(path, number, shape) for *_, path, number, shape in found]
            wanted = {path for path, _, _ in places}
            of = [segment for path, segment in self._by_path(segments) if path in wanted]
            async with self._held(session, of):
                events = await self._fetched(session, places, of)
        return await session.run(lambda: rows_shown(shown, found, events, items_shown))
