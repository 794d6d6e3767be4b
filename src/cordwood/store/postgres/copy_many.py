"""Many events → rows in the binary COPY format, in compiled loops.

What `copy` does one by one is the definition; a property test holds the two together. Only lines that are unlike most
are looked at in Python.
"""

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cordwood.compiled import compiled, put_word, word_at
from cordwood.db.postgres import JSONB_VERSION, POSTGRES_EPOCH_US
from cordwood.errors import Refused
from cordwood.model.derive import Columns
from cordwood.model.derive_many import derive_many
from cordwood.model.event import LEVEL_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES
from cordwood.store.columns.derive_columns import derive_columns
from cordwood.store.columns.scanning import LONG_NUMBER
from cordwood.store.columns.shred import pick
from cordwood.store.columns.shredded import Picked
from cordwood.store.columns.stretches import PADDING, Bytes
from cordwood.store.interface import Load
from cordwood.store.postgres.copy_format import FROM_ORDINAL_TO_DATA, Beginnings, Encoded
from cordwood.store.postgres.jsonb import MAX_EXPONENT, MAX_NUMBER_LENGTH, places_to_escape, storable

Numbers = NDArray[np.int64]

_PATHS = frozenset((*TIMESTAMP_NAMES, *LEVEL_NAMES, *SERVICE_NAMES))
_BEFORE_DATA = FROM_ORDINAL_TO_DATA.size
_VERSION = np.uint64(JSONB_VERSION[0])
_EPOCH = POSTGRES_EPOCH_US

assert MAX_EXPONENT >= 100 and MAX_NUMBER_LENGTH >= LONG_NUMBER, "what jsonb cannot hold, the scan tells"


def encoded_together(load: Load, ndjson: bytes, first: int, beginnings: Beginnings) -> Encoded | None:
    """The rows of these lines, each ended by a newline, the first of which has this ordinal. None for what is not
    UTF-8. Raises Refused, msgspec.MsgspecError."""
    if not ndjson.isascii() and not _is_utf8(ndjson):
        return None
    lines = _Lines(ndjson)
    times, numbers = lines.derived(load.batch.header.received_at_us, beginnings)
    text, begins, ends = lines.storable()
    rows = np.arange(len(times))
    if load.dead:
        rows = rows[~np.isin(rows + first, [letter.ordinal for letter in load.dead])]
        times, numbers, begins, ends = times[rows], numbers[rows], begins[rows], ends[rows]
    shared = np.frombuffer(b"".join(beginnings.texts) + bytes(PADDING), np.uint8)
    sizes = np.array([len(each) for each in beginnings.texts], np.int64)
    stops = np.cumsum(sizes)
    size = int(np.sum(ends - begins) + np.sum(sizes[numbers]) + _BEFORE_DATA * len(rows))
    data = np.empty(size + PADDING, np.uint8)
    written = _put_rows(text, begins, ends, rows + first, times, numbers, shared, stops, data)
    assert written == size, "rows are as long as their parts"
    return Encoded(data.data[:size], times, numbers)


def _is_utf8(ndjson: bytes) -> bool:
    """Without making a str of it."""
    offsets = pa.py_buffer(np.array([0, len(ndjson)], np.int32))
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(ndjson)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


