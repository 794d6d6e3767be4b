"""Is this a JSON object that every store can keep? The exact check of one event, and a native one of many."""

import re
from array import array
from itertools import accumulate

import msgspec

from cordwood.protocols.decoded import Limits


class Object(msgspec.Struct, gc=False):
    """Any JSON object: every field is skipped, in native code, but still checked for grammar."""


_objects = msgspec.json.Decoder(Object)

_ALL_BYTES = bytes(range(256))
_NOT_STRUCTURE = bytes(set(_ALL_BYTES) - set(b"{[,\n"))
_NOT_BRACKETS = bytes(set(_ALL_BYTES) - set(b"{}[]"))
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


def are_good(lines: bytes, count: int, limits: Limits) -> bool:
    """Whether `lines` is exactly `count` good events, one a line. False may also mean: look at each one.

    `lines` has no carriage return and no newline at its end. No work per event is done in Python.
    """
    # In valid JSON a `}` is followed by a `{` only between top-level objects. So if every newline stands between
    # those two, and there are as many objects as lines, each line is one object.
    if not lines.startswith(b"{") or not lines.endswith(b"}") or lines.count(b"}\n{") != count - 1:
        return False
    if not lines.isascii():
        try:
            lines.decode()
        except UnicodeDecodeError:
            return False
    try:
        if len(_objects.decode_lines(lines)) != count:
            return False
    except (msgspec.DecodeError, RecursionError):
        return False
    return _all_short(lines, limits) and _all_simple(lines, limits)


def _all_short(lines: bytes, limits: Limits) -> bool:
    """No line is longer than allowed: every half-limit window holds a newline."""
    if len(lines) <= limits.max_event_bytes:
        return True
    window = limits.max_event_bytes // 2
    return all(lines.find(b"\n", at, at + window) >= 0 for at in range(0, len(lines) - window, window))


def _all_simple(lines: bytes, limits: Limits) -> bool:
    """No line is too deep or has too many fields. Commas and brackets bound both from above, strings included."""
    structure = lines.translate(None, _NOT_STRUCTURE).split(b"\n")
    bound = min(limits.max_depth, limits.max_fields)
    if max(map(len, structure)) < bound:
        return True
    return all(
        _shape_error(line, limits) is None
        for line, marks in zip(lines.split(b"\n"), structure, strict=True)
        if len(marks) >= bound
    )


def _shape_error(line: bytes, limits: Limits) -> str | None:
    if len(line.translate(None, _NOT_STRUCTURE)) < min(limits.max_depth, limits.max_fields):
        return None
    bare = _STRING.sub(b"", line)
    fields = bare.count(b":")
    if fields > limits.max_fields:
        return f"the event has {fields:,} fields; at most {limits.max_fields:,} are taken"
    steps = array("b", bare.translate(_STEPS, _NOT_BRACKETS))
    depth = max(accumulate(steps), default=0)
    if depth > limits.max_depth:
        return f"nested {depth:,} levels deep; at most {limits.max_depth} are taken"
    return None
