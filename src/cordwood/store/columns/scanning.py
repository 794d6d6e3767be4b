"""JSON lines → where their values are, and which lines are made alike: one compiled pass over the bytes.

Escapes have to be masked (`masking`), so that every quotation mark begins or ends a text. A line is *regular* when it
is a JSON object (RFC 8259) without escapes that have no mask; nothing is said of the others. Objects are looked into;
an array is one value.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.model.json_tokens import (
    BLANK,
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    NEWLINE,
    NINE,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    RETURN,
    SCIENTIFIC,
    TAB,
    ZERO,
    scalar_end,
    text_end,
)
from cordwood.store.columns.stretches import PADDING, Bytes, are_equal, hash_of

Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]

TEXT, ARRAY = 6, 7
"""Kinds of values, beside those of `json_tokens`."""
KINDS = 8
LONG_NUMBER = 1000
"""Characters of a number beyond which it is told that a line has such a one."""
LEAST_VALUE_BYTES = 4
"""A line has fewer values than a quarter of its bytes: each has a key, in quotation marks."""

_BEGIN, _VALUE, _ITEM_OR_END, _KEY_OR_END, _KEY, _BETWEEN, _AFTER, _BAD = range(8)
_DEEPEST = 60


@compiled
def newlines(text: Bytes) -> int:
    """How many there are."""
    count = 0
    for byte in text:
        count += byte == NEWLINE
    return count


@compiled
def _has_long_exponent(text: Bytes, end: int) -> bool:
    """Whether the exponent that ends here has three digits; it has one, and two characters are before that."""
    return bool(ZERO <= text[end - 2] <= NINE and ZERO <= text[end - 3] <= NINE)


@compiled
def scan(
    text: Bytes,
    has_masks: bool,
    line_ends: Places,
    firsts: Places,
    hashes: Hashes,
    has_large: Flags,
    begins: Places,
    ends: Places,
    kinds: Bytes,
) -> int:
    """Take lines apart, each ended by a newline; `text` goes on for PADDING bytes behind the last.

    Of line n: its newline is at `line_ends[n]`; its values, in order, are those from `firsts[n]` up to `firsts[n + 1]`:
    `text[begins[v]:ends[v]]` with quotation marks, of `kinds[v]`; `hashes[n]` tells what is around the values from
    what others have there, and is 0 when the line is not regular (its values mean nothing then); `has_large[n]` tells
    whether a number of the line, in an array or not, has an exponent of three digits or more, or more than LONG_NUMBER
    characters. Gives the number of values. The arrays have room for every line, and for `len(text) / LEAST_VALUE_BYTES`
    values.
    """
    size = len(text) - PADDING
    value = 0
    line = 0
    at = 0
    while at < size:
        firsts[line] = value
        has_large[line] = False
        hash_ = np.uint64(0)
        state = _BEGIN
        depth = 0
        outermost = 0  # the depth of the array that is one value, or 0
        begin = 0
        around = at
        objects = np.uint64(0)  # a bit for each depth: an object, not an array
        while True:
            byte = text[at]
            start = at
            if byte == NEWLINE:
                break
            if byte in (BLANK, TAB, RETURN):
                at += 1
            elif state in (_KEY, _KEY_OR_END) and byte == QUOTE:
                # What is around values has no masks in it: a key with an escape is irregular, but within an array.
                at = text_end(text, at + 1, has_masks and outermost > 0)
                if text[at] != QUOTE:
                    state = _BAD
                    break
                at += 1
                state = _BETWEEN
                if text[at] == COLON:
                    at += 1
                    state = _VALUE
            elif state == _BETWEEN and byte == COLON:
                at += 1
                state = _VALUE
            elif state == _AFTER and byte == COMMA and depth > 0:
                at += 1
                state = _KEY if (objects >> np.uint64(depth)) & np.uint64(1) != np.uint64(0) else _VALUE
            elif byte == OPEN_OBJECT and state in (_BEGIN, _VALUE, _ITEM_OR_END) and depth < _DEEPEST:
                at += 1
                depth += 1
                objects |= np.uint64(1) << np.uint64(depth)
                state = _KEY_OR_END
            elif (
                byte == CLOSE_OBJECT
                and state in (_AFTER, _KEY_OR_END)
                and (objects >> np.uint64(depth)) & np.uint64(1) != np.uint64(0)
            ):
                at += 1
                objects &= ~(np.uint64(1) << np.uint64(depth))
                depth -= 1
                state = _AFTER
            elif byte == OPEN_ARRAY and state in (_VALUE, _ITEM_OR_END) and depth < _DEEPEST:
                at += 1
                depth += 1
                state = _ITEM_OR_END
                if not outermost:
                    outermost, begin = depth, start
            elif (
                byte == CLOSE_ARRAY
                and state in (_AFTER, _ITEM_OR_END)
                and depth > 0
                and (objects >> np.uint64(depth)) & np.uint64(1) == np.uint64(0)
            ):
                at += 1
                state = _AFTER
                depth -= 1
                if depth < outermost:
                    outermost = 0
                    hash_ = hash_of(hash_, text, around, begin)
                    begins[value], ends[value], kinds[value] = begin, at, ARRAY
                    value += 1
                    around = at
            elif state in (_VALUE, _ITEM_OR_END):
                if byte == QUOTE:
                    at, kind = text_end(text, at + 1, has_masks), TEXT
                    at = at + 1 if text[at] == QUOTE else 0
                else:
                    at, kind = scalar_end(text, at)
                    if at - start > LONG_NUMBER or (kind == SCIENTIFIC and _has_long_exponent(text, at)):
                        has_large[line] = True
                if not at:
                    at = start
                    state = _BAD
                    break
                state = _AFTER
                if not outermost:
                    hash_ = hash_of(hash_, text, around, start)
                    begins[value], ends[value], kinds[value] = start, at, kind
                    value += 1
                    around = at
            else:
                state = _BAD
                break
        if state == _AFTER and depth == 0:
            hashes[line] = hash_of(hash_, text, around, at) | np.uint64(1)
        else:
            hashes[line] = 0
        while text[at] != NEWLINE:
            at += 1
        line_ends[line] = at
        at += 1
        line += 1
    firsts[line] = value
    return value


@compiled
def grouped(hashes: Hashes, groups: Places, table: Places) -> int:
    """Number hashes in the order in which they first occur: `groups[n]` is the number of `hashes[n]`, or -1 for 0.

    `table` has more places than twice the hashes, and a power of two of them. Gives how many numbers there are.
    """
    mask = np.uint64(len(table) - 1)
    table[:] = -1
    count = 0
    for row in range(len(hashes)):
        hash_ = hashes[row]
        if hash_ == np.uint64(0):
            groups[row] = -1
            continue
        place = (hash_ ^ (hash_ >> np.uint64(32))) & mask
        while table[place] >= 0 and hashes[table[place]] != hash_:
            place = (place + np.uint64(1)) & mask
        if table[place] < 0:
            table[place] = row
            groups[row] = count
            count += 1
        else:
            groups[row] = groups[table[place]]
    return count


@compiled
def alike(
    text: Bytes, line_ends: Places, rows: Places, firsts: Places, begins: Places, ends: Places, same: Flags
) -> int:
    """Compare what is around the values of these lines with the first one's, byte for byte; `same` gets the outcome.

    Gives the number of lines that differ.
    """
    model = rows[0]
    model_first = firsts[model]
    values = firsts[model + 1] - model_first
    model_start = line_ends[model - 1] + 1 if model else 0
    differing = 0
    for place in range(len(rows)):
        row = rows[place]
        first = firsts[row]
        at = line_ends[row - 1] + 1 if row else 0
        like = model_start
        is_same = firsts[row + 1] - first == values
        number = 0
        while is_same and number < values:
            size = begins[first + number] - at
            is_same = size == begins[model_first + number] - like and are_equal(text, at, like, size)
            at, like = ends[first + number], ends[model_first + number]
            number += 1
        if is_same:
            size = line_ends[row] - at
            is_same = size == line_ends[model] - like and are_equal(text, at, like, size)
        same[place] = is_same
        differing += not is_same
    return differing


@compiled
def tally(rows: Places, firsts: Places, kinds: Bytes, values: Places, counts: Places) -> None:
    """Count kinds: `counts[n * KINDS + kind]` for value `values[n]` of each of these lines."""
    counts[:] = 0
    for place in range(len(rows)):
        first = firsts[rows[place]]
        for number in range(len(values)):
            counts[number * KINDS + kinds[first + values[number]]] += 1


@compiled
def find_newlines(text: Bytes, places: Places) -> None:
    """Where they are: `places` has room for all."""
    found = 0
    for at in range(len(text)):
        if text[at] == NEWLINE:
            places[found] = at
            found += 1
