"""One message → its masked form: what varies by its looks is replaced by what it is, as in `took <duration>`.

A form is one line of tokens with one blank between them. Only the first line of a message counts that is not blank, and
of that as much as makes `longest` bytes of form; `<*>` stands for the rest. Control codes of terminals are left out. A
token with a mask that comes several times in a row is there once: lists of different lengths have one form.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.patterns.hashing import are_equal
from cordwood.patterns.looks import (
    BETWEEN,
    BLANK,
    COLON,
    DASH,
    DIGIT,
    KINDS,
    LETTER,
    PLUS,
    SPACE,
    Bytes,
    amount_of,
    chain_end,
    colons_end,
    has_digit,
    ip_end,
    is_hex,
    is_number,
    is_short_hex,
    spelled_time_end,
    time_end,
    unit_apart_end,
    uuid_end,
    word_end,
)

Spans = NDArray[np.int32]
"""Of masks, rows of three: where it begins in the form, and where in the message what it stands for begins and ends.
Of tokens, rows of two: where in the message a token begins and ends, or all that are alike in a row."""

WILDCARD = "<*>"
MASKS = (WILDCARD, "<num>", "<size>", "<duration>", "<id>", "<hex>", "<uuid>", "<ip>", "<time>")
_ANY, _NUMBER, _SIZE, _DURATION, _ID, _HEX, _UUID, _IP, _TIME = range(len(MASKS))
_MASK_BYTES = np.frombuffer("".join(MASKS).encode(), np.uint8).copy()
_MASK_ENDS = np.cumsum([len(mask) for mask in MASKS])
_LONGEST_SUFFIX = 3
_FURTHEST = 8  # times `longest`: how much of a message is looked at whose form stays short
LONGEST_WORD = 200
"""Bytes of a word beyond which it is masked."""
ROOM = LONGEST_WORD + 64
"""Bytes that a form may have beyond `longest`, at most."""

_NEWLINE, _ESCAPE, _OPEN = 10, 27, 91
_AT, _TILDE = 0x40, 0x7E


@compiled
def _put_mask(form: Bytes, size: int, mask: int) -> int:
    start = _MASK_ENDS[mask - 1] if mask else 0
    for place in range(start, _MASK_ENDS[mask]):
        form[size] = _MASK_BYTES[place]
        size += 1
    return size


@compiled
def _put(form: Bytes, size: int, text: Bytes, at: int, end: int) -> int:
    for place in range(at, end):
        form[size] = text[place]
        size += 1
    return size


@compiled
def _escape_end(text: Bytes, at: int, end: int) -> int:
    """Of a control code of terminals (ECMA-48 §5.4) that begins here."""
    at += 1
    if at < end and text[at] == _OPEN:
        at += 1
        while at < end and not _AT <= text[at] <= _TILDE:
            if KINDS[text[at]] == BLANK and text[at] != SPACE:
                return at
            at += 1
        return min(at + 1, end)
    return at


@compiled
def _classify(text: Bytes, at: int, end: int, is_chain: bool, line_end: int) -> tuple[int, int, int]:
    """The mask of a word with a digit or of a chain of words, and where what it stands for begins and ends.

    The mask is -1 when the word is one by its looks: ssh2.
    """
    if is_number(text, at, end):
        stop, amount = unit_apart_end(text, end, line_end)
        if amount:
            return (_SIZE if amount == 1 else _DURATION), at, stop
        return _NUMBER, at, end
    amount = amount_of(text, at, end)
    if amount:
        return (_SIZE if amount == 1 else _DURATION), at, end
    if is_chain:
        return _ID, at, end
    if is_hex(text, at, end):
        return _HEX, at, end
    first = at  # the letters before, digits, and the letters behind
    while KINDS[text[first]] == LETTER:
        first += 1
    last = first
    while last < end and KINDS[text[last]] == DIGIT:
        last += 1
    if last == end:
        return (-1 if last - first == 1 else _NUMBER), first, last
    if first > at or end - last > _LONGEST_SUFFIX or has_digit(text, last, end):
        return _ID, at, end
    return _NUMBER, at, last


@compiled
def _looks_like(text: Bytes, at: int, stop: int, end: int) -> tuple[int, int]:
    """The mask of what is known by its whole look and begins with the word `text[at:stop]`, and its end; or 0, 0."""
    if KINDS[text[at]] == DIGIT:
        found = time_end(text, at, end)
        if found:
            return _TIME, found
        found = ip_end(text, at, end)
        if found:
            return _IP, found
    elif stop - at == 3:
        found = spelled_time_end(text, at, end)
        if found:
            return _TIME, found
    if stop - at == 8:
        found = uuid_end(text, at, end)
        if found:
            return _UUID, found
    if stop < end and text[stop] == COLON and is_short_hex(text, at, stop):
        found, is_address = colons_end(text, at, end)
        if found:
            return (_IP if is_address else _HEX), found
    return 0, 0


@compiled
def mask(text: Bytes, at: int, end: int, longest: int, form: Bytes, spans: Spans, tokens: Spans) -> tuple[int, int]:
    """Write the form of the message `text[at:end]`, what its masks stand for, and where its tokens were.

    `form` has room for `longest` + ROOM bytes, the others for half as many rows. Gives the size of the form and how
    many masks it has.
    """
    number = -1  # of the last token
    furthest = end
    size = count = 0  # of the form, and of its masks
    token = token_count = 0  # how large both were when the last token began
    earlier, earlier_end = -1, 0  # the token before
    is_inside = False
    while True:
        byte = text[at] if at < end else np.uint8(_NEWLINE)
        kind = KINDS[byte]
        if kind == BLANK:
            if byte == _ESCAPE:
                at = _escape_end(text, at, end)
                continue
            if is_inside:
                is_inside = False
                if (
                    count > token_count
                    and earlier >= 0
                    and earlier_end - earlier == size - token
                    and are_equal(form, earlier, form, token, size - token)
                ):
                    spans[token_count - 1, 2] = spans[count - 1, 2]
                    size, count = earlier_end, token_count
                    number -= 1
                else:
                    earlier, earlier_end = token, size
                tokens[number, 1] = at
            if byte == _NEWLINE and (size or at >= end):
                return size, count
            at += 1
            continue
        if not is_inside:
            is_inside = True
            if size:
                form[size] = SPACE
                size += 1
            else:
                furthest = at + _FURTHEST * longest
            token, token_count = size, count
            number += 1
            tokens[number, 0] = at
        if size >= longest or at >= furthest:
            tokens[number, 1] = end
            spans[count, 0], spans[count, 1], spans[count, 2] = size, at, end
            return _put_mask(form, size, _ANY), count + 1
        if kind == BETWEEN:
            form[size] = byte
            size += 1
            at += 1
            continue
        stop = word_end(text, at, end)
        found, last = _looks_like(text, at, stop, end)
        first = at
        if not last:
            if stop - at > LONGEST_WORD:
                found, last = _ID, stop
            elif not has_digit(text, at, stop):
                size = _put(form, size, text, at, stop)
                at = stop
                continue
            else:
                last = chain_end(text, stop, end)
                if last - at > LONGEST_WORD:
                    found = _ID
                else:
                    found, first, last = _classify(text, at, last, last > stop, end)
                if found < 0:
                    size = _put(form, size, text, at, last)
                    at = last
                    continue
                if found <= _DURATION and first == at and size > token:
                    sign = form[size - 1]
                    is_sign = sign in (DASH, PLUS) and sign == text[at - 1]
                    if is_sign and (size - 1 == token or KINDS[form[size - 2]] == BETWEEN):
                        size -= 1
                        first -= 1
        size = _put(form, size, text, at, first)
        spans[count, 0], spans[count, 1], spans[count, 2] = size, first, last
        count += 1
        size = _put_mask(form, size, found)
        at = last
