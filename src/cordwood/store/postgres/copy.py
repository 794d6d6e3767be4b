"""Events → the binary COPY format (PostgreSQL documentation, "COPY", Binary Format)."""

from collections import Counter
from collections.abc import Mapping
from itertools import count as count_from
from struct import Struct as Layout

import msgspec

from cordwood.db.postgres import JSONB_VERSION, POSTGRES_EPOCH_US
from cordwood.errors import Refused
from cordwood.model.derive_many import derive_many
from cordwood.model.ledger import DAY_US
from cordwood.store.interface import Load
from cordwood.store.postgres.jsonb import escaped_text, storable
from cordwood.store.postgres.keeping import Entry
from cordwood.store.slices import HOUR_US

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# First what most rows have in common, so that it is packed once; the event last, so that all before it is one piece.
COLUMNS = ("tenant", "level", "service", "inserted_at", "id", "ts", "data")

_TIMESTAMP = Layout(">iq")
_ID_LENGTH = 16
# ordinal, the end of the id · ts · length of the jsonb · its version
_FROM_ORDINAL_TO_DATA = Layout(">Iiqi1s")
_COUNT = Layout(">h")
_LENGTH = Layout(">i")
_NULL = _LENGTH.pack(-1)


class Rows(Entry, frozen=True):
    """A load's rows in COPY form."""

    encoded: bytes
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
    events = zip(count_from(load.first + first), storable(lines, ndjson), derived, strict=False)
    dead = {letter.ordinal for letter in load.dead}
    kept = [event for event in events if event[0] not in dead] if dead else events
    tenant = _COUNT.pack(len(COLUMNS)) + _text(header.tenant)
    same = _TIMESTAMP.pack(8, now_us - POSTGRES_EPOCH_US) + _LENGTH.pack(_ID_LENGTH) + header.id.bytes[:12]
    beginnings: dict[tuple[str | None, str | None], bytes] = {}
    pack = _FROM_ORDINAL_TO_DATA.pack
    parts: list[bytes] = []
    times: list[int] = []
    for ordinal, line, (timestamp_us, level, service) in kept:
        beginning = beginnings.get((level, service))
        if beginning is None:
            beginning = beginnings[level, service] = tenant + _text(level) + _text(service) + same
        parts += (
            beginning,
            pack(ordinal, 8, timestamp_us - POSTGRES_EPOCH_US, len(line) + 1, JSONB_VERSION),
            line,
        )
        times.append(timestamp_us)
    if not times:
        return Rows(load, 0, None, None, b"", {}, frozenset())
    earliest, latest = min(times), max(times)
    return Rows(
        load,
        len(times),
        earliest,
        latest,
        b"".join(parts),
        _days(times, earliest // DAY_US, latest // DAY_US),
        _one_an_hour(times, earliest // HOUR_US, latest // HOUR_US),
    )


def _days(times: list[int], first: int, last: int) -> Mapping[int, int]:
    return {first: len(times)} if first == last else Counter(time // DAY_US for time in times)


def _one_an_hour(times: list[int], first: int, last: int) -> frozenset[int]:
    return frozenset(times[:1] if first == last else {time // HOUR_US: time for time in times}.values())


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = escaped_text(value).encode()
    return _LENGTH.pack(len(encoded)) + encoded
