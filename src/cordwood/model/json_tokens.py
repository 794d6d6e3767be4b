"""The tokens of JSON (RFC 8259), in compiled loops: where one ends that begins here.

Nothing is read behind the end of an array of bytes, as long as a newline ends what is in it.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled, low_zeros, word_at

Bytes = NDArray[np.uint8]

WHOLE, BROKEN, SCIENTIFIC, TRUE, FALSE, NULL = range(6)
"""Kinds of scalars; a broken number has a point, a scientific one an exponent."""

TAB, NEWLINE, RETURN, BLANK = b"\t\n\r "
QUOTE, COMMA, COLON, BACKSLASH = b'",:\\'
OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = b"[]{}"
MASKS_END = 6
"""Bytes from 1 up to this one stand for escapes, in texts whose escapes are masked."""
ZERO, NINE = b"09"
_MINUS, _PLUS, _POINT, _E, _LARGE_E = b"-+.eE"
_T, _R, _U, _F, _A, _L, _S, _N = b"trufalsn"
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKSLASHES, _BLANKS = (_ONES * np.uint64(byte) for byte in (QUOTE, BACKSLASH, BLANK))


@compiled
def text_end(text: Bytes, at: int, has_masks: bool) -> int:
    """The place of the quotation mark, backslash or control character that ends the text whose inside begins here."""
    while True:
        if at + 8 <= len(text):
            # Eight bytes at once: the lowest of these, if there is one.
            word = word_at(text, at)
            quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
            found = (quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes | (word - _BLANKS) & ~word
            found &= _HIGHS
            if found == np.uint64(0):
                at += 8
                continue
            at += low_zeros(found) >> 3
        elif text[at] >= BLANK and text[at] != QUOTE and text[at] != BACKSLASH:
            at += 1
            continue
        if not (has_masks and 0 < text[at] < MASKS_END):
            return at
        at += 1


@compiled
def _digits_end(text: Bytes, at: int) -> int:
    while ZERO <= text[at] <= NINE:
        at += 1
    return at


@compiled
def scalar_end(text: Bytes, at: int) -> tuple[int, int]:
    """Where a number, true, false or null ends that begins here, and its kind; 0 and 0 when none does."""
    byte = text[at]
    if byte == _MINUS or ZERO <= byte <= NINE:
        at += byte == _MINUS
        end = at + 1 if text[at] == ZERO else _digits_end(text, at)
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
    if byte == _T and text[at + 1] == _R and text[at + 2] == _U and text[at + 3] == _E:
        return at + 4, TRUE
    if byte == _N and text[at + 1] == _U and text[at + 2] == _L and text[at + 3] == _L:
        return at + 4, NULL
    if byte == _F and text[at + 1] == _A and text[at + 2] == _L and text[at + 3] == _S and text[at + 4] == _E:
        return at + 5, FALSE
    return 0, 0
