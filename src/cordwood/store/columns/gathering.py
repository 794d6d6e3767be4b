"""Where values are in lines → columns of them, in compiled loops."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.compiled import compiled, put_word, word_at
from cordwood.model.json_tokens import BROKEN, NULL, TRUE, WHOLE
from cordwood.store.columns.dictionaries import dictionary_of
from cordwood.store.columns.scanning import TEXT, Flags, Places
from cordwood.store.columns.stretches import PADDING, Bytes, are_equal, hash_of

_MINUS, _POINT, _ZERO = 45, 46, 48
_MOST_WHOLE = np.uint64((1 << 63) - 1)
_MOST_DIGITS = 15
"""A decimal number with as many digits comes back from a double as it was, and is the double of its digits divided by
a power of ten (Clinger 1990)."""
_MOST_DISTINCT = 1 << 15
_AT_LEAST_SEEN = 32
_POWERS = np.array([10.0**power for power in range(_MOST_DIGITS + 1)])


def texts_of(body: Bytes, at: Places, begins: Places, ends: Places, kinds: Bytes) -> pa.Array:
    """The values at these places, as texts, without quotation marks; null where they are."""
    offsets = np.empty(len(at) + 1, np.int32)
    nulls = _measured(at, begins, ends, kinds, offsets)
    data = np.empty(offsets[-1] + PADDING, np.uint8)
    _copied(body, at, begins, offsets, kinds, data)
    validity = None
    if nulls:
        validity = pa.py_buffer(np.packbits(kinds[at] != NULL, bitorder="little"))
    return pa.StringArray.from_buffers(len(at), pa.py_buffer(offsets), pa.py_buffer(data), validity, nulls)


def repeated_of(body: Bytes, at: Places, begins: Places, ends: Places, kinds: Bytes) -> pa.DictionaryArray | None:
    """The same texts, each kept once; None when they hardly repeat. None of them is null."""
    indices = np.empty(len(at), np.int32)
    distinct = np.empty(min(len(at), _MOST_DISTINCT), np.int32)
    table = np.empty(2 << len(distinct).bit_length(), np.int32)
    count = _told_apart(body, at, begins, ends, indices, distinct, table)
    if count < 0:
        return None
    return dictionary_of(indices, texts_of(body, distinct[:count], begins, ends, kinds))


def wholes_of(
    body: Bytes, at: Places, begins: Places, ends: Places, kinds: Bytes
) -> tuple[NDArray[np.int64], Flags | None]:
    """The whole numbers at these places, and which do not fit 64 bits, as -0 does not; None when all do."""
    numbers = np.empty(len(at), np.int64)
    is_odd = np.empty(len(at), np.bool_)
    odd = _whole(body, at, begins, ends, kinds, numbers, is_odd)
    return numbers, is_odd if odd else None


def doubles_of(
    body: Bytes, at: Places, begins: Places, ends: Places, kinds: Bytes
) -> tuple[NDArray[np.float64], Flags | None]:
    """The numbers at these places, and of which that is left to others to say; None when of none."""
    numbers = np.empty(len(at), np.float64)
    is_open = np.empty(len(at), np.bool_)
    opened = _double(body, at, begins, ends, kinds, _POWERS, numbers, is_open)
    return numbers, is_open if opened else None


def truths_of(at: Places, kinds: Bytes) -> pa.Array:
    """True, false and null at these places."""
    found = kinds[at]
    return pa.array(found == TRUE, pa.bool_(), mask=found == NULL)


@compiled
def _measured(at: Places, begins: Places, ends: Places, kinds: Bytes, offsets: Places) -> int:
    size = 0
    nulls = 0
    offsets[0] = 0
    for place in range(len(at)):
        value = at[place]
        if kinds[value] == NULL:
            nulls += 1
        elif kinds[value] == TEXT:
            size += ends[value] - begins[value] - 2
        else:
            size += ends[value] - begins[value]
        offsets[place + 1] = size
    return nulls


@compiled
def _copied(body: Bytes, at: Places, begins: Places, offsets: Places, kinds: Bytes, data: Bytes) -> None:
    for place in range(len(at)):
        value = at[place]
        source = begins[value] + (kinds[value] == TEXT) - offsets[place]
        # Eight bytes at once: what is too much is overwritten by the next text.
        for target in range(offsets[place], offsets[place + 1], 8):
            put_word(data, target, word_at(body, source + target))


@compiled
def _told_apart(
    body: Bytes, at: Places, begins: Places, ends: Places, indices: Places, distinct: Places, table: Places
) -> int:
    """Number texts in the order in which they first occur: `distinct[n]` is a place of number n. Gives how many there
    are, or -1 as soon as that is more than half of those seen."""
    mask = np.uint64(len(table) - 1)
    table[:] = -1
    count = 0
    for place in range(len(at)):
        begin, end = begins[at[place]], ends[at[place]]
        slot = hash_of(np.uint64(0), body, begin, end) & mask
        while table[slot] >= 0:
            known = distinct[table[slot]]
            if ends[known] - begins[known] == end - begin and are_equal(body, begin, begins[known], end - begin):
                break
            slot = (slot + np.uint64(1)) & mask
        if table[slot] < 0:
            if count == len(distinct) or count > _AT_LEAST_SEEN + place // 2:
                return -1
            distinct[count] = at[place]
            table[slot] = count
            count += 1
        indices[place] = table[slot]
    return count


@compiled
def _whole(
    body: Bytes, at: Places, begins: Places, ends: Places, kinds: Bytes, numbers: NDArray[np.int64], is_odd: Flags
) -> int:
    odd = 0
    for place in range(len(at)):
        value = at[place]
        is_odd[place] = False
        numbers[place] = 0
        if kinds[value] != WHOLE:
            continue
        start = begins[value]
        is_negative = body[start] == _MINUS
        start += is_negative
        if ends[value] - start > 19:
            is_odd[place] = True
            odd += 1
            continue
        number = np.uint64(0)
        for digit in range(start, ends[value]):
            number = number * np.uint64(10) + np.uint64(body[digit] - _ZERO)
        if number > _MOST_WHOLE + np.uint64(is_negative) or (is_negative and number == np.uint64(0)):
            is_odd[place] = True
            odd += 1
        elif is_negative:
            numbers[place] = -np.int64(number)
        else:
            numbers[place] = np.int64(number)
    return odd


@compiled
def _double(
    body: Bytes,
    at: Places,
    begins: Places,
    ends: Places,
    kinds: Bytes,
    powers: NDArray[np.float64],
    numbers: NDArray[np.float64],
    is_open: Flags,
) -> int:
    opened = 0
    for place in range(len(at)):
        value = at[place]
        is_open[place] = False
        numbers[place] = 0.0
        if kinds[value] == NULL:
            continue
        start, end = begins[value], ends[value]
        is_negative = body[start] == _MINUS
        start += is_negative
        if (kinds[value] != WHOLE and kinds[value] != BROKEN) or end - start > _MOST_DIGITS + (kinds[value] == BROKEN):
            is_open[place] = True
            opened += 1
            continue
        mantissa = np.int64(0)
        behind = 0
        point = end
        for digit in range(start, end):
            if body[digit] == _POINT:
                point = digit
            else:
                mantissa = mantissa * np.int64(10) + np.int64(body[digit] - _ZERO)
                behind += digit > point
        number = np.float64(mantissa) / powers[behind]
        numbers[place] = -number if is_negative else number
    return opened
