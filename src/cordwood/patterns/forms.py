"""Many messages → their distinct masked forms: the one pass over all bytes. What follows sees each form once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.patterns.hashing import PADDING, are_equal, hash_of
from cordwood.patterns.looks import Bytes
from cordwood.patterns.masking import ROOM, Spans, mask

Numbers = NDArray[np.int32]
Places = NDArray[np.int64]

NOT_COUNTED = -1
"""The number of a message that is null."""
TOO_MANY = -2
"""The number of a message whose form came when there were as many as are kept."""
_FORM_BYTES = 120  # what a form has on average, as far as room is concerned


@dataclass(frozen=True, slots=True)
class Forms:
    """Distinct forms, in the order in which they first occur."""

    texts: list[str]
    numbers: Numbers
    """For each message, its form: a place in `texts`, NOT_COUNTED or TOO_MANY."""


def forms_of(messages: pa.Array | pa.ChunkedArray, most: int, longest: int, stops: bool = False) -> Forms:
    """The forms of messages (string, large_string or a dictionary of them), at most so many, each about so long.

    When there is no more room, it `stops`: all that follow are TOO_MANY; or it still tells of forms that it has.
    """
    column = _plain(messages)
    count = len(column)
    numbers = np.full(count, NOT_COUNTED, np.int32)
    if count == column.null_count:
        return Forms([], numbers)
    _, places, data = column.buffers()
    offsets = np.frombuffer(places, np.int64)[column.offset : column.offset + count + 1]
    text = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    is_counted = np.ones(count, np.bool_) if not column.null_count else column.is_valid().to_numpy(False)
    most = min(most, count)
    kept = np.empty(most * _FORM_BYTES + 2 * (longest + ROOM) + PADDING, np.uint8)
    ends = np.zeros(most + 1, np.int64)
    table = np.full(1 << int(4 * most).bit_length(), -1, np.int32)
    hashes = np.empty(most, np.uint64)
    spans, tokens = spans_for(longest)
    found = _gather(text, offsets, is_counted, longest, numbers, kept, ends, hashes, table, spans, tokens, stops)
    whole = kept.tobytes()
    return Forms([whole[ends[n] : ends[n + 1]].decode(errors="replace") for n in range(found)], numbers)


def spans_for(longest: int) -> tuple[Spans, Spans]:
    """Room for the masks and the tokens of a form."""
    rows = longest + ROOM
    return np.empty((rows, 3), np.int32), np.empty((rows, 2), np.int32)


def _plain(messages: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    if isinstance(messages, pa.ChunkedArray):
        messages = messages.combine_chunks()
        if isinstance(messages, pa.ChunkedArray):  # there were no chunks
            messages = pa.array([], messages.type)
    return messages.cast(pa.large_string())


@compiled
def _gather(
    text: Bytes,
    offsets: Places,
    is_counted: NDArray[np.bool_],
    longest: int,
    numbers: Numbers,
    kept: Bytes,
    ends: Places,
    hashes: NDArray[np.uint64],
    table: Numbers,
    spans: Spans,
    tokens: Spans,
    stops: bool,
) -> int:
    """Each form is written behind those that are kept, and stays there if it is new. Gives how many there are."""
    places = np.uint64(len(table) - 1)
    count = 0
    for row in range(len(numbers)):
        if not is_counted[row]:
            continue
        start = ends[count]
        size, _ = mask(text, offsets[row], offsets[row + 1], longest, kept[start:], spans, tokens)
        hash_ = hash_of(kept, start, start + size)
        place = (hash_ ^ (hash_ >> np.uint64(32))) & places
        while True:
            known = table[place]
            if known < 0:
                break
            is_as_long = hashes[known] == hash_ and ends[known + 1] - ends[known] == size
            if is_as_long and are_equal(kept, ends[known], kept, start, size):
                break
            place = (place + np.uint64(1)) & places
        if known < 0:
            if count == len(hashes) or start + size + longest + ROOM + PADDING > len(kept):
                if stops:
                    numbers[row:] = TOO_MANY
                    break
                numbers[row] = TOO_MANY
                continue
            known = count
            table[place] = known
            hashes[known] = hash_
            count += 1
            ends[count] = start + size
        numbers[row] = known
    return count
