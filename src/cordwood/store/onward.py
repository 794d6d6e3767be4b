"""Pipes that a store's own SQL cannot do, done by another engine over rows that the store gives."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Protocol

import pyarrow as pa
from msgspec import Struct

from cordwood.model.answer import Row, StoredEvent
from cordwood.model.search.pipes import Pipe
from cordwood.store.sql.compiler import Range
from cordwood.store.sql.dialect import Source
from cordwood.store.sql.rows import Names
from cordwood.store.sql.scope import Scope
from cordwood.store.sql.table import Table


class Begun(Struct, frozen=True):
    """What a statement has that pipes go on with elsewhere."""

    source: Source
    """What is asked of events becomes columns of what is given."""
    names: Names
    within: Range
    scope: Scope
    """The columns that it has already, and an order by columns of what is given."""
    is_streamed: bool
    """Whether events are given newest first, one by one, and no more of them are computed than are taken."""


class Given(Protocol):
    """The rows of such a statement."""

    def lots(self) -> AsyncGenerator[pa.Table, None]:
        """As they come, a bounded number at a time; closing it stops the work."""
        ...

    async def events(self, references: Sequence[Sequence[Any]]) -> Sequence[StoredEvent]:
        """The events of some rows, by the source's columns of reference."""
        ...


class Further(Protocol):
    """Pipes made ready for rows that are given."""

    def rows(self, given: Given) -> AsyncGenerator[Sequence[Row], None]:
        """What they make of them, in blocks of bounded size. Rows are taken only as far as they are needed. Raises
        Unavailable, and what `given` raises."""
        ...


class Onward(Protocol):
    """An engine that goes on with rows."""

    def further(self, begun: Begun, pipes: Sequence[Pipe], limit: int | None) -> Further:
        """At most `limit` rows. Asks the source for what the pipes need."""
        ...

    def of_table(self, table: Table, pipes: Sequence[Pipe], limit: int | None) -> AsyncGenerator[Sequence[Row], None]:
        """What pipes make of a table. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Stops what is under way."""
        ...


class WhenNeeded:
    """An engine that is opened by the first question that needs one: it takes memory, and its driver time to load."""

    def __init__(self, opening: Callable[[], Onward]) -> None:
        """`opening` is called in a thread."""
        self._opening = opening
        self._turn = asyncio.Lock()
        self._opened: Onward | None = None

    async def engine(self) -> Onward:
        """Raises Unavailable: it cannot be opened."""
        async with self._turn:
            if self._opened is None:
                self._opened = await asyncio.to_thread(self._opening)
            return self._opened

    async def close(self) -> None:
        async with self._turn:
            if self._opened is not None:
                await self._opened.close()
