"""Events with the places they came from, gathered into requests."""

from collections.abc import Iterator

import msgspec

Place = tuple[str, int]
"""A file's name and a line, from 1."""


class Batch(msgspec.Struct, frozen=True):
    """Events for one request, each JSON on one line, and where each came from."""

    events: list[bytes]
    places: list[Place]

    def body(self) -> bytes:
        """NDJSON."""
        return b"\n".join(self.events) + b"\n"

    def halves(self) -> tuple["Batch", "Batch"]:
        """For when it is too large."""
        middle = len(self.events) // 2
        return (
            Batch(self.events[:middle], self.places[:middle]),
            Batch(self.events[middle:], self.places[middle:]),
        )


class Batcher:
    """Gathers events until one more would pass `max_events` or `max_bytes`."""

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
        size_bytes = sum(map(len, batch.events)) + len(batch.events)
        if self._events and self._bytes + size_bytes > self._max_bytes:
            yield from self.flush()
        self._bytes += size_bytes
        self._events += batch.events
        self._places += batch.places
        while len(self._events) > self._max_events:
            # What is cut off has its share of the bytes, near enough: the limit is far below the server's.
            self._bytes -= self._bytes * self._max_events // len(self._events)
            full = Batch(self._events[: self._max_events], self._places[: self._max_events])
            del self._events[: self._max_events], self._places[: self._max_events]
            yield full
        if len(self._events) == self._max_events or self._bytes >= self._max_bytes:
            yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """What has been gathered, if anything."""
        if self._events:
            yield Batch(self._events, self._places)
            self._events, self._places, self._bytes = [], [], 0
