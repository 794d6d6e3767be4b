"""Is this a JSON object that every store can keep? The exact check of one event, and a native one of many."""

import re
from array import array
from itertools import accumulate

import msgspec
import numpy as np
from numpy.typing import NDArray

from cordwood.protocols.decoded import Limits


class Object(msgspec.Struct, gc=False):
    """Any JSON object: every field is skipped, in native code, but still checked for grammar."""


_objects = msgspec.json.Decoder(Object)

_NEWLINE, _OPENS, _CLOSES = b"\n{}"
_FOLD, _BRACKET = 0xDF, ord("[")
"""A bit less, and both opening brackets are this one."""
_LEAST_FIELD_BYTES = 4
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")  # as signed bytes: +1 opens, -1 closes
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def error_of(line: bytes, limits: Limits) -> str | None:
    """Why one event cannot be taken, or None when it can."""
    if len(line) > limits.max_event_bytes:
        return f"the event has {len(line):,} bytes; at most {limits.max_event_bytes:,} are taken"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start}"
    try:
        _objects.decode(line)
    except RecursionError:
        return f"nested too deep; at most {limits.max_depth} levels are taken"
    except msgspec.ValidationError as error:
        return f"not a JSON object: {error}"
    except msgspec.DecodeError as error:
        return f"{error}; a lone surrogate is no text" if _SURROGATE.search(line) else str(error)
    return _shape_error(line, limits)


def count_good(lines: bytes, limits: Limits) -> int | None:
    """How many events `lines` holds, if each line is a good one. None means: look at each one.

    `lines` has no carriage return, and each line is ended by a newline. No work per event is done in Python.
    """
    if not lines.startswith(b"{") or not lines.endswith(b"}\n"):
        return None
    text = np.frombuffer(lines, np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    # In valid JSON a `}` is followed by a `{` only between top-level objects. So if every newline stands between
    # those two, and there are as many objects as lines, each line is one object.
    if np.any(text[newlines - 1] != _CLOSES) or np.any(text[newlines[:-1] + 1] != _OPENS):
        return None
    try:
        if not lines.isascii():
            lines.decode()
        if len(_objects.decode_lines(lines)) != len(newlines):
            return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return len(newlines) if _all_simple(lines, text, newlines, limits) else None


def _all_simple(lines: bytes, text: NDArray[np.uint8], newlines: NDArray[np.int64], limits: Limits) -> bool:
    """No line is too long, too deep or has too many fields. What a line of its size could hold at most, and then how
    many brackets it has, strings included, leave few to look at."""
    starts, ends = np.concatenate((np.zeros(1, np.int64), newlines[:-1] + 1)), newlines
    sizes = ends - starts
    longest = int(sizes.max())
    if longest > limits.max_event_bytes:
        return False
    is_doubtful = sizes >= _LEAST_FIELD_BYTES * limits.max_fields
    if longest >= 2 * limits.max_depth:
        brackets = np.flatnonzero(text & _FOLD == _BRACKET)
        is_doubtful |= np.searchsorted(brackets, ends) - np.searchsorted(brackets, starts) > limits.max_depth
    return all(
        _shape_error(lines[starts[line] : ends[line]], limits) is None for line in np.flatnonzero(is_doubtful).tolist()
    )


def _shape_error(line: bytes, limits: Limits) -> str | None:
    if line.count(b"{") + line.count(b"[") <= limits.max_depth and line.count(b":") <= limits.max_fields:
        return None  # not even with those in strings
    bare = _STRING.sub(b"", line)
    fields = bare.count(b":")
    if fields > limits.max_fields:
        return f"the event has {fields:,} fields; at most {limits.max_fields:,} are taken"
    steps = array("b", bare.translate(_STEPS, _NOT_BRACKETS))
    depth = max(accumulate(steps), default=0)
    if depth > limits.max_depth:
        return f"nested {depth:,} levels deep; at most {limits.max_depth} are taken"
    return None
