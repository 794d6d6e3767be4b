"""Who waits for a batch to be settled, by a worker of this process or of another one on the same queue file."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Collection
from uuid import UUID

import structlog

from cordwood.broker.interface import Settlement
from cordwood.broker.sqlite_schema import data_version, dead_among, waiting_among
from cordwood.db.sqlite import DatabaseThread

log = structlog.get_logger()


class Watches:
    """A row that was committed and is gone has been settled: into the dead letters, or else into the store."""

    def __init__(self, reader: DatabaseThread, poll_s: float) -> None:
        self._reader = reader
        self._poll_s = poll_s
        self._futures: dict[UUID, asyncio.Future[Settlement]] = {}
        self._kept: set[UUID] = set()
        self._seen_version: int | None = None
        self._poller: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watch(self, batch_id: UUID) -> AsyncIterator["asyncio.Future[Settlement]"]:
        future: asyncio.Future[Settlement] = asyncio.get_running_loop().create_future()
        self._futures[batch_id] = future
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield future
        finally:
            del self._futures[batch_id]
            self._kept.discard(batch_id)
            future.cancel()
            if not self._futures:
                self._poller.cancel()
                self._poller = None

    def published(self, batch_id: UUID) -> None:
        """The row is committed: from now on, its absence means something."""
        if batch_id in self._futures:
            self._kept.add(batch_id)
            self._seen_version = None  # the last look may have been later than a worker's commit

    def settled(self, batch_id: UUID, settlement: Settlement) -> None:
        self._kept.discard(batch_id)
        future = self._futures.get(batch_id)
        if future is not None and not future.done():
            future.set_result(settlement)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            if not self._kept:
                continue
            kept, seen = frozenset(self._kept), self._seen_version
            try:
                version, gone = await self._reader.run(lambda connection: _gone(connection, kept, seen))  # noqa: B023  # run at once
            except sqlite3.Error as error:
                log.warning("queue_unreadable", reason=str(error))
                continue
            if kept == self._kept:
                self._seen_version = version
            for batch_id, settlement in gone.items():
                self.settled(batch_id, settlement)


def _gone(
    connection: sqlite3.Connection, kept: Collection[UUID], seen_version: int | None
) -> tuple[int, dict[UUID, Settlement]]:
    version = data_version(connection)
    if version == seen_version:
        return version, {}
    absent = set(kept) - waiting_among(connection, kept)
    dead = dead_among(connection, absent)
    return version, {batch_id: "rejected" if batch_id in dead else "stored" for batch_id in absent}
