"""What JSONB cannot hold, kept so that it comes back as sent.

JSONB refuses U+0000 and numbers beyond `numeric`, and spells every digit of a number with a great exponent. A NUL
becomes two characters: a sentinel from the private use area and `0`; the sentinel itself becomes sentinel and `1`.
Such a number becomes the object `{"<sentinel>number": [its text, its double]}`.
"""

import re
from collections.abc import Sequence

import msgspec

SENTINEL = "\ue0c0"
NUMBER = SENTINEL + "number"
_SENTINEL_BYTES = SENTINEL.encode()
# How the versions before this one kept an event that had such a number: whole, as text.
_WHOLE = SENTINEL + "json"
_WHOLE_START = b'{"%b": "' % _WHOLE.encode()

# A backslash always takes the next character with it, so that an escaped backslash before u0000 is no NUL.
_TOKENS = re.compile(rb"\\(?:u0000|u[eE]0[cC]0|.)|" + _SENTINEL_BYTES, re.DOTALL)
_TO_ESCAPE = re.compile(rb"\\u(?:0000|[eE]0[cC]0)|" + _SENTINEL_BYTES)
# As PostgreSQL spells it. No text can look like the first form: within one, a quote has a backslash before it.
_KEPT = re.compile(rb'\{"%b": \["([^"]*)", "[^"]*"\]\}|%b([01])' % (NUMBER.encode(), _SENTINEL_BYTES))

# numeric takes 131072 digits before the point and 16383 behind it, and spells 1e100000 with 100,000 digits: what is
# sent in 54 kB could take 786 MB to read, or pass what PostgreSQL can put out. Every double fits below these.
MAX_EXPONENT = 400
MAX_NUMBER_LENGTH = 15_000
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?', re.DOTALL)

# The shape of JSON: no blanks, points and signs; what separates values as a colon, digits as 0, all else but e as x.
_SHAPES = bytearray(b"x" * 256)
_SHAPES[ord(":")] = _SHAPES[ord("[")] = _SHAPES[ord(",")] = ord(":")
_SHAPES[ord("e")] = _SHAPES[ord("E")] = ord("e")
_SHAPES[ord("0") : ord("9") + 1] = b"0" * 10
_SHAPE_OF = bytes(_SHAPES)
_NO_SHAPE = b".+- \t\r\n"
_LONG_EXPONENT = re.compile(rb":0+e000")
# Without what else a long number may hold: two signs, a point, an e and the two digits of a short exponent.
_MANY_DIGITS = b"0" * (MAX_NUMBER_LENGTH - 6)


def storable(lines: Sequence[bytes], ndjson: bytes) -> Sequence[bytes]:
    """The events of a batch (`ndjson` are the same lines joined), each in a form that JSONB can hold."""
    if _may_need_escape(ndjson):
        lines = [escaped(line) for line in lines]
    # Of the whole batch first, 0.6 µs an event: looking at each one would be four times that.
    if _may_need_keeping(ndjson):
        lines = [_with_kept_numbers(line) for line in lines]
    return lines


def places_to_escape(ndjson: bytes) -> list[int]:
    """Where a NUL or the sentinel may be in lines; events without any of these places have neither."""
    if not _may_need_escape(ndjson):
        return []
    return [found.start() for found in _TO_ESCAPE.finditer(ndjson)]


def escaped(line: bytes) -> bytes:
    """The same event without U+0000."""
    return _TOKENS.sub(_escape, line)


def unescaped(data: bytes) -> bytes:
    """The event behind a jsonb's text."""
    if _SENTINEL_BYTES not in data:
        return data
    if data.startswith(_WHOLE_START):
        return msgspec.json.decode(data, type=dict[str, str])[_WHOLE].encode()
    return _KEPT.sub(_unescape, data)


def escaped_text(text: str) -> str:
    """A plain text value in the form in which it is stored."""
    return text.replace(SENTINEL, SENTINEL + "1").replace("\0", SENTINEL + "0")


def unescaped_text(text: str | None) -> str | None:
    """The plain text value behind a stored one."""
    if text is None or SENTINEL not in text:
        return text
    # In this order: a sentinel that the second one leaves may stand before a 0 of its own.
    return text.replace(SENTINEL + "0", "\0").replace(SENTINEL + "1", SENTINEL)


def double_text(number: float) -> str:
    """How the double of a number that JSONB cannot hold is spelt beside it. Both zeros are one."""
    return repr(number + 0.0)


def _may_need_escape(ndjson: bytes) -> bool:
    """Whether any event may hold a NUL or the sentinel; may be wrong on the safe side."""
    if not ndjson.isascii() and _SENTINEL_BYTES in ndjson:
        return True
    # Each costs more than the one before it, and most batches need no more than the first.
    return b"\\" in ndjson and b"\\u" in ndjson and (b"\\u0000" in ndjson or b"\\ue0c0" in ndjson.lower())


def _may_need_keeping(text: bytes) -> bool:
    """Whether any number may have an exponent of three digits, or very many digits; texts may look like one."""
    shape = text.translate(_SHAPE_OF, _NO_SHAPE)
    return _MANY_DIGITS in shape or _LONG_EXPONENT.search(shape) is not None


def _escape(match: "re.Match[bytes]") -> bytes:
    token = match[0]
    if token == b"\\u0000":
        return b"\\ue0c00"
    if token == _SENTINEL_BYTES or token.lower() == b"\\ue0c0":
        return b"\\ue0c01"
    return token


def _unescape(match: "re.Match[bytes]") -> bytes:
    number, letter = match.groups()
    if number is not None:
        return bytes(number)
    return b"\\u0000" if letter == b"0" else _SENTINEL_BYTES


def _with_kept_numbers(line: bytes) -> bytes:
    return _STRING_OR_NUMBER.sub(_keep_number, line) if _may_need_keeping(line) else line


def _keep_number(match: "re.Match[bytes]") -> bytes:
    token = match[0]
    if token.startswith(b'"') or not _is_beyond(token):
        return token
    return b'{"%b":["%b","%b"]}' % (NUMBER.encode(), token, double_text(float(token)).encode())


def _is_beyond(number: bytes) -> bool:
    _, _, exponent = number.lower().partition(b"e")
    digits = exponent.lstrip(b"+-0")
    return len(number) > MAX_NUMBER_LENGTH or len(digits) > 3 or (len(digits) == 3 and int(digits) >= MAX_EXPONENT)
