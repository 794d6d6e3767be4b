"""Loads → rows in the binary COPY format."""

from collections.abc import Mapping
from itertools import count as count_from

import msgspec
import numpy as np
from numpy.typing import NDArray

from cordwood.db.postgres import JSONB_VERSION, POSTGRES_EPOCH_US
from cordwood.errors import Refused
from cordwood.model.derive_many import derive_many
from cordwood.model.ledger import DAY_US
from cordwood.store.interface import Load
from cordwood.store.postgres.copy_format import FROM_ORDINAL_TO_DATA, Beginnings, Encoded
from cordwood.store.postgres.jsonb import storable
from cordwood.store.postgres.keeping import Entry
from cordwood.store.postgres.rolling import Entries, entries_of
from cordwood.store.slices import HOUR_US

FEW_EVENTS = 2000
"""Fewer than this go one by one: at 1,000, both ways take as long."""
_MOST_BYTES = 1 << 30
"""The compiled loops number bytes with 32 bits."""


class Rows(Entry, frozen=True):
    """A load's rows in COPY form."""

    encoded: memoryview
    days: Mapping[int, int]
    """How many rows have a timestamp of each day, counted since 1970."""
    timestamps: frozenset[int]
    """One timestamp of every hour that the rows touch."""
    entries: Entries | None
    """What they add to the rollups; None: nothing, these are left to be counted later."""


def rows_of(load: Load, now_us: int, *, first: int = 0, count: int | None = None) -> Rows:
    """Encode a load, or `count` of its events from ordinal `first`. CPU-heavy: call it in a thread.

    Raises Refused for what is no JSON object on a line of its own.
    """
    ndjson = load.ndjson
    if count is not None:
        ndjson = b"".join(line + b"\n" for line in ndjson.split(b"\n")[:-1][first : first + count])
    events = load.batch.header.events if count is None else count
    beginnings = Beginnings(load.batch.header, now_us)
    encoded: Encoded | None = None
    try:
        if events >= FEW_EVENTS and len(ndjson) <= _MOST_BYTES and ndjson.endswith(b"\n"):
            # Here, for what it loads takes 150 MB, and a worker that only has small batches never needs it.
            from cordwood.store.postgres.copy_many import encoded_together

            encoded = encoded_together(load, ndjson, load.first + first, beginnings)
        if encoded is None:
            encoded = _one_by_one(load, ndjson, load.first + first, beginnings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"an event is no JSON object: {error}") from error
    times = encoded.times
    if not len(times):
        return Rows(load, 0, None, None, encoded.data, {}, frozenset(), {})
    return Rows(
        load,
        len(times),
        int(times.min()),
        int(times.max()),
        encoded.data,
        _days(times),
        _one_an_hour(times),
        entries_of(times, encoded.numbers, beginnings.pairs),
    )


def _one_by_one(load: Load, ndjson: bytes, first: int, beginnings: Beginnings) -> Encoded:
    """The rows of these lines, the first of which has this ordinal. Raises Refused, msgspec.MsgspecError."""
    lines = ndjson.split(b"\n")
    del lines[-1]
    derived = derive_many(ndjson, load.batch.header.received_at_us)
    if len(derived) != len(lines):
        raise Refused(f"{len(lines)} lines hold {len(derived)} JSON objects")
    events = zip(count_from(first), storable(lines, ndjson), derived, strict=False)
    dead = {letter.ordinal for letter in load.dead}
    pack = FROM_ORDINAL_TO_DATA.pack
    parts: list[bytes] = []
    times: list[int] = []
    numbers: list[int] = []
    for ordinal, line, (timestamp_us, level, service) in events:
        if ordinal in dead:
            continue
        number = beginnings.number_of(level, service)
        parts += (
            beginnings.texts[number],
            pack(ordinal, 8, timestamp_us - POSTGRES_EPOCH_US, len(line) + 1, JSONB_VERSION),
            line,
        )
        times.append(timestamp_us)
        numbers.append(number)
    return Encoded(memoryview(b"".join(parts)), np.array(times, np.int64), np.array(numbers, np.int64))


def _days(times: NDArray[np.int64]) -> Mapping[int, int]:
    first, last = int(times.min()) // DAY_US, int(times.max()) // DAY_US
    if first == last:
        return {first: len(times)}
    days, counts = np.unique(times // DAY_US, return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))


def _one_an_hour(times: NDArray[np.int64]) -> frozenset[int]:
    if int(times.min()) // HOUR_US == int(times.max()) // HOUR_US:
        return frozenset(times[:1].tolist())
    _, places = np.unique(times // HOUR_US, return_index=True)
    return frozenset(times[places].tolist())
