"""What JSONB cannot hold, kept so that it comes back as sent.

JSONB refuses U+0000 and numbers beyond `numeric`. A NUL becomes two characters: a sentinel from the private use
area and `0`; the sentinel itself becomes sentinel and `1`. An event with an impossible number is kept whole, as
text, under the one key `<sentinel>json`.
"""

import re

import msgspec

SENTINEL = "\ue0c0"
_SENTINEL_BYTES = SENTINEL.encode()
_WRAPPER = SENTINEL + "json"
_WRAPPED = b'{"%b": "' % _WRAPPER.encode()

# A backslash always takes the next character with it, so that an escaped backslash before u0000 is no NUL.
_TOKENS = re.compile(rb"\\(?:u0000|u[eE]0[cC]0|.)|" + _SENTINEL_BYTES, re.DOTALL)
_KEPT = re.compile(_SENTINEL_BYTES + b"([01])")
# numeric takes 131072 digits before the point and 16383 behind it; long before that, exponents only cost room.
_HUGE_NUMBER = re.compile(rb"[eE][+-]?\d{3,}|\d{1000}")


def needs_escape(ndjson: bytes) -> bool:
    """Whether any event of a batch may hold a NUL or the sentinel. Cheap; may be wrong on the safe side."""
    if _SENTINEL_BYTES in ndjson:
        return True
    # Most batches have no \u escape at all: looking for that alone is cheap.
    return b"\\u" in ndjson and (b"\\u0000" in ndjson or b"\\ue0c0" in ndjson.lower())


def escaped(line: bytes) -> bytes:
    """The same event without U+0000."""
    return _TOKENS.sub(_escape, line)


def unescaped(data: bytes) -> bytes:
    """The event behind a jsonb's text."""
    if _SENTINEL_BYTES not in data:
        return data
    if data.startswith(_WRAPPED):
        return msgspec.json.decode(data, type=dict[str, str])[_WRAPPER].encode()
    return _KEPT.sub(lambda match: b"\\u0000" if match[1] == b"0" else _SENTINEL_BYTES, data)


def wrapped(line: bytes) -> bytes | None:
    """The event as text under the wrapper's key, when it may hold a number that numeric cannot; else None."""
    if _HUGE_NUMBER.search(line) is None:
        return None
    return msgspec.json.encode({_WRAPPER: line.decode()})


def escaped_text(text: str) -> str:
    """A plain text value in the form in which it is stored."""
    return text.replace(SENTINEL, SENTINEL + "1").replace("\0", SENTINEL + "0")


def unescaped_text(text: str | None) -> str | None:
    """The plain text value behind a stored one."""
    if text is None or SENTINEL not in text:
        return text
    # In this order: a sentinel that the second one leaves may stand before a 0 of its own.
    return text.replace(SENTINEL + "0", "\0").replace(SENTINEL + "1", SENTINEL)


def _escape(match: "re.Match[bytes]") -> bytes:
    token = match[0]
    if token == b"\\u0000":
        return b"\\ue0c00"
    if token == _SENTINEL_BYTES or token.lower() == b"\\ue0c0":
        return b"\\ue0c01"
    return token
