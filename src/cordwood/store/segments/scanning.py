"""JSON lines → where their values are, and which lines are made alike: one compiled pass over the bytes.

Escapes have to be masked (`masking`), so that every quotation mark begins or ends a text. A line is *regular* when it
is a JSON object (RFC 8259) without escapes that have no mask; nothing is said of the others. Objects are looked into;
an array is one value.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled, low_zeros, word_at
from cordwood.store.segments.masking import MASKS_END

Bytes = NDArray[np.uint8]
Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]

TEXT, WHOLE, BROKEN, SCIENTIFIC, TRUE, FALSE, NULL, ARRAY = range(8)
"""Kinds of values; a broken number has a point, a scientific one an exponent."""
KINDS = 8
PADDING = 8
"""Bytes of nothing behind the last line: a literal is looked for also where it would reach beyond."""
LEAST_VALUE_BYTES = 4
"""A line has fewer values than a quarter of its bytes: each has a key, in quotation marks."""

_TAB, _NEWLINE, _RETURN, _BLANK = 9, 10, 13, 32
_QUOTE, _COMMA, _MINUS, _PLUS, _POINT, _ZERO, _NINE, _COLON = 34, 44, 45, 43, 46, 48, 57, 58
_OPEN_ARRAY, _BACKSLASH, _CLOSE_ARRAY, _OPEN_OBJECT, _CLOSE_OBJECT = 91, 92, 93, 123, 125
_LARGE_E, _A, _E, _F, _L, _N, _R, _S, _T, _U = 69, 97, 101, 102, 108, 110, 114, 115, 116, 117
_BEGIN, _VALUE, _ITEM_OR_END, _KEY_OR_END, _KEY, _BETWEEN, _AFTER, _BAD = range(8)
_DEEPEST = 60
_SEED, _PRIME, _MARK = np.uint64(0xCBF29CE484222325), np.uint64(0x9E3779B97F4A7C15), np.uint64(0x1FF)
_HALF = np.uint64(32)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKSLASHES, _BLANKS = _ONES * np.uint64(_QUOTE), _ONES * np.uint64(_BACKSLASH), _ONES * np.uint64(_BLANK)
_MASKS_END = MASKS_END


@compiled
def newlines(text: Bytes) -> int:
    """How many there are."""
    count = 0
    for byte in text:
        count += byte == _NEWLINE
    return count


@compiled
def scan(
    text: Bytes,
    has_masks: bool,
    line_ends: Places,
    firsts: Places,
    hashes: Hashes,
    begins: Places,
    ends: Places,
    kinds: Bytes,
) -> int:
    """Take lines apart, each ended by a newline; `text` goes on for PADDING bytes behind the last.

    Of line n: its newline is at `line_ends[n]`; its values, in order, are those from `firsts[n]` up to `firsts[n + 1]`:
    `text[begins[v]:ends[v]]` with quotation marks, of `kinds[v]`; `hashes[n]` tells what is around the values from
    what others have there, and is 0 when the line is not regular (its values mean nothing then). Gives the number of
    values. The arrays have room for every line, and for `len(text) / LEAST_VALUE_BYTES` values.
    """
    size = len(text) - PADDING
    value = 0
    line = 0
    at = 0
    while at < size:
        firsts[line] = value
        hash_ = _SEED
        state = _BEGIN
        depth = 0
        outermost = 0  # the depth of the array that is one value, or 0
        begin = 0
        objects = np.uint64(0)  # a bit for each depth: an object, not an array
        while True:
            byte = text[at]
            if byte == _NEWLINE:
                break
            if byte == _QUOTE and state != _BETWEEN and state != _AFTER and state != _BEGIN:
                start = at
                at += 1
                byte = text[at]
                is_key = state in (_KEY, _KEY_OR_END)
                while True:
                    # Eight bytes at once: the lowest quotation mark, backslash or control character, if there is one.
                    word = word_at(text, at)
                    quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
                    found = (quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes | (word - _BLANKS) & ~word
                    found &= _HIGHS
                    if found == np.uint64(0):
                        at += 8
                        continue
                    at += low_zeros(found) >> 3
                    byte = text[at]
                    if not (has_masks and 0 < byte < _MASKS_END):
                        break
                    # What is around values has no masks in it.
                    if is_key and not outermost:
                        break
                    at += 1
                if byte != _QUOTE:
                    state = _BAD
                    break
                at += 1
                if is_key:
                    if not outermost:
                        for place in range(start, at, 8):
                            word = word_at(text, place)
                            if at - place < 8:
                                word <<= np.uint64(64 - 8 * (at - place))
                            hash_ = (hash_ ^ word) * _PRIME
                            hash_ ^= hash_ >> _HALF
                    state = _BETWEEN
                    continue
                if not outermost:
                    begins[value], ends[value], kinds[value] = start, at, TEXT
                    value += 1
                    hash_ = (hash_ ^ _MARK) * _PRIME
                state = _AFTER
                continue
            if byte in (_BLANK, _TAB, _RETURN):
                if not outermost:
                    hash_ = (hash_ ^ np.uint64(byte)) * _PRIME
                at += 1
                continue
            if state == _BETWEEN:
                if byte != _COLON:
                    state = _BAD
                    break
                at += 1
                state = _VALUE
                continue
            if state == _AFTER:
                if depth == 0:
                    state = _BAD
                    break
                is_object = (objects >> np.uint64(depth)) & np.uint64(1) != np.uint64(0)
                if byte == _COMMA:
                    state = _KEY if is_object else _VALUE
                    if not outermost:
                        hash_ = (hash_ ^ np.uint64(byte)) * _PRIME
                    at += 1
                    continue
            else:
                is_object = state == _KEY_OR_END
            if (state in (_AFTER, _KEY_OR_END)) and is_object and byte == _CLOSE_OBJECT:
                if not outermost:
                    hash_ = (hash_ ^ np.uint64(byte)) * _PRIME
                depth -= 1
                at += 1
                state = _AFTER
                continue
            if (state in (_AFTER, _ITEM_OR_END)) and not is_object and byte == _CLOSE_ARRAY:
                at += 1
                if depth == outermost:
                    begins[value], ends[value], kinds[value] = begin, at, ARRAY
                    value += 1
                    hash_ = (hash_ ^ _MARK) * _PRIME
                    outermost = 0
                depth -= 1
                state = _AFTER
                continue
            if (state == _BEGIN and byte != _OPEN_OBJECT) or state in (_AFTER, _KEY, _KEY_OR_END):
                state = _BAD
                break
            # A value begins.
            if byte in (_OPEN_OBJECT, _OPEN_ARRAY):
                depth += 1
                if depth > _DEEPEST:
                    state = _BAD
                    break
                bit = np.uint64(1) << np.uint64(depth)
                if byte == _OPEN_OBJECT:
                    objects |= bit
                    state = _KEY_OR_END
                    if not outermost:
                        hash_ = (hash_ ^ np.uint64(byte)) * _PRIME
                else:
                    objects &= ~bit
                    state = _ITEM_OR_END
                    if not outermost:
                        outermost = depth
                        begin = at
                at += 1
                continue
            start = at
            if byte == _MINUS or _ZERO <= byte <= _NINE:
                kind = WHOLE
                if byte == _MINUS:
                    at += 1
                if text[at] == _ZERO:
                    at += 1
                elif _ZERO < text[at] <= _NINE:
                    while _ZERO <= text[at] <= _NINE:
                        at += 1
                else:
                    state = _BAD
                    break
                if text[at] == _POINT:
                    kind = BROKEN
                    at += 1
                    digits = at
                    while _ZERO <= text[at] <= _NINE:
                        at += 1
                    if at == digits:
                        state = _BAD
                        break
                if text[at] == _E or text[at] == _LARGE_E:
                    kind = SCIENTIFIC
                    at += 1
                    if text[at] == _PLUS or text[at] == _MINUS:
                        at += 1
                    digits = at
                    while _ZERO <= text[at] <= _NINE:
                        at += 1
                    if at == digits:
                        state = _BAD
                        break
            elif byte == _T and text[at + 1] == _R and text[at + 2] == _U and text[at + 3] == _E:
                kind = TRUE
                at += 4
            elif byte == _N and text[at + 1] == _U and text[at + 2] == _L and text[at + 3] == _L:
                kind = NULL
                at += 4
            elif byte == _F and text[at + 1] == _A and text[at + 2] == _L and text[at + 3] == _S and text[at + 4] == _E:
                kind = FALSE
                at += 5
            else:
                state = _BAD
                break
            if not outermost:
                begins[value], ends[value], kinds[value] = start, at, kind
                value += 1
                hash_ = (hash_ ^ _MARK) * _PRIME
            state = _AFTER
        hashes[line] = (hash_ | np.uint64(1)) if state == _AFTER and depth == 0 else np.uint64(0)
        while text[at] != _NEWLINE:
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
    values = firsts[model + 1] - firsts[model]
    model_start = line_ends[model - 1] + 1 if model else 0
    differing = 0
    for place in range(len(rows)):
        row = rows[place]
        is_same = firsts[row + 1] - firsts[row] == values
        at = line_ends[row - 1] + 1 if row else 0
        like = model_start
        for number in range(values + 1):
            if not is_same:
                break
            if number < values:
                begin, stop = begins[firsts[row] + number], begins[firsts[model] + number]
            else:
                begin, stop = line_ends[row], line_ends[model]
            if begin - at != stop - like:
                is_same = False
                break
            while like < stop:
                difference = word_at(text, at) ^ word_at(text, like)
                if stop - like < 8:
                    difference <<= np.uint64(64 - 8 * (stop - like))
                if difference != np.uint64(0):
                    is_same = False
                    break
                at += 8
                like += 8
            if number < values:
                at, like = ends[firsts[row] + number], ends[firsts[model] + number]
        same[place] = is_same
        differing += not is_same
    return differing


@compiled
def tally(rows: Places, firsts: Places, kinds: Bytes, counts: Places) -> None:
    """Count kinds: `counts[v * KINDS + kind]` for value v of these lines, which have as many values each."""
    counts[:] = 0
    values = len(counts) // KINDS
    for place in range(len(rows)):
        first = firsts[rows[place]]
        for number in range(values):
            counts[number * KINDS + kinds[first + number]] += 1
