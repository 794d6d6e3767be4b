"""Batches → the server, several at once, with retries, and exact counts of what became of every event."""

import gzip
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import msgspec

from cordwood.client.batches import Batch, Place
from cordwood.client.http import Api, Taken, TryAgain
from cordwood.client.retry import Patience, Waits
from cordwood.errors import BadRequest, CordwoodError, TooLarge
from cordwood.model.zstd import compress

Encoding = Literal["zstd", "gzip", "identity"]

# The lowest levels: logs shrink tenfold at once, and what higher ones save costs more than it is worth on the way.
_COMPRESS: dict[Encoding, Callable[[bytes], bytes]] = {
    "zstd": lambda body: compress(body, 1),
    "gzip": lambda body: gzip.compress(body, 1),
    "identity": lambda body: body,
}
_LOOK_EVERY_S = 0.2


class Complaint(msgspec.Struct, frozen=True):
    """An event that was not accepted, and why."""

    place: Place
    error: str


Stretch = tuple[Place, Place]
"""The first and the last of events in a row."""


def _stretch(batch: Batch) -> Stretch:
    return batch.places[0], batch.places[-1]


class Counts:
    """What became of the events read: `read = accepted + rejected + failed` once all is done.

    Rejected: the server, or we, will never take it as it is. Failed: it could not be delivered.
    """

    def __init__(self, max_complaints: int) -> None:
        self.read = 0
        self.accepted = 0
        self.rejected = 0
        self.failed = 0
        self.unread = 0
        """Lines that did not follow their format, and were sent as messages."""
        self.first_unread: Place | None = None
        self.complaints: list[Complaint] = []
        self.unsent: list[Stretch] = []
        """Of the batches that failed."""
        self.unanswered: list[Stretch] = []
        """Of those among them that the server may have taken all the same."""
        self._max_complaints = max_complaints
        self._lock = threading.Lock()

    def add_read(self, events: int) -> None:
        with self._lock:
            self.read += events

    def add_taken(self, batch: Batch, taken: Taken) -> bool:
        """An answer that does not cover every event leaves the others failed: then False."""
        with self._lock:
            self.accepted += taken.accepted
            self.rejected += taken.rejected
            room = self._max_complaints - len(self.complaints)
            self.complaints += [
                Complaint(batch.places[error.index], error.error)
                for error in taken.errors[: max(0, room)]
                if error.index < len(batch.places)
            ]
            missing = len(batch.events) - taken.accepted - taken.rejected
            if missing:
                self.failed += missing
                self.unsent.append(_stretch(batch))
            return not missing

    def add_rejected(self, place: Place, error: str) -> None:
        with self._lock:
            self.rejected += 1
            if len(self.complaints) < self._max_complaints:
                self.complaints.append(Complaint(place, error))

    def add_unread(self, first: Place, lines: int) -> None:
        with self._lock:
            self.unread += lines
            self.first_unread = self.first_unread or first

    def add_failed(self, batch: Batch, *, may_be_taken: bool) -> None:
        with self._lock:
            self.failed += len(batch.events)
            (self.unanswered if may_be_taken else self.unsent).append(_stretch(batch))


class Sender:
    """Sends batches, a bounded number at once. The first error that more sending cannot mend stops it."""

    def __init__(
        self,
        api: Api,
        counts: Counts,
        *,
        concurrency: int,
        encoding: Encoding,
        patience: Patience,
        on_retry: Callable[[TryAgain, float], None],
        on_settled: Callable[[Batch], None] | None = None,
    ) -> None:
        """`on_settled` is told, in any thread, each batch of whose every event the server has said what became."""
        self.fatal: CordwoodError | None = None
        """Why it stopped by itself."""
        self._api = api
        self._counts = counts
        self._encoding = encoding
        self._patience = patience
        self._on_retry = on_retry
        self._on_settled = on_settled
        self._random = random.Random()  # noqa: S311 (jitter)
        self._stopped = threading.Event()
        self._places = concurrency + 1
        self._room = threading.Semaphore(self._places)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="send")
        self._crash: BaseException | None = None

    def put(self, batch: Batch) -> None:
        """Take a batch; waits while enough are in flight."""
        self._room.acquire()
        self._threads.submit(self._settle, batch).add_done_callback(self._done)

    def stop(self) -> None:
        """Begin no more requests; batches that are waiting fail. Requests under way are answered still."""
        self._stopped.set()

    def finish(self, is_enough: Callable[[], bool]) -> bool:
        """Wait until every batch has been answered or given up; False when `is_enough` said not to wait longer."""
        for _ in range(self._places):
            while not self._room.acquire(timeout=_LOOK_EVERY_S):
                if is_enough():
                    return False
        self._threads.shutdown()
        if self._crash is not None:
            raise self._crash
        return True

    def _done(self, future: Future[None]) -> None:
        if (crash := future.exception()) is not None:
            self._crash = crash
            self._stopped.set()
        self._room.release()

    def _settle(self, batch: Batch) -> None:
        if self._send(batch) and self._on_settled is not None:
            self._on_settled(batch)

    def _send(self, batch: Batch) -> bool:
        """Whether every event was accepted or rejected."""
        batch = self._without_leading_arrays(batch)
        if not batch.events:
            return True
        try:
            return self._counts.add_taken(batch, self._deliver(batch))
        except TooLarge as error:
            if len(batch.events) == 1:
                self._counts.add_rejected(batch.places[0], error.message)
                return True
            # Both, whatever becomes of the first.
            return sum(self._send(half) for half in batch.halves()) == 2
        except CordwoodError as error:
            self._counts.add_failed(batch, may_be_taken=isinstance(error, TryAgain) and error.may_be_taken)
            # A plain 400 is about this body; all else would be said of every other body, too.
            if type(error) is not BadRequest and not self._stopped.is_set():
                self.fatal = error
                self._stopped.set()
            return False

    def _deliver(self, batch: Batch) -> Taken:
        body = _COMPRESS[self._encoding](batch.body())
        encoding = None if self._encoding == "identity" else self._encoding
        key = batch.key or str(uuid.uuid4())
        waits = Waits(self._patience, self._random)
        may_be_taken = False
        while True:
            if self._stopped.is_set():
                raise TryAgain("not sent any more", may_be_taken=may_be_taken)
            try:
                return self._api.ingest(body, encoding, key)
            except TryAgain as error:
                # Whatever the last try says of itself, one before it may have come through.
                error.may_be_taken = may_be_taken = may_be_taken or error.may_be_taken
                wait_s = waits.after(error, time.monotonic())
                if wait_s is None:
                    raise
                self._on_retry(error, wait_s)
                self._stopped.wait(wait_s)

    def _without_leading_arrays(self, batch: Batch) -> Batch:
        """A body that begins with `[` is read as one array: such a line must not drag the others along."""
        bad = 0
        while bad < len(batch.events) and batch.events[bad].lstrip(b" \t\r")[:1] == b"[":
            self._counts.add_rejected(batch.places[bad], "an array, not a JSON object")
            bad += 1
        return Batch(batch.events[bad:], batch.places[bad:], batch.key) if bad else batch
