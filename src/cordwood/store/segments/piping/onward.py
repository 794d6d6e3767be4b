"""Rows that another store gives → what pipes make of them, in the engine of segments."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.model.answer import Row, StoredEvent
from cordwood.model.search.pipes import Limit, Pipe
from cordwood.store.onward import Begun, Given
from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.engine import Engine, Session, translated
from cordwood.store.segments.pacing import BLOCK_EVENTS
from cordwood.store.segments.piping.dialect import Duck
from cordwood.store.segments.piping.mining import mined_of
from cordwood.store.segments.piping.statement import Statement, asked_with, items_shown, over, over_table
from cordwood.store.segments.sweep import remove_old
from cordwood.store.settings import StoreSettings
from cordwood.store.sql.compiler import Compiler, Shown
from cordwood.store.sql.showing import rows_shown
from cordwood.store.sql.table import Table

_GIVEN, _GATHERED = "given", "given_before"
_AT_ONCE = 8
_GRACE_S = 60.0


class EngineOnward:
    """See `store.onward.Onward`. Constructed in a thread: it opens the engine."""

    def __init__(self, spill: Path, settings: StoreSettings) -> None:
        """`spill`: a directory of this machine for what does not fit into memory. Raises Unavailable: there is none."""
        self._timeout_s = settings.query_timeout_s
        try:
            spill.mkdir(parents=True, exist_ok=True)
            remove_old(spill, self._timeout_s + _GRACE_S)
        except OSError as error:
            raise Unavailable(
                f"there is no room for pipes that need the engine: {spill}: {error.strerror}",
                hint="make the data directory writable for this user, or choose another with CORDWOOD_DATA_DIR",
            ) from error
        self._stack = ExitStack()
        self._engine = Engine(spill / str(SystemClock().batch_id()), settings.memory_bytes)
        self._stack.callback(self._engine.close)
        self.executor = ThreadPoolExecutor(_AT_ONCE, "rows-onward")
        self._stack.callback(self.executor.shutdown, cancel_futures=True)
        self._stack.callback(self._engine.stop)

    async def close(self) -> None:
        await asyncio.to_thread(self._stack.close)

    def session(self) -> Session:
        return Session(self._engine, self.executor, self._timeout_s)

    def further(self, begun: Begun, pipes: Sequence[Pipe], limit: int | None) -> "EngineFurther":
        return EngineFurther(self, begun, pipes, limit)

    async def of_table(
        self, table: Table, pipes: Sequence[Pipe], limit: int | None
    ) -> AsyncGenerator[Sequence[Row], None]:
        asked, shown = over_table(table, pipes, limit)
        try:
            async with self.session() as session:
                await session.start(*asked)
                while found := await session.some(BLOCK_EVENTS):
                    yield await _shown(session, shown, found, None)
        except duckdb.Error as error:
            raise translated(error) from error


class EngineFurther:
    """See `store.onward.Further`. Rows are gathered in a table, which goes to the disk where it is large; a statement
    that took them from the cursor itself would wait in the engine's threads for what its own task has yet to do."""

    def __init__(self, onward: EngineOnward, begun: Begun, pipes: Sequence[Pipe], limit: int | None) -> None:
        self._onward = onward
        self._limit = limit
        self._values = Values("p")
        self._begun = begun
        self._statement = Statement(self._compiler(), pipes, limit)
        place = next((number for number, pipe in enumerate(pipes) if isinstance(pipe, Limit)), None)
        self._enough: int | None = None
        """How many rows are enough of those that the pipes before the first limit give."""
        self._each: str | None = None
        """Counts them in one lot."""
        match None if place is None or not begun.is_streamed else pipes[place]:
            case Limit(count=count, offset=offset):
                rows, _ = self._compiler().compiled(pipes[:place], None)
                self._enough, self._each = count + offset, f"SELECT count(*) FROM ({over(rows, _GIVEN)})"
        self._is_by_lot = begun.is_streamed and place is None

    def _compiler(self) -> Compiler:
        begun = self._begun
        return Compiler(begun.source, Duck(self._values), begun.names, begun.within, begun.scope)

    async def rows(self, given: Given) -> AsyncGenerator[Sequence[Row], None]:
        try:
            async with self._onward.session() as session, contextlib.aclosing(self._blocks(session, given)) as blocks:
                async for rows in blocks:
                    yield rows
        except duckdb.Error as error:
            raise translated(error) from error

    async def _blocks(self, session: Session, given: Given) -> AsyncGenerator[Sequence[Row], None]:
        if self._is_by_lot:
            async with contextlib.aclosing(self._by_lot(session, given)) as blocks:
                async for rows in blocks:
                    yield rows
            return
        await self._gather(session, given)
        asked = self._statement.over(_GATHERED, self._values.bound)
        if self._statement.behind is None:
            shown = self._statement.shown
        else:
            table = await mined_of(session, self._onward.executor, asked)
            asked, shown = over_table(table, self._statement.behind, self._limit)
        await session.start(*asked)
        while found := await session.some(BLOCK_EVENTS):
            yield await _shown(session, shown, found, given)

    async def _by_lot(self, session: Session, given: Given) -> AsyncGenerator[Sequence[Row], None]:
        """Each row gives one or none: what comes out of a lot does not depend on others."""
        left = self._limit
        async with contextlib.aclosing(given.lots()) as lots:
            async for lot in lots:
                await session.give(_GIVEN, lot)
                await session.start(*self._statement.over(_GIVEN, self._values.bound))
                while found := (await session.some(BLOCK_EVENTS))[:left]:
                    yield await _shown(session, self._statement.shown, found, given)
                    left = None if left is None else left - len(found)
                if left == 0:
                    return

    async def _gather(self, session: Session, given: Given) -> None:
        """Put as many rows as are needed into a table."""
        put, enough = f"CREATE TEMP TABLE {_GATHERED} AS FROM {_GIVEN}", self._enough
        async with contextlib.aclosing(given.lots()) as lots:
            async for lot in lots:
                await session.give(_GIVEN, lot)
                await session.rows(put, {})
                put = f"INSERT INTO {_GATHERED} FROM {_GIVEN}"
                if enough is not None and self._each is not None:
                    ((count,),) = await session.rows(*asked_with(self._each, self._values.bound))
                    enough -= count
                    if enough <= 0:
                        return


async def _shown(session: Session, shown: Shown, found: Sequence[Any], given: Given | None) -> Sequence[Row]:
    """With the events that rows are of."""
    events: Sequence[StoredEvent | None] = [None] * len(found)
    if shown.reference:
        assert given is not None, "rows of tables are of no event"
        events = await given.events([row[-shown.reference :] for row in found])
    return await session.run(lambda: rows_shown(shown, found, events, items_shown))
