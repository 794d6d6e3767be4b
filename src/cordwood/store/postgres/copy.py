"""Events → the binary COPY format (PostgreSQL documentation, "COPY", Binary Format)."""

from collections import Counter
from collections.abc import Mapping
from itertools import count as count_from
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from cordwood.db.postgres import JSONB_VERSION, POSTGRES_EPOCH_US
from cordwood.errors import Refused
from cordwood.model.derive_many import derive_many
from cordwood.model.ledger import DAY_US
from cordwood.store.interface import Load
from cordwood.store.postgres.jsonb import escaped_text, storable
from cordwood.store.slices import HOUR_US

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# The event comes last, so that all before it is packed at once.
COLUMNS = ("tenant", "level", "service", "id", "inserted_at", "ts", "data")

# length of the id · its batch part · its ordinal · inserted_at · ts · length of the jsonb · its version
_FROM_ID_TO_DATA = Layout(">i12sI12siqI1s")
_TIMESTAMP = Layout(">iq")
_COUNT = Layout(">h")
_LENGTH = Layout(">i")
_NULL = _LENGTH.pack(-1)


class Rows(Struct, frozen=True):
    """A load's rows in COPY form, and what its batch entry says of them. Times are µs since 1970 UTC."""

    load: Load
    encoded: bytes
    stored: int
    min_us: int | None
    max_us: int | None
    days: Mapping[int, int]
    """How many rows have a timestamp of each day, counted since 1970."""
    timestamps: frozenset[int]
    """One timestamp of every hour that the rows touch."""


def rows_of(load: Load, now_us: int, *, first: int = 0, count: int | None = None) -> Rows:
    """Encode a load, or `count` of its events from ordinal `first`. CPU-heavy: call it in a thread.

    Raises Refused for what is no JSON object on a line of its own.
    """
    header = load.batch.header
    lines = load.ndjson.split(b"\n")
    del lines[-1]
    ndjson = load.ndjson
    if count is not None:
        lines = lines[first : first + count]
        ndjson = b"\n".join(lines)
    try:
        derived = derive_many(ndjson, header.received_at_us)
    except msgspec.MsgspecError as error:
        raise Refused(f"an event is no JSON object: {error}") from error
    if len(derived) != len(lines):
        raise Refused(f"{len(lines)} lines hold {len(derived)} JSON objects")
    head = _FROM_ID_TO_DATA.pack
    batch_id, inserted = header.id.bytes[:12], _TIMESTAMP.pack(8, now_us - POSTGRES_EPOCH_US)
    tenant = _COUNT.pack(len(COLUMNS)) + _text(header.tenant)
    owners: dict[tuple[str | None, str | None], bytes] = {}
    dead = {letter.ordinal for letter in load.dead}
    parts: list[bytes] = []
    times: list[int] = []
    ordinals = count_from(load.first + first)
    for ordinal, line, (timestamp_us, level, service) in zip(ordinals, storable(lines, ndjson), derived, strict=False):
        if ordinal in dead:
            continue
        owner = owners.get((level, service))
        if owner is None:
            owner = owners[level, service] = tenant + _text(level) + _text(service)
        parts += (
            owner,
            head(16, batch_id, ordinal, inserted, 8, timestamp_us - POSTGRES_EPOCH_US, len(line) + 1, JSONB_VERSION),
            line,
        )
        times.append(timestamp_us)
    hours = {timestamp_us // HOUR_US: timestamp_us for timestamp_us in times}
    return Rows(
        load,
        b"".join(parts),
        len(times),
        min(times, default=None),
        max(times, default=None),
        _days(times),
        frozenset(hours.values()),
    )


def _days(times: list[int]) -> Mapping[int, int]:
    if not times:
        return {}
    first, last = min(times) // DAY_US, max(times) // DAY_US
    return {first: len(times)} if first == last else Counter(time // DAY_US for time in times)


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = escaped_text(value).encode()
    return _LENGTH.pack(len(encoded)) + encoded
