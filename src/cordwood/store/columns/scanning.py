"""JSON lines → where their values are, and which lines are made alike: one compiled pass over the bytes.

Escapes have to be masked (`masking`), so that every quotation mark begins or ends a text. A line is *regular* when it
is a JSON object (RFC 8259) without escapes that have no mask; nothing is said of the others. Objects are looked into;
an array is one value.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled, low_zeros, word_at
from cordwood.store.columns.masking import MASKS_END
from cordwood.store.columns.stretches import PADDING, Bytes, are_equal, hash_of

Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]

TEXT, WHOLE, BROKEN, SCIENTIFIC, TRUE, FALSE, NULL, ARRAY = range(8)
"""Kinds of values; a broken number has a point, a scientific one an exponent."""
KINDS = 8
LEAST_VALUE_BYTES = 4
"""A line has fewer values than a quarter of its bytes: each has a key, in quotation marks."""

_TAB, _NEWLINE, _RETURN, _BLANK = 9, 10, 13, 32
_QUOTE, _COMMA, _MINUS, _PLUS, _POINT, _ZERO, _NINE, _COLON = 34, 44, 45, 43, 46, 48, 57, 58
_OPEN_ARRAY, _BACKSLASH, _CLOSE_ARRAY, _OPEN_OBJECT, _CLOSE_OBJECT = 91, 92, 93, 123, 125
_LARGE_E, _E = 69, 101
_TRUE, _NULL, _FALS = (np.uint32(int.from_bytes(each, "little")) for each in (b"true", b"null", b"fals"))
_BEGIN, _VALUE, _ITEM_OR_END, _KEY_OR_END, _KEY, _BETWEEN, _AFTER, _BAD = range(8)
_DEEPEST = 60
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
def _text_end(text: Bytes, at: int, has_masks: bool) -> int:
    """The place of the quotation mark, backslash or control character that ends the text whose inside begins here."""
    while True:
        # Eight bytes at once: the lowest of these, if there is one.
        word = word_at(text, at)
        quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
        found = (quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes | (word - _BLANKS) & ~word
        found &= _HIGHS
        if found == np.uint64(0):
            at += 8
            continue
        at += low_zeros(found) >> 3
        if not (has_masks and 0 < text[at] < _MASKS_END):
            return at
        at += 1


@compiled
def _digits_end(text: Bytes, at: int) -> int:
    while _ZERO <= text[at] <= _NINE:
        at += 1
    return at


@compiled
def _scalar_end(text: Bytes, at: int) -> tuple[int, int]:
    """Where a number, true, false or null ends that begins here, and its kind; 0 when none does. RFC 8259 §3, §6."""
    byte = text[at]
    if byte == _MINUS or _ZERO <= byte <= _NINE:
        at += byte == _MINUS
        end = at + 1 if text[at] == _ZERO else _digits_end(text, at)
        if end == at:
            return 0, 0
        kind = WHOLE
        if text[end] == _POINT:
            at, kind = end + 1, BROKEN
            end = _digits_end(text, at)
            if end == at:
                return 0, 0
        if text[end] in (_E, _LARGE_E):
            at, kind = end + 1, SCIENTIFIC
            at += text[at] in (_PLUS, _MINUS)
            end = _digits_end(text, at)
            if end == at:
                return 0, 0
        return end, kind
    four = np.uint32(word_at(text, at))
    if four == _TRUE:
        return at + 4, TRUE
    if four == _NULL:
        return at + 4, NULL
    if four == _FALS and text[at + 4] == _E:
        return at + 5, FALSE
    return 0, 0


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
            if byte == _NEWLINE:
                break
            if byte in (_BLANK, _TAB, _RETURN):
                at += 1
            elif state in (_KEY, _KEY_OR_END) and byte == _QUOTE:
                # What is around values has no masks in it: a key with an escape is irregular, but within an array.
                at = _text_end(text, at + 1, has_masks and outermost > 0)
                if text[at] != _QUOTE:
                    state = _BAD
                    break
                at += 1
                state = _BETWEEN
            elif state == _BETWEEN and byte == _COLON:
                at += 1
                state = _VALUE
            elif state == _AFTER and byte == _COMMA and depth > 0:
                at += 1
                state = _KEY if (objects >> np.uint64(depth)) & np.uint64(1) != np.uint64(0) else _VALUE
            elif byte == _OPEN_OBJECT and state in (_BEGIN, _VALUE, _ITEM_OR_END) and depth < _DEEPEST:
                at += 1
                depth += 1
                objects |= np.uint64(1) << np.uint64(depth)
                state = _KEY_OR_END
            elif (
                byte == _CLOSE_OBJECT
                and state in (_AFTER, _KEY_OR_END)
                and (objects >> np.uint64(depth)) & np.uint64(1) != np.uint64(0)
            ):
                at += 1
                objects &= ~(np.uint64(1) << np.uint64(depth))
                depth -= 1
                state = _AFTER
            elif byte == _OPEN_ARRAY and state in (_VALUE, _ITEM_OR_END) and depth < _DEEPEST:
                at += 1
                depth += 1
                state = _ITEM_OR_END
                if not outermost:
                    outermost, begin = depth, start
            elif (
                byte == _CLOSE_ARRAY
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
                if byte == _QUOTE:
                    at, kind = _text_end(text, at + 1, has_masks), TEXT
                    at = at + 1 if text[at] == _QUOTE else 0
                else:
                    at, kind = _scalar_end(text, at)
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
            is_same = begin - at == stop - like and are_equal(text, at, like, begin - at)
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
