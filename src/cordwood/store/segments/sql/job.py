"""What the process is told, and what it tells: the pipe between it and the service."""

from collections.abc import Sequence
from typing import BinaryIO, Literal

from msgspec import Struct

FileColumns = tuple[str, ...]

ROWS, END, FAILED = b"R", b"Z", b"E"
"""Kinds of frames: rows as a stream of Arrow with one batch, the end of the rows, a `Failure` as JSON."""
_LENGTH_BYTES = 8


class File(Struct, frozen=True):
    """A segment: `columns` are those of fields; it has events kept as text, and events with a shape."""

    path: str
    columns: Sequence[str]
    has_texts: bool
    has_shapes: bool


class Job(Struct, frozen=True):
    """A question, what it may read, and its bounds."""

    text: str
    files: Sequence[File]
    start_us: int | None
    end_us: int | None
    spill: str
    memory_bytes: int
    spill_bytes: int
    timeout_s: float


class Failure(Struct, frozen=True):
    """Why there is no answer: the question is wrong, takes more than it may, or something failed here."""

    kind: Literal["question", "bound", "failure"]
    message: str
    position: int | None = None
    """In characters, where the database tells."""
    length: int = 0


def frame(kind: bytes, payload: bytes) -> bytes:
    """Its head; the payload follows."""
    return kind + len(payload).to_bytes(_LENGTH_BYTES, "big")


def write_frame(out: BinaryIO, kind: bytes, payload: bytes) -> None:
    out.write(frame(kind, payload))
    out.write(payload)
    out.flush()


HEAD_BYTES = 1 + _LENGTH_BYTES


def length_of(head: bytes) -> int:
    """Of the payload behind a head."""
    return int.from_bytes(head[1:], "big")
