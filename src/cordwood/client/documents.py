"""JSON that is not one object a line: an array, or objects spread over lines → its events, cut incrementally."""

import re
from collections.abc import Iterator

import msgspec

from cordwood.errors import Corrupt
from cordwood.protocols.json_array import one_line

MAX_VALUE_BYTES = 32 << 20
MAX_HEAD_BYTES = 256 << 10
"""How far one looks for the end of the first line."""

_MARK = re.compile(rb'["{}\[\],]')
_STRING_MARK = re.compile(rb'["\\]')
_SPACE = re.compile(rb"[ \t\r\n]+")
_BLANK = b" \t\r\n"


class Value(msgspec.Struct, frozen=True):
    """An event of a document: JSON on one line, or why it is none. `line` is where it begins, from 1."""

    line: int
    json: bytes
    error: str | None = None


class Documents:
    """Cuts JSON text into the elements of its top-level arrays and its other top-level objects.

    Only brackets and strings are looked at; whether a value is a good event is the server's to say.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._at = 0  # scanned up to here
        self._line = 1  # of the first byte of _text
        self._depth = 0
        self._is_array = False
        self._in_string = False

    def feed(self, block: bytes) -> Iterator[Value]:
        """The values that are complete with this block.

        Raises Corrupt when a value is longer than MAX_VALUE_BYTES: where it ends, and the next begins, is not known.
        """
        self._text += block
        start = 0
        while (found := self._next_cut()) is not None:
            end, after = found
            yield from self._value(start, end)
            start = after
        self._line += self._text.count(b"\n", 0, start)
        del self._text[:start]
        self._at -= start
        if len(self._text) > MAX_VALUE_BYTES:
            raise Corrupt(
                f"line {self._line_at(0)}: a JSON value has more than {MAX_VALUE_BYTES:,} bytes, or never ends"
            )

    def end(self) -> Iterator[Value]:
        """What is left at the end: an event that breaks off. Raises Corrupt after it when an array is not closed."""
        yield from self._value(0, len(self._text))
        if self._is_array:
            raise Corrupt("the array is not closed; is the file complete?")

    def _value(self, start: int, end: int) -> Iterator[Value]:
        if not (value := bytes(self._text[start:end]).strip(_BLANK)):
            return
        line = self._line_at(start)
        try:
            yield Value(line, one_line(value))
        except (msgspec.DecodeError, RecursionError) as error:
            yield Value(line, b"", f"not JSON: {error}")

    def _line_at(self, start: int) -> int:
        """The line of the first byte from `start` on that is not blank."""
        blank = _SPACE.match(self._text, start)
        return self._line + self._text.count(b"\n", 0, start if blank is None else blank.end())

    def _next_cut(self) -> tuple[int, int] | None:
        """Where the value being scanned ends, and where the next begins; None when more text is needed."""
        while True:
            mark = (_STRING_MARK if self._in_string else _MARK).search(self._text, self._at)
            if mark is None:
                self._at = len(self._text)
                return None
            at, byte = mark.start(), mark[0]
            if byte == b"\\":
                if at + 2 > len(self._text):
                    self._at = at
                    return None
                self._at = at + 2
                continue
            self._at = at + 1
            if byte == b'"':
                self._in_string = not self._in_string
            elif byte in b"{[":
                self._depth += 1
                if self._depth == 1 and byte == b"[":
                    self._is_array = True
                    return at, at + 1
            elif byte == b",":
                if self._depth == self._is_array:
                    return at, at + 1
            else:
                self._depth = max(0, self._depth - 1)
                if self._depth == 0:
                    if self._is_array:
                        self._is_array = False
                        return at, at + 1
                    return at + 1, at + 1


def begins_document(head: bytes, is_all: bool) -> bool | None:
    """Whether JSON text that begins like `head` is a document rather than NDJSON or plain text.

    None when a longer head is needed to tell; `is_all` says that there is none.
    """
    text = head.lstrip(_BLANK)
    first, newline, rest = text.partition(b"\n")
    if not newline and not is_all and len(text) < MAX_HEAD_BYTES:
        return None
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        if "truncated" not in str(error):
            return False
    except RecursionError:
        return first.startswith(b"[")
    else:
        return first.startswith(b"[")
    if first.startswith(b"[") or not newline:
        return first.startswith(b"[")
    # The first line of an object breaks off. The next line tells a spread-out object from a damaged NDJSON line.
    second = rest.lstrip(_BLANK)[:1]
    if not second and not is_all and len(text) < MAX_HEAD_BYTES:
        return None
    return second in (b'"', b"}")
