"""Batch: events that travel together as zstd-compressed NDJSON, with a header.

The body holds one event a line, each line ended by a newline, no blank lines; line n (from 0) is the event
with ordinal n. `docs/reference/batch-format.md` is the description for other readers of the queue.
"""

import hashlib
from typing import Literal
from uuid import UUID

import msgspec

from cordwood.errors import Corrupt
from cordwood.model.tenant import Tenant
from cordwood.model.zstd import ZstdDecompressor, ZstdError, compress, memory_told_apart

FORMAT_VERSION = 1
"""Raised when a reader of the previous version could not read the new one."""

ORDINAL_BITS = 32
# Level 1: 0.3 µs an event; level 3 costs twice that for 6 % fewer bytes on the benchmark's data.
_ZSTD_LEVEL = 1


Kind = Literal["events", "heartbeat"]
"""A heartbeat carries no events but a producer's accounts (`model.ledger`), by the same way."""


class BatchHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What is known of a batch without opening it. Times are µs since 1970 UTC, sizes in bytes."""

    id: UUID
    tenant: Tenant
    events: int
    size_bytes: int
    """Length of the body before compression; a reader refuses to inflate beyond it."""
    protocol: str
    received_at_us: int
    producer: UUID
    sequence: int
    kind: Kind = "events"
    idempotency: str | None = None
    """32 hex digits that every repetition of the same request part has in common; None: no repetition is known."""
    traceparent: str | None = None
    """The span that published it (W3C Trace Context), where that is traced."""
    version: int = FORMAT_VERSION


class Batch(msgspec.Struct, frozen=True):
    """A header and its compressed body."""

    header: BatchHeader
    body: bytes


def compressed(ndjson: bytes) -> bytes:
    """Compress a batch body. CPU-heavy above a few kB: call it in a thread."""
    with memory_told_apart():
        return compress(ndjson, _ZSTD_LEVEL)


def expanded(batch: Batch) -> bytes:
    """The NDJSON of a batch. CPU-heavy: call it in a thread.

    Raises Corrupt when the body is not what the header says: wrong version, not zstd, other size, other count;
    MemoryError.
    """
    header = batch.header
    if header.version != FORMAT_VERSION:
        raise Corrupt(
            f"batch {header.id} has format version {header.version}; this program reads {FORMAT_VERSION}",
            hint="run a worker that is at least as new as the api that wrote it",
        )
    try:
        with memory_told_apart():
            inflater = ZstdDecompressor()
            ndjson = inflater.decompress(batch.body, max_length=header.size_bytes + 1)
    except ZstdError as error:
        raise Corrupt(f"batch {header.id} does not inflate: {error}") from error
    if len(ndjson) != header.size_bytes or not inflater.eof:
        raise Corrupt(f"batch {header.id} inflates to another size than the {header.size_bytes} bytes announced")
    # Ten times quicker than to count in bytes.
    # Here, as what asks for keys or settings only has no use for it: 0.1 s.
    import numpy as np

    lines = np.count_nonzero(np.frombuffer(ndjson, np.uint8) == ord("\n"))
    if lines != header.events or not ndjson.endswith(b"\n"):
        raise Corrupt(f"batch {header.id} does not hold the {header.events} events announced")
    return ndjson


def idempotency_of(key: str, body: bytes, part: int) -> str:
    """What a repetition of part `part` of a request with this key and body has in common with the first one.

    The body counts: a key that is used again for other events must not make them disappear. CPU-heavy.
    """
    digest = hashlib.sha256(body)
    digest.update(f"\0{part}\0{key}".encode())
    return digest.hexdigest()[:32]


def event_id(batch_id: UUID, ordinal: int) -> UUID:
    """The id of the event at `ordinal` in a batch."""
    return UUID(int=batch_id.int | ordinal)


def made_at_us(batch_id: UUID) -> int:
    """When a batch id was made, if it is a UUIDv7 (RFC 9562 §5.7): µs since 1970 UTC."""
    return (batch_id.int >> 80) * 1000


def batch_of(event: UUID) -> tuple[UUID, int]:
    """The batch id and ordinal that an event id is made of."""
    ordinal = event.int & ((1 << ORDINAL_BITS) - 1)
    return UUID(int=event.int ^ ordinal), ordinal
