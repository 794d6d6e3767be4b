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


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds on one event; what passes them is rejected by name, the others of the request are taken. Only of more than
    `max_rejects` bad events nothing is taken: naming each would need many times the memory that the request has."""

    max_event_bytes: int = 1 << 20
    max_depth: int = 128
    max_fields: int = 16_384
    max_rejects: int = 100_000
