"""A queue in one SQLite file: the embedded broker."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
import structlog

from cordwood.broker.interface import Backlog, Settlement, Waiting
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite_room import Room
from cordwood.broker.sqlite_schema import SCHEMA, Row, last_seq, rows_after, rows_at, totals, waiting_of
from cordwood.broker.sqlite_watch import Watches
from cordwood.broker.sqlite_writer import Settle, WriterThread
from cordwood.db.sqlite import DatabaseThread, FileLock, hint_for, migrate, open_database, unusable
from cordwood.errors import Unavailable
from cordwood.model.batch import Batch, BatchHeader
from cordwood.model.tenant import Tenant

log = structlog.get_logger()
T = TypeVar("T")

_POLL_S = 0.05
"""How soon a publish or an ack of another process on the same file is seen."""
_RETRY_S = 1.0
_FETCH = 64
_LINGER_S = 0.01
"""After a short fetch, what publishes meanwhile is fetched together: each fetch costs a turn of two threads."""
_PAGE_BYTES = 16 << 10
"""Bodies of 30 to 300 kB go in and out twice as fast as with SQLite's 4 kB (docs/decisions/0002-queues.md)."""

_header = msgspec.json.Decoder(BatchHeader)


class SqliteBroker:
    """One file, one writer thread (group commit), any number of publishers, one consumer at a time."""

    def __init__(self, path: Path, settings: BrokerSettings) -> None:
        self._path = path
        self._settings = settings
        self._changed = asyncio.Event()

    async def __aenter__(self) -> "SqliteBroker":
        """Raises ConfigError when the file cannot be used."""
        writer, *readers = await asyncio.to_thread(self._open)
        # Questions have a thread of their own: bodies, which the other reads, take their time.
        self._reader, self._asking = (
            DatabaseThread(reader, name) for reader, name in zip(readers, ("queue-reader", "queue-asking"), strict=True)
        )
        self._writer = WriterThread(writer, asyncio.get_running_loop(), Room(self._path, self._settings))
        self._writer.start()
        self._watches = Watches(self._reader, _POLL_S)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """What was acked and rejected is committed first."""
        await asyncio.to_thread(self._writer.close)
        await self._reader.close()
        await self._asking.close()

    async def publish(self, batch: Batch) -> None:
        try:
            async with asyncio.timeout(self._settings.confirm_timeout_s):
                await self._writer.publish(batch)
        except TimeoutError as error:
            raise Unavailable(
                f"{self._path} did not commit within {self._settings.confirm_timeout_s:g} s",
                hint="look for a slow or failing disk, or a program that holds the file",
            ) from error
        self._changed.set()
        self._watches.published(batch.header.id)

    def watch(self, batch_id: UUID) -> AbstractAsyncContextManager["asyncio.Future[Settlement]"]:
        return self._watches.watch(batch_id)

    async def consume(self, prefetch: int) -> AsyncGenerator["SqliteDelivery", None]:
        """Lowest sequence first. Raises ConfigError when somebody else consumes this file."""
        lock = await asyncio.to_thread(FileLock, self._path.with_suffix(".consumer"), f"the queue {self._path}")
        try:
            await self._writer.flush()  # what an earlier consumer of this process settled is not to come again
            hands = _Hands(prefetch, self._changed, await self._patiently(last_seq))
            while True:
                self._changed.clear()
                rows = await self._patiently(hands.next_rows())
                for row in rows:
                    is_redelivered = hands.take(row.seq)
                    batch = self._decoded(row)
                    if batch is None:
                        hands.settled(row.seq)
                    else:
                        yield SqliteDelivery(self, hands, row.seq, batch, is_redelivered=is_redelivered)
                if rows and len(rows) < _FETCH:
                    await asyncio.sleep(_LINGER_S)
                elif not rows:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_S):  # another process's publish sets no event here
                            await self._changed.wait()
        finally:
            lock.close()

    async def backlog(self) -> Backlog:
        held = await self._read(totals)
        age_s = 0.0 if held.oldest_us is None else max(0.0, time.time() - held.oldest_us / 1e6)
        return Backlog(held.batches, held.size_bytes, age_s)

    async def waiting(self, tenant: Tenant) -> Waiting:
        try:
            return await self._asking.run(lambda connection: waiting_of(connection, tenant))
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    async def check(self) -> None:
        await self._read(totals)
        await self._writer.probe()

    def _settle(self, delivery: "SqliteDelivery", reason: str | None) -> None:
        self._writer.settle(Settle(delivery.seq, reason))
        self._watches.settled(delivery.batch.header.id, "stored" if reason is None else "rejected")

    def _decoded(self, row: Row) -> Batch | None:
        try:
            return Batch(_header.decode(row.header), row.body)
        except msgspec.MsgspecError as error:
            log.error("batch_header_damaged", seq=row.seq, reason=str(error))
            self._writer.settle(Settle(row.seq, f"the header does not read back: {error}"))
            return None

    async def _patiently(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """As `_read`, again until it succeeds."""
        while True:
            try:
                return await self._read(call)
            except Unavailable as error:
                log.error("queue_unreadable", reason=error.message, hint=error.hint, retry_in_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _read(self, call: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._reader.run(call)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.Error) -> Unavailable:
        return Unavailable(f"cannot read {self._path}: {error}", hint=hint_for(error))

    def _open(self) -> list[sqlite3.Connection]:
        """The one that writes, and two that read."""
        with contextlib.ExitStack() as opened:
            writer = open_database(self._path, synchronous="FULL", page_size_bytes=_PAGE_BYTES, may_shrink=True)
            opened.callback(writer.close)
            try:
                # Builds of SQLite that overwrite what is deleted write every body twice, and need room to delete.
                writer.execute("PRAGMA secure_delete = FAST").fetchall()
                migrate(writer, SCHEMA)
            except sqlite3.Error as error:
                raise unusable(self._path, error) from error
            readers = []
            for _ in range(2):
                readers.append(open_database(self._path, synchronous="NORMAL"))
                opened.callback(readers[-1].close)
            opened.pop_all()
        return [writer, *readers]


class SqliteDelivery:
    """A row of the queue, in a worker's hands."""

    __slots__ = ("_broker", "_hands", "batch", "is_redelivered", "seq")

    def __init__(self, broker: SqliteBroker, hands: "_Hands", seq: int, batch: Batch, *, is_redelivered: bool) -> None:
        self._broker = broker
        self._hands = hands
        self.seq = seq
        self.batch = batch
        self.is_redelivered = is_redelivered

    async def ack(self) -> None:
        self._broker._settle(self, None)
        self._hands.settled(self.seq)

    async def nack(self) -> None:
        self._hands.give_back(self.seq)

    async def reject(self, reason: str) -> None:
        self._broker._settle(self, reason)
        self._hands.settled(self.seq)


class _Hands:
    """What one consumer holds, and where it stands in the queue."""

    def __init__(self, prefetch: int, changed: asyncio.Event, last_before: int) -> None:
        self._prefetch = prefetch
        self._changed = changed
        self._last_before = last_before
        """What was there before this consumer may have been delivered to an earlier one."""
        self._last = 0
        self._unsettled: set[int] = set()
        self._waiting: set[int] = set()
        self._given_back: set[int] = set()

    def next_rows(self) -> Callable[[sqlite3.Connection], list[Row]]:
        """What reads as many as there is room for; those given back first, being the oldest."""
        room = min(_FETCH, self._prefetch - len(self._unsettled))
        if room > 0 and self._waiting:
            again = sorted(self._waiting)[:room]
            self._waiting.difference_update(again)
            return lambda connection: rows_at(connection, again)
        last = self._last
        return lambda connection: rows_after(connection, last, max(0, room))

    def take(self, seq: int) -> bool:
        """Whether it may have been delivered before."""
        self._last = max(self._last, seq)
        self._unsettled.add(seq)
        return seq <= self._last_before or seq in self._given_back

    def settled(self, seq: int) -> None:
        self._unsettled.discard(seq)
        self._given_back.discard(seq)
        self._changed.set()

    def give_back(self, seq: int) -> None:
        self._unsettled.discard(seq)
        self._waiting.add(seq)
        self._given_back.add(seq)
        self._changed.set()
