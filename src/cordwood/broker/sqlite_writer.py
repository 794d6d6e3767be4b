"""The one thread that writes a queue file: everything pending goes into one commit (group commit)."""

import asyncio
import queue
import sqlite3
import threading
import time

import msgspec
import structlog
from msgspec import Struct

from cordwood.errors import CordwoodError, Overloaded, Unavailable
from cordwood.model.batch import Batch

log = structlog.get_logger()

_MAX_GROUP = 512
_LONELY_S = 0.01
"""Settlements alone wait this long for a publish to share its commit; nobody waits for them."""


class Publish(Struct):
    """A batch to keep; `done` resolves after the commit."""

    batch: Batch
    done: "asyncio.Future[None]"


class Settle(Struct):
    """A row to remove; with a reason, into the dead letters."""

    seq: int
    reason: str | None


class _Probe(Struct):
    done: "asyncio.Future[None]"


_Task = Publish | Settle | _Probe


class WriterThread(threading.Thread):
    """Owns the writing connection."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop, max_size_bytes: int) -> None:
        super().__init__(name="queue-writer", daemon=True)
        self._connection = connection
        self._loop = loop
        self._max_size_bytes = max_size_bytes
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._size_bytes = self._measured()
        self.failure: CordwoodError | None = None

    def submit(self, task: Publish | Settle) -> None:
        self._tasks.put(task)

    async def probe(self) -> None:
        """Write something and take it back. Raises Unavailable."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._tasks.put(_Probe(done))
        await done

    def close(self) -> None:
        """Commit what is pending and end the thread."""
        self._tasks.put(None)
        self.join()
        self._connection.close()

    def run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._gathered()
            outcomes = self._commit(group)
            self._loop.call_soon_threadsafe(_tell, outcomes)

    def _gathered(self) -> tuple[list[_Task], bool]:
        group: list[_Task] = []
        task = self._tasks.get()
        while task is not None:
            group.append(task)
            if len(group) == _MAX_GROUP:
                return group, True
            try:
                is_lonely = all(isinstance(each, Settle) for each in group)
                task = self._tasks.get(timeout=_LONELY_S) if is_lonely else self._tasks.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Task]) -> "list[tuple[asyncio.Future[None], CordwoodError | None]]":
        outcomes: list[tuple[asyncio.Future[None], CordwoodError | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for task in group:
                match task:
                    case Publish(batch, done):
                        outcomes.append((done, self._insert(batch)))
                    case Settle(seq, reason):
                        self._remove(seq, reason)
                    case _Probe(done):
                        self._connection.execute("INSERT INTO probe VALUES (zeroblob(65536))")
                        self._connection.execute("DELETE FROM probe")
                        outcomes.append((done, None))
            self._connection.execute("COMMIT")
            self.failure = None
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            log.error("queue_commit_failed", reason=str(error), tasks=len(group))
            self.failure = Unavailable(
                f"the queue cannot be written: {error}", hint="free disk space, or look at the disk and its permissions"
            )
            self.failure.__cause__ = error
            self._size_bytes = self._measured()
            return [(task.done, self.failure) for task in group if not isinstance(task, Settle)]
        return outcomes

    def _insert(self, batch: Batch) -> CordwoodError | None:
        size = len(batch.body)
        if self._size_bytes + size > self._max_size_bytes:
            self._size_bytes = self._measured()  # another process may have removed rows
            if self._size_bytes + size > self._max_size_bytes:
                return Overloaded(
                    f"the queue holds {self._size_bytes:,} bytes of batches; {self._max_size_bytes:,} are the limit",
                    hint="see why workers do not keep up, or raise CORDWOOD_BROKER_MAX_SIZE_BYTES",
                    retry_after_s=5,
                )
        header = msgspec.json.encode(batch.header)
        inserted = self._connection.execute(
            "INSERT INTO queue (batch_id, header, enqueued_at_us, size_bytes, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (batch_id) DO NOTHING",
            (batch.header.id.bytes, header, time.time_ns() // 1000, size, batch.body),
        )
        self._size_bytes += size * inserted.rowcount
        return None

    def _remove(self, seq: int, reason: str | None) -> None:
        if reason is not None:
            self._connection.execute(
                "INSERT OR IGNORE INTO dead (seq, batch_id, header, body, reason, dead_at_us) "
                "SELECT seq, batch_id, header, body, ?, ? FROM queue WHERE seq = ?",
                (reason, time.time_ns() // 1000, seq),
            )
        removed = self._connection.execute("DELETE FROM queue WHERE seq = ? RETURNING size_bytes", (seq,)).fetchone()
        if removed is not None:
            self._size_bytes -= removed[0]

    def _measured(self) -> int:
        (size,) = self._connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM queue").fetchone()
        return int(size)


def _tell(outcomes: "list[tuple[asyncio.Future[None], CordwoodError | None]]") -> None:
    for done, error in outcomes:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
