"""Are these lines JSON objects within bounds? Of many at a time, in one compiled pass."""

import numpy as np

from cordwood.compiled import compiled
from cordwood.model.json_tokens import (
    BACKSLASH,
    BLANK,
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    NEWLINE,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    TAB,
    Bytes,
    scalar_end,
    text_end,
)

_SHORT_ESCAPES = np.zeros(256, np.bool_)
_SHORT_ESCAPES[list(b'"\\/bfnrt')] = True
_HEX = np.full(256, -1, np.int64)
_HEX[list(b"0123456789abcdef")] = range(16)
_HEX[list(b"ABCDEF")] = range(10, 16)
_U = ord("u")
_HIGH_SURROGATE, _LOW_SURROGATE, _NO_SURROGATE = 0xD800, 0xDC00, 0xE000
_BEGIN, _VALUE, _ITEM_OR_END, _KEY_OR_END, _KEY, _BETWEEN, _AFTER = range(7)
_DEEPEST = 60


@compiled
def count_objects(text: Bytes, max_bytes: int, max_depth: int, max_fields: int) -> int:
    """How many lines of UTF-8 there are, each ended by a newline, when each is a JSON object (RFC 8259) within these
    bounds; -1 when one is not, or has to be looked at more closely."""
    size = len(text)
    if size == 0 or text[size - 1] != NEWLINE:
        return -1
    deepest = min(max_depth, _DEEPEST)
    one = np.uint64(1)
    lines = 0
    at = 0
    while at < size:
        start = at
        state = _BEGIN
        depth = 0
        fields = 0
        objects = np.uint64(0)  # a bit for each depth: an object, not an array
        while text[at] != NEWLINE:
            byte = text[at]
            is_in_object = (objects >> np.uint64(depth)) & one != np.uint64(0)
            if byte in (BLANK, TAB):
                at += 1
            elif byte == QUOTE and state in (_VALUE, _ITEM_OR_END, _KEY, _KEY_OR_END):
                at = _text_end(text, at + 1)
                if not at:
                    return -1
                state = _BETWEEN if state in (_KEY, _KEY_OR_END) else _AFTER
            elif byte == COLON and state == _BETWEEN:
                at += 1
                fields += 1
                state = _VALUE
            elif byte == COMMA and state == _AFTER and depth > 0:
                at += 1
                state = _KEY if is_in_object else _VALUE
            elif byte == OPEN_OBJECT and state in (_BEGIN, _VALUE, _ITEM_OR_END) and depth < deepest:
                at += 1
                depth += 1
                objects |= one << np.uint64(depth)
                state = _KEY_OR_END
            elif byte == OPEN_ARRAY and state in (_VALUE, _ITEM_OR_END) and depth < deepest:
                at += 1
                depth += 1
                objects &= ~(one << np.uint64(depth))
                state = _ITEM_OR_END
            elif (byte == CLOSE_OBJECT and state in (_AFTER, _KEY_OR_END) and is_in_object) or (
                byte == CLOSE_ARRAY and state in (_AFTER, _ITEM_OR_END) and depth > 0 and not is_in_object
            ):
                at += 1
                depth -= 1
                state = _AFTER
            elif state in (_VALUE, _ITEM_OR_END):
                at, _ = scalar_end(text, at)
                if not at:
                    return -1
                state = _AFTER
            else:
                return -1
        if state != _AFTER or depth > 0 or at - start > max_bytes or fields > max_fields:
            return -1
        lines += 1
        at += 1
    return lines


@compiled
def _text_end(text: Bytes, at: int) -> int:
    """The place behind the text whose inside begins here; 0 when it is none."""
    while True:
        at = text_end(text, at, False)
        if text[at] == QUOTE:
            return at + 1
        if text[at] != BACKSLASH:
            return 0
        if _SHORT_ESCAPES[text[at + 1]]:
            at += 2
            continue
        code = _code(text, at)
        at += 6
        if _HIGH_SURROGATE <= code < _LOW_SURROGATE:
            if not _LOW_SURROGATE <= _code(text, at) < _NO_SURROGATE:
                return 0
            at += 6
        elif code < 0 or _LOW_SURROGATE <= code < _NO_SURROGATE:
            return 0


@compiled
def _code(text: Bytes, at: int) -> int:
    """What an escape of four hexadecimal digits means that begins here; -1 when none does."""
    if text[at] != BACKSLASH or text[at + 1] != _U:
        return -1
    code = 0
    for place in range(at + 2, at + 6):
        if _HEX[text[place]] < 0:
            return -1
        code = code << 4 | int(_HEX[text[place]])
    return code
