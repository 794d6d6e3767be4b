"""Events with the places they came from, gathered into requests."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import msgspec

Place = tuple[str, int]
"""A file's name and a line, from 1."""


class Batch(msgspec.Struct, frozen=True):
    """Events for one request, each JSON on one line, and where each came from."""

    events: list[bytes]
    places: list[Place]
    key: str | None = None
    """Names it to the server, where another run would send the same batch under the same name."""

    def body(self) -> bytes:
        """NDJSON."""
        return b"\n".join(self.events) + b"\n"

    def halves(self) -> tuple["Batch", "Batch"]:
        """For when it is too large."""
        middle = len(self.events) // 2
        return (
            Batch(self.events[:middle], self.places[:middle], self.key and f"{self.key}.0"),
            Batch(self.events[middle:], self.places[middle:], self.key and f"{self.key}.1"),
        )


class Batcher:
    """Gathers events until one more would pass `max_events` or `max_bytes` (but one alone may).

    The events alone decide where it cuts, not the pieces in which they came.
    """

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: list[bytes] = []
        self._places: list[Place] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, batch: Batch) -> Iterator[Batch]:
        """Take more events; gives the batches that are full."""
        at = 0
        # Where each event ends, its newline aside: the limit is far below the server's.
        ends = list(accumulate(map(len, batch.events), initial=0))
        while at < len(batch.events):
            fits = bisect_right(ends, ends[at] + self._max_bytes - self._bytes) - 1
            end = min(fits, at + self._max_events - len(self._events))
            if end <= at:
                if self._events:
                    yield from self.flush()
                    continue
                end = at + 1
            self._events += batch.events[at:end]
            self._places += batch.places[at:end]
            self._bytes += ends[end] - ends[at]
            at = end
            if len(self._events) == self._max_events or self._bytes >= self._max_bytes:
                yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """What has been gathered, if anything."""
        if self._events:
            yield Batch(self._events, self._places)
            self._events, self._places, self._bytes = [], [], 0
