"""What every decoder gives back."""

from collections.abc import Sequence

from msgspec import Struct


class Chunk(Struct, frozen=True):
    """Events ready to travel: `ndjson` holds `events` JSON objects, one a line, each line ended by a newline."""

    ndjson: bytes
    events: int


class Reject(Struct, frozen=True):
    """An event that cannot be taken. `index` counts the request's events from 0, `line` its lines from 1 (None where
    the format has no lines)."""

    index: int
    line: int | None
    error: str


class Decoded(Struct, frozen=True):
    """The good events in request order, and the bad ones named."""

    chunks: Sequence[Chunk]
    rejects: Sequence[Reject]

    @property
    def accepted(self) -> int:
        return sum(chunk.events for chunk in self.chunks)