class _Lines:
    def __init__(self, ndjson: bytes) -> None:
        self._ndjson = ndjson
        self._picked: Picked = pick(ndjson, _PATHS)
        self._ends = self._picked.ends.astype(np.int64)
        self._begins = np.concatenate((np.zeros(1, np.int64), self._ends[:-1] + 1))

    def _those(self, rows: Numbers) -> list[bytes]:
        begins, ends = self._begins[rows].tolist(), self._ends[rows].tolist()
        return [self._ndjson[begin:end] for begin, end in zip(begins, ends, strict=True)]

    def derived(self, received_at_us: int, beginnings: Beginnings) -> tuple[Numbers, Numbers]:
        """Each line's timestamp, and the number of its beginning. Raises Refused, msgspec.MsgspecError."""

        def exactly(those: Numbers, places: Numbers) -> list[Columns]:
            rows = those[places]
            known = derive_many(b"".join(line + b"\n" for line in self._those(rows)), received_at_us)
            if len(known) != len(rows):
                raise Refused(f"{len(rows)} lines hold {len(known)} JSON objects")
            return known

        times, numbers = np.empty(len(self._ends), np.int64), np.empty(len(self._ends), np.int64)
        for part in self._picked.parts:
            received = np.full(len(part.rows), received_at_us, np.int64)
            derived = derive_columns(part.columns, received, partial(exactly, part.rows))
            times[part.rows] = derived.timestamps
            numbers[part.rows] = _numbers(derived.levels, derived.services, beginnings)
        rest = self._picked.rest
        known = exactly(rest, np.arange(len(rest)))
        times[rest] = [each[0] for each in known]
        numbers[rest] = [beginnings.number_of(level, service) for _, level, service in known]
        return times, numbers

    def storable(self) -> tuple[Bytes, Numbers, Numbers]:
        """A text with PADDING, and where in it each line begins and ends in a form that JSONB can hold."""
        picked = self._picked
        is_odd = picked.may_have_large.copy()
        is_odd[np.searchsorted(self._ends, places_to_escape(self._ndjson))] = True
        odd = np.flatnonzero(is_odd)
        before = self._those(odd)
        after = storable(before, b"\n".join(before))
        changed = [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        if not changed:
            return picked.text, self._begins, self._ends
        # Behind all others: what is padding there is overwritten.
        texts = [after[place] for place in changed]
        rows = odd[changed]
        stops = np.cumsum([len(text) for text in texts]) + len(self._ndjson)
        begins, ends = self._begins.copy(), self._ends.copy()
        begins[rows] = np.concatenate(([len(self._ndjson)], stops[:-1]))
        ends[rows] = stops
        return np.frombuffer(b"".join((self._ndjson, *texts, bytes(PADDING))), np.uint8), begins, ends


def _numbers(levels: pa.Array, services: pa.Array, beginnings: Beginnings) -> Numbers:
    """The number of the beginning that each of these pairs has."""
    level_places, level_texts = _places(levels)
    service_places, service_texts = _places(services)
    pairs = level_places * len(service_texts) + service_places
    is_present = np.zeros(len(level_texts) * len(service_texts), np.bool_)
    is_present[pairs] = True
    numbers = np.zeros(len(is_present), np.int64)
    present = np.flatnonzero(is_present)
    numbers[present] = [beginnings.number_of(*_pair(each, level_texts, service_texts)) for each in present.tolist()]
    found: Numbers = numbers[pairs]
    return found


def _pair(number: int, levels: list[str | None], services: list[str | None]) -> tuple[str | None, str | None]:
    return levels[number // len(services)], services[number % len(services)]


def _places(values: pa.Array) -> tuple[Numbers, list[str | None]]:
    """Values as places in a list of each once, and None."""
    if not pa.types.is_dictionary(values.type):
        values = pc.dictionary_encode(values)
    texts: list[str | None] = values.dictionary.to_pylist()
    places: NDArray[np.int32] = pc.fill_null(values.indices, len(texts)).to_numpy(zero_copy_only=False)
    return places.astype(np.int64), [*texts, None]


@compiled
def _big_endian(word: np.uint64) -> np.uint64:
    """The word that is stored as this one's bytes, highest first."""
    for shift, mask in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF)):
        low = np.uint64(mask)
        bits = np.uint64(shift)
        word = (word >> bits) & low | (word & low) << bits
    return word >> np.uint64(32) | word << np.uint64(32)


@compiled
def _put(source: Bytes, begin: int, end: int, target: Bytes, at: int) -> int:
    """Copy a stretch, and up to 7 bytes more. Gives where it ends."""
    for place in range(begin, end, 8):
        put_word(target, at + place - begin, word_at(source, place))
    return at + end - begin


@compiled
def _put_rows(
    text: Bytes,
    begins: Numbers,
    ends: Numbers,
    ordinals: Numbers,
    times: Numbers,
    numbers: Numbers,
    shared: Bytes,
    shared_ends: Numbers,
    data: Bytes,
) -> int:
    """Write a row for each line: its beginning, which is number `numbers[n]` of `shared`; what `FROM_ORDINAL_TO_DATA`
    says; `text[begins[n]:ends[n]]`. All three texts go on for PADDING bytes. Gives the size."""
    at = 0
    for row in range(len(begins)):
        number = numbers[row]
        at = _put(shared, shared_ends[number - 1] if number else 0, shared_ends[number], data, at)
        length = np.uint64(ends[row] - begins[row] + 1)
        put_word(data, at, _big_endian(np.uint64(ordinals[row]) << np.uint64(32) | np.uint64(8)))
        put_word(data, at + 8, _big_endian(np.uint64(times[row] - _EPOCH)))
        put_word(data, at + 16, _big_endian(length << np.uint64(32) | _VERSION << np.uint64(24)))
        at = _put(text, begins[row], ends[row], data, at + _BEFORE_DATA)
    return at
