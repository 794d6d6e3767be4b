"""JSON texts → the same as they are meant, as machine code."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int32]

_BACKSLASH, _U = ord("\\"), ord("u")
_SHORT = np.zeros(256, np.uint8)
_SHORT[list(b'"\\/bfnrt')] = list(b'"\\/\b\f\n\r\t')
_DIGITS = np.full(256, -1, np.int64)
_DIGITS[list(b"0123456789abcdef")] = range(16)
_DIGITS[list(b"ABCDEF")] = range(10, 16)
_HIGH, _LOW, _BEHIND = 0xD800, 0xDC00, 0xE000
"""Surrogates: the first of two, the second of two, and what is none."""


@compiled
def has_escapes(body: Bytes, begins: Places) -> bool:
    """Whether one of the texts has a backslash."""
    found = False
    for at in range(max(int(begins[0]), 0), min(int(begins[-1]), len(body))):
        found |= body[at] == _BACKSLASH
    return found


@compiled
def unescape(body: Bytes, begins: Places, meant: Bytes, cuts: Places) -> bool:
    """Write texts as they are meant, one behind the other, and where they begin. `meant` is as long as the body, `cuts`
    as `begins`. False, and not all is written, when an escape has no meaning: no code, or half of a surrogate pair."""
    to = 0
    end = min(max(int(begins[0]), 0), len(body))
    cuts[0] = 0
    for row in range(1, len(begins)):
        at, end = end, min(max(int(begins[row]), end), len(body))
        while at < end:
            byte = body[at]
            at += 1
            if byte != _BACKSLASH:
                meant[to] = byte
                to += 1
                continue
            if at == end:
                return False
            kind = body[at]
            at += 1
            if kind != _U:
                if _SHORT[kind] == 0:
                    return False
                meant[to] = _SHORT[kind]
                to += 1
                continue
            point = _code(body, at, end)
            at += 4
            if _HIGH <= point < _LOW and at + 6 <= end and body[at] == _BACKSLASH and body[at + 1] == _U:
                second = _code(body, at + 2, end)
                at += 6
                if not _LOW <= second < _BEHIND:
                    return False
                point = 0x10000 + ((point - _HIGH) << 10) + second - _LOW
            if point < 0 or _HIGH <= point < _BEHIND:
                return False
            to = _write(point, meant, to)
        cuts[row] = to
    return True


@compiled
def _code(body: Bytes, at: int, end: int) -> int:
    """Of four digits; below zero when they are none."""
    if at + 4 > end:
        return -1
    code = 0
    for place in range(at, at + 4):
        code = code << 4 | int(_DIGITS[body[place]])
    return code


@compiled
def _write(point: int, meant: Bytes, to: int) -> int:
    """A character in UTF-8, RFC 3629 §3; gives the place behind it."""
    if point < 0x80:
        meant[to] = point
        return to + 1
    continued = 1 if point < 0x800 else 2 if point < 0x10000 else 3
    meant[to] = 0xFF00 >> continued + 1 & 0xFF | point >> 6 * continued
    for place in range(1, continued + 1):
        meant[to + place] = 0x80 | point >> 6 * (continued - place) & 0x3F
    return to + continued + 1
