"""A queue in one SQLite file: the embedded broker."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog

from cordwood.broker.interface import Backlog, Settlement
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite_writer import Publish, Settle, WriterThread
from cordwood.db.sqlite import FileLock, migrate, open_database
from cordwood.errors import Unavailable
from cordwood.model.batch import Batch, BatchHeader

log = structlog.get_logger()

_SCHEMA = (
    """
    CREATE TABLE queue (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id BLOB NOT NULL UNIQUE,
        header BLOB NOT NULL,
        enqueued_at_us INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE dead (
        seq INTEGER PRIMARY KEY,
        batch_id BLOB NOT NULL,
        header BLOB NOT NULL,
        body BLOB NOT NULL,
        reason TEXT NOT NULL,
        dead_at_us INTEGER NOT NULL
    );
    CREATE TABLE probe (filler BLOB)
    """,
)

_POLL_S = 0.05
"""How soon a publish or an ack of another process on the same file is seen."""
_FETCH = 32

_header = msgspec.json.Decoder(BatchHeader)


class SqliteDelivery:
    """A row of the queue, in a worker's hands."""

    __slots__ = ("_broker", "_consumer", "batch", "is_redelivered", "seq")

    def __init__(
        self, broker: "SqliteBroker", consumer: "_Consumer", seq: int, batch: Batch, *, is_redelivered: bool
    ) -> None:
        self._broker = broker
        self._consumer = consumer
        self.seq = seq
        self.batch = batch
        self.is_redelivered = is_redelivered

    async def ack(self) -> None:
        self._broker._settle(self.seq, self.batch.header.id, None)
        self._consumer.settled(self.seq)

    async def nack(self) -> None:
        self._consumer.settled(self.seq, give_back=True)

    async def reject(self, reason: str) -> None:
        self._broker._settle(self.seq, self.batch.header.id, reason)
        self._consumer.settled(self.seq)


class SqliteBroker:
    """One file, one writer thread (group commit), any number of publishers, one consuming process."""

    def __init__(self, path: Path, settings: BrokerSettings) -> None:
        self._path = path
        self._settings = settings
        self._published = asyncio.Event()
        self._watched: dict[UUID, asyncio.Future[Settlement]] = {}
        self._kept: set[UUID] = set()  # of the watched ones, those whose publish has been committed
        self._reading = asyncio.Lock()

    async def __aenter__(self) -> "SqliteBroker":
        """Raises ConfigError when the file cannot be used."""
        self._reader, writer = await asyncio.to_thread(self._open)
        self._writer = WriterThread(writer, asyncio.get_running_loop(), self._settings.max_size_bytes)
        self._writer.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self._writer.close)
        async with self._reading:
            self._reader.close()

    def _open(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        writer = open_database(self._path, synchronous="FULL")
        migrate(writer, _SCHEMA)
        return open_database(self._path, synchronous="NORMAL"), writer

    async def publish(self, batch: Batch) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.submit(Publish(batch, done))
        try:
            async with asyncio.timeout(self._settings.confirm_timeout_s):
                await done
        except TimeoutError as error:
            raise Unavailable(
                f"{self._path} did not commit within {self._settings.confirm_timeout_s:g} s",
                hint="look for a slow or failing disk",
            ) from error
        self._published.set()
        if batch.header.id in self._watched:
            self._kept.add(batch.header.id)

    @contextlib.asynccontextmanager
    async def watch(self, batch_id: UUID) -> AsyncIterator["asyncio.Future[Settlement]"]:
        future: asyncio.Future[Settlement] = asyncio.get_running_loop().create_future()
        self._watched[batch_id] = future
        poller = asyncio.create_task(self._poll_settlement(batch_id, future))
        try:
            yield future
        finally:
            del self._watched[batch_id]
            self._kept.discard(batch_id)
            poller.cancel()
            future.cancel()

    async def consume(self, prefetch: int) -> AsyncGenerator[SqliteDelivery, None]:
        """Lowest sequence first. Raises ConfigError when another process consumes this file."""
        lock = await asyncio.to_thread(FileLock, self._path.with_suffix(".consumer"), f"the queue {self._path}")
        try:
            consumer = _Consumer(prefetch)
            (top,) = await self._read("SELECT coalesce(max(seq), 0) FROM queue", ())
            while True:
                self._published.clear()
                rows = await self._next_rows(consumer)
                for seq, header, body in rows:
                    batch = await self._decoded(seq, header, body)
                    if batch is None:
                        continue
                    is_redelivered = seq <= top[0] or seq in consumer.given_back
                    consumer.took(seq)
                    yield SqliteDelivery(self, consumer, seq, batch, is_redelivered=is_redelivered)
                if not rows:
                    await self._wait(consumer)
        finally:
            lock.close()

    async def backlog(self) -> Backlog:
        sql = "SELECT count(*), coalesce(sum(size_bytes), 0), min(enqueued_at_us) FROM queue"
        ((batches, size_bytes, oldest_us),) = await self._read(sql, ())
        age_s = 0.0 if oldest_us is None else max(0.0, time.time() - oldest_us / 1e6)
        return Backlog(batches, size_bytes, age_s)

    async def check(self) -> None:
        if self._writer.failure is not None:
            await self._writer.probe()

    def _settle(self, seq: int, batch_id: UUID, reason: str | None) -> None:
        self._writer.submit(Settle(seq, reason))
        future = self._watched.get(batch_id)
        if future is not None and not future.done():
            future.set_result("stored" if reason is None else "rejected")

    async def _poll_settlement(self, batch_id: UUID, future: "asyncio.Future[Settlement]") -> None:
        """For a worker in another process: a row that was kept and is gone has been settled."""
        while not future.done():
            was_kept = batch_id in self._kept
            if was_kept and not await self._read("SELECT 1 FROM queue WHERE batch_id = ?", (batch_id.bytes,)):
                dead = await self._read("SELECT 1 FROM dead WHERE batch_id = ?", (batch_id.bytes,))
                if not future.done():
                    future.set_result("rejected" if dead else "stored")
            await asyncio.sleep(_POLL_S)

    async def _next_rows(self, consumer: "_Consumer") -> Sequence[tuple[int, bytes, bytes]]:
        room = min(_FETCH, consumer.room)
        if room <= 0:
            return []
        if consumer.returned:
            returned = [consumer.returned.pop() for _ in range(min(room, len(consumer.returned)))]
            marks = ",".join("?" * len(returned))
            return await self._read(
                f"SELECT seq, header, body FROM queue WHERE seq IN ({marks}) ORDER BY seq", returned
            )
        sql = "SELECT seq, header, body FROM queue WHERE seq > ? ORDER BY seq LIMIT ?"
        return await self._read(sql, (consumer.last, room))

    async def _decoded(self, seq: int, header: bytes, body: bytes) -> Batch | None:
        try:
            return Batch(_header.decode(header), body)
        except msgspec.MsgspecError as error:
            log.error("batch_header_damaged", seq=seq, reason=str(error))
            self._writer.submit(Settle(seq, f"the header does not read back: {error}"))
            return None

    async def _wait(self, consumer: "_Consumer") -> None:
        """Until a publish here, a settlement, or the next look for publishes of other processes."""
        published = asyncio.create_task(self._published.wait())
        changed = asyncio.create_task(consumer.changed.wait())
        try:
            await asyncio.wait({published, changed}, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            published.cancel()
            changed.cancel()
        consumer.changed.clear()

    async def _read(self, sql: str, values: Sequence[object]) -> list[Any]:
        async with self._reading:
            try:
                return await asyncio.to_thread(lambda: self._reader.execute(sql, values).fetchall())
            except sqlite3.Error as error:
                raise Unavailable(f"cannot read {self._path}: {error}", hint="look at the disk") from error


class _Consumer:
    """Which rows are in a worker's hands."""

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._unsettled: set[int] = set()
        self.last = 0
        self.returned: set[int] = set()
        self.given_back: set[int] = set()
        self.changed = asyncio.Event()

    @property
    def room(self) -> int:
        return self._prefetch - len(self._unsettled)

    def took(self, seq: int) -> None:
        self.last = max(self.last, seq)
        self._unsettled.add(seq)

    def settled(self, seq: int, *, give_back: bool = False) -> None:
        self._unsettled.discard(seq)
        self.given_back.discard(seq)
        if give_back:
            self.returned.add(seq)
            self.given_back.add(seq)
        self.changed.set()
