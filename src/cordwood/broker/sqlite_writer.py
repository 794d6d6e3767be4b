"""The one thread that writes a queue file: everything pending goes into one commit (group commit)."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import structlog
from msgspec import Struct

from cordwood.broker.sqlite_room import Room
from cordwood.broker.sqlite_schema import remove
from cordwood.db.sqlite import hint_for
from cordwood.errors import CordwoodError, Overloaded, Unavailable
from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant

log = structlog.get_logger()

_MAX_GROUP = 512
_MAX_PENDING_BYTES = 64 << 20
"""Bodies handed to the thread and not yet committed; beyond it a publish is refused before memory grows."""
_LONELY_S = 0.01
"""Settlements alone wait this long for a publish to share its commit; nobody waits for them."""
_RETRY_S = 0.5
"""How soon settlements that could not be written are tried again, and more pages given back."""


class Settle(Struct, frozen=True):
    """A row to remove; with a reason, into the dead letters."""

    seq: int
    reason: str | None


class _Whose(Struct, frozen=True):
    """What a header says of the events."""

    tenant: Tenant
    events: int
    kind: str = "events"


_whose = msgspec.json.Decoder(_Whose)


class _Publish(Struct, frozen=True):
    batch: Batch
    done: "asyncio.Future[None]"


class _Probe(Struct, frozen=True):
    """Ask whether a publish would be taken, once all that came before is committed; if `is_written`, by writing."""

    done: "asyncio.Future[None]"
    is_written: bool


_Task = _Publish | Settle | _Probe
_Outcome = tuple["asyncio.Future[None]", CordwoodError | None]


class WriterThread(threading.Thread):
    """Owns the writing connection. `publish`, `settle`, `probe` and `flush` are called on the event loop."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop, room: Room) -> None:
        super().__init__(name="queue-writer", daemon=True)
        self._connection = connection
        self._loop = loop
        self._room = room
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._unsettled: list[Settle] = []
        self._pending_bytes = 0
        self._has_empty_pages = False
        """That a disk which runs low is still to be given."""
        self.failure: Unavailable | None = None
        """Why the last commit failed; None once one has succeeded."""

    async def publish(self, batch: Batch) -> None:
        """Return after the commit. Raises Overloaded and Unavailable."""
        size = len(batch.body)
        if self._pending_bytes and self._pending_bytes + size > _MAX_PENDING_BYTES:
            raise Overloaded(
                f"{self._pending_bytes:,} bytes of batches wait for the disk; {_MAX_PENDING_BYTES:,} are the limit",
                hint="send again after the seconds in Retry-After; look for a slow disk if this lasts",
            )
        done: asyncio.Future[None] = self._loop.create_future()
        self._pending_bytes += size
        self._tasks.put(_Publish(batch, done))
        await done

    def settle(self, settle: Settle) -> None:
        """Remove a row, some time soon: tried until it succeeds or the process ends."""
        self._tasks.put(settle)

    async def probe(self) -> None:
        """Raises Unavailable when nothing can be written, Overloaded when the disk is short."""
        await self._barrier(is_written=self.failure is not None)

    async def flush(self) -> None:
        """Return when all that was handed over before has been tried."""
        with contextlib.suppress(Unavailable, Overloaded):
            await self._barrier(is_written=False)

    def close(self) -> None:
        """Commit what is pending and end the thread. Blocks."""
        self._tasks.put(None)
        self.join()
        self._connection.close()

    def run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._gathered()
            outcomes = self._outcomes(group)
            sizes = sum(len(task.batch.body) for task in group if isinstance(task, _Publish))
            self._loop.call_soon_threadsafe(self._tell, outcomes, sizes)
            self._give_back()

    async def _barrier(self, *, is_written: bool) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._tasks.put(_Probe(done, is_written))
        await done

    def _tell(self, outcomes: list[_Outcome], sizes: int) -> None:
        self._pending_bytes -= sizes
        for done, error in outcomes:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _gathered(self) -> tuple[list[_Task], bool]:
        """All that is pending, and whether more may come."""
        group: list[_Task] = []
        while len(group) < _MAX_GROUP:
            try:
                task = self._tasks.get(block=bool(wait_s := self._patience_s(group)), timeout=wait_s or None)
            except queue.Empty:
                break
            if task is None:
                return group, False
            group.append(task)
        return group, True

    def _patience_s(self, group: list[_Task]) -> float:
        """How long to wait for one more; an hour stands for ever."""
        if not group:
            return _RETRY_S if self._unsettled or self._has_empty_pages else 3600.0
        return _LONELY_S if all(isinstance(each, Settle) for each in group) else 0.0

    def _outcomes(self, group: list[_Task]) -> list[_Outcome]:
        settles = [*self._unsettled, *(task for task in group if isinstance(task, Settle))]
        waited_for = [task for task in group if not isinstance(task, Settle)]
        try:
            outcomes = self._commit(settles, waited_for)
        except (sqlite3.Error, OSError) as error:
            failure = self._failed(error, len(group))
            # Settlements free space, so a disk that is full for a publish may well have room for them.
            self._unsettled = settles if not waited_for or not self._settled_alone(settles) else []
            return [(task.done, failure) for task in waited_for]
        self._unsettled = []
        self.failure = None
        return outcomes

    def _settled_alone(self, settles: list[Settle]) -> bool:
        try:
            self._commit(settles, [])
        except (sqlite3.Error, OSError) as error:
            self._failed(error, len(settles))
            return False
        return True

    def _failed(self, error: Exception, tasks: int) -> Unavailable:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        hint = hint_for(error) if isinstance(error, sqlite3.Error) else "look at the disk"
        log.error("queue_commit_failed", reason=str(error), hint=hint, tasks=tasks)
        self.failure = Unavailable(f"the queue cannot be written: {error}", hint=hint)
        self.failure.__cause__ = error
        return self.failure

    def _commit(self, settles: list[Settle], waited_for: Iterable[_Publish | _Probe]) -> list[_Outcome]:
        """One transaction. Raises OSError, and sqlite3.Error with the transaction still open."""
        outcomes: list[_Outcome] = []
        self._room.look()
        writing_bytes = 0
        self._connection.execute("BEGIN IMMEDIATE")
        totals = _Totals(self._connection)
        self._remove(settles, totals)  # first: they make room
        for task in waited_for:
            if isinstance(task, _Publish):
                size = len(task.batch.body)
                error = self._room.refusal(totals.size_bytes, size)
                error = error or self._room.shortage(totals.batches, writing_bytes + size)
                if error is None:
                    self._insert(task.batch, totals)
                    writing_bytes += size
                outcomes.append((task.done, error))
                continue
            if task.is_written:
                self._connection.execute("INSERT INTO probe VALUES (zeroblob(65536))")
                self._connection.execute("DELETE FROM probe")
            outcomes.append((task.done, self._room.shortage(totals.batches)))
        totals.save()
        self._connection.execute("COMMIT")
        return outcomes

    def _give_back(self) -> None:
        try:
            self._has_empty_pages = self._room.give_back(self._connection)
        except sqlite3.Error as error:
            log.warning("queue_not_shrunk", reason=str(error), hint=hint_for(error), retry_in_s=_RETRY_S)

    def _insert(self, batch: Batch, totals: "_Totals") -> None:
        size = len(batch.body)
        inserted = self._connection.execute(
            "INSERT INTO queue (batch_id, header, enqueued_at_us, size_bytes, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (batch_id) DO NOTHING",
            (batch.header.id.bytes, msgspec.json.encode(batch.header), time.time_ns() // 1000, size, batch.body),
        )
        if inserted.rowcount:
            totals.change(1, size)
            if batch.header.kind == "events":
                totals.wait(batch.header.tenant, batch.header.events)

    def _remove(self, settles: list[Settle], totals: "_Totals") -> None:
        for settle in settles:
            if settle.reason is not None:
                self._connection.execute(
                    "INSERT OR IGNORE INTO dead (seq, batch_id, header, body, reason, dead_at_us) "
                    "SELECT seq, batch_id, header, body, ?, ? FROM queue WHERE seq = ?",
                    (settle.reason, time.time_ns() // 1000, settle.seq),
                )
        removed = remove(self._connection, {settle.seq for settle in settles})
        totals.change(-len(removed), -sum(size for _, size in removed))
        for header, _ in removed:
            with contextlib.suppress(msgspec.MsgspecError):  # a damaged one was never counted
                of_whom = _whose.decode(header)
                if of_whom.kind == "events":
                    totals.wait(of_whom.tenant, -of_whom.events)


class _Totals:
    """The sums beside the queue, read and written once per transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.batches, self.size_bytes = connection.execute("SELECT batches, size_bytes FROM totals").fetchone()
        self._waiting: Counter[Tenant] = Counter()
        self._is_changed = False

    def wait(self, tenant: Tenant, events: int) -> None:
        self._waiting[tenant] += events

    def change(self, batches: int, size_bytes: int) -> None:
        self.batches += batches
        self.size_bytes += size_bytes
        self._is_changed = self._is_changed or batches != 0

    def save(self) -> None:
        if self._is_changed:
            self._connection.execute("UPDATE totals SET batches = ?, size_bytes = ?", (self.batches, self.size_bytes))
        if changed := [(tenant, events) for tenant, events in self._waiting.items() if events]:
            self._connection.executemany(
                "INSERT INTO waiting VALUES (?, ?) "
                "ON CONFLICT (tenant) DO UPDATE SET events = events + excluded.events",
                changed,
            )
            self._connection.execute("DELETE FROM waiting WHERE events = 0")
