"""Events kept as rows of `logs`, by binary COPY."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from cordwood.db.postgres import Connection, Database
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load
from cordwood.store.postgres.copy import Rows, rows_of
from cordwood.store.postgres.copy_format import COLUMNS, SIGNATURE, TRAILER
from cordwood.store.postgres.keeping import Added, Answers
from cordwood.store.postgres.rolling import together
from cordwood.store.slices import slice_of

_COPY_TIMEOUT_S = 120.0
_COPY_CHUNK_BYTES = 256 << 10
"""A long write in one piece would be copied whole, and hold up the event loop meanwhile."""


class _TakenBack(Exception):
    """Ends a transaction that must leave nothing behind."""


class RowKeeper:
    """See `store.postgres.keeping.Keeper`."""

    answers: Answers = "rows"

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def keeping(self, loads: Sequence[Load], now_us: int) -> "AsyncIterator[KeptRows]":
        yield KeptRows(await asyncio.to_thread(lambda: [rows_of(load, now_us) for load in loads]), now_us)

    async def probe(self, load: Load, now_us: int, first: int, count: int) -> None:
        """The real write of these rows, taken back."""
        rows = await asyncio.to_thread(rows_of, load, now_us, first=first, count=count)
        try:
            async with self._database.connection() as connection, connection.transaction():
                await _copy(connection, [rows])
                raise _TakenBack
        except _TakenBack:
            return


class KeptRows:
    """See `store.postgres.keeping.Kept`."""

    def __init__(self, rows: Sequence[Rows], now_us: int) -> None:
        self.entries = rows
        self._now_us = now_us

    async def put(self, connection: Connection, places: Sequence[int]) -> Added:
        rows = [self.entries[place] for place in places]
        await _copy(connection, rows)
        held: Counter[tuple[Tenant, int]] = Counter()
        touched: set[tuple[Tenant, int]] = set()
        for each in rows:
            tenant = each.load.batch.header.tenant
            held.update({(tenant, day): count for day, count in each.days.items()})
            touched |= {(tenant, slice_of(timestamp_us, self._now_us)) for timestamp_us in each.timestamps}
        entries = [(each.load.batch.header.tenant, each.entries) for each in rows if each.entries]
        return Added(held, touched, rolled=together(entries))


async def _copy(connection: Connection, rows: Sequence[Rows]) -> None:
    async def stream() -> AsyncIterator[bytes | memoryview]:
        yield SIGNATURE
        for each in rows:
            for start in range(0, len(each.encoded), _COPY_CHUNK_BYTES):
                yield each.encoded[start : start + _COPY_CHUNK_BYTES]
        yield TRAILER

    if any(each.stored for each in rows):
        # The driver's own limit does not hold while it waits for room to write.
        async with asyncio.timeout(_COPY_TIMEOUT_S):
            await connection.copy_to_table("logs", source=stream(), columns=list(COLUMNS), format="binary")
