"""Is this a JSON object that every store can keep? The exact check of one event, and a native one of many."""

import re
from array import array
from itertools import accumulate

import msgspec

from cordwood.protocols.decoded import Limits


class Object(msgspec.Struct, gc=False):
    """Any JSON object: every field is skipped, in native code, but still checked for grammar."""


_objects = msgspec.json.Decoder(Object)

_LEAST_FIELD_BYTES = 4
_MANY_BYTES = 256 << 10
"""From here on a compiled loop looks at lines."""
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
    try:
        if not lines.isascii():
            lines.decode()
    except UnicodeDecodeError:
        return None
    return _count_many(lines, limits) if len(lines) >= _MANY_BYTES else _count_few(lines, limits)


def _count_many(lines: bytes, limits: Limits) -> int | None:
    # Here, for the compiler takes 60 MB, and an api that gets small requests never needs it.
    import numpy as np

    from cordwood.protocols.counting import count_objects

    text = np.frombuffer(lines, np.uint8)
    found = count_objects(text, limits.max_event_bytes, limits.max_depth, limits.max_fields)
    return found if found >= 0 else None


def _count_few(lines: bytes, limits: Limits) -> int | None:
    # In valid JSON a `}` is followed by a `{` only between top-level objects. So if every newline stands between
    # those two, and there are as many objects as lines, each line is one object.
    events = lines.count(b"\n")
    if lines.count(b"}\n{") != events - 1:
        return None
    try:
        if len(_objects.decode_lines(lines)) != events:
            return None
    except (msgspec.DecodeError, RecursionError):
        return None
    # What is too short to hold too much is not looked at.
    short = min(limits.max_event_bytes, 2 * limits.max_depth, _LEAST_FIELD_BYTES * limits.max_fields)
    if len(lines) > short and not all(
        len(line) <= limits.max_event_bytes and _shape_error(line, limits) is None
        for line in lines.split(b"\n")
        if len(line) > short
    ):
        return None
    return events


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
