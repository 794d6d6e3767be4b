"""A JSON array of objects, or one JSON object spread over lines (RFC 8259)."""

import msgspec

from cordwood.errors import BadRequest, TooLarge
from cordwood.protocols import ndjson
from cordwood.protocols.check import Object, error_of
from cordwood.protocols.decoded import Chunk, Decoded, Limits

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_objects = msgspec.json.Decoder(list[Object])

_MAX_VALUES = 1_000_000
"""An array is held element by element, at some hundred bytes each, however small they are."""


def decode(body: bytes, limits: Limits) -> Decoded:
    """Read an array. An element that is no usable event is rejected by its index.

    Raises BadRequest when the array itself is broken: where its elements end cannot be told then; TooLarge when it
    may have more elements than fit into memory.
    """
    try:
        body.decode()
        if body.count(b",") >= _MAX_VALUES:
            _refuse_flood(body)
        elements = _elements.decode(body)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the array is not UTF-8: byte 0x{body[error.start]:02x} at position {error.start}",
            hint="send UTF-8; nothing of this request was taken",
        ) from error
    except RecursionError as error:
        raise BadRequest(
            f"an element of the array is nested too deep; at most {limits.max_depth} levels are taken",
            hint="send the events as NDJSON, one a line, to have the good ones taken",
        ) from error
    except msgspec.DecodeError as error:
        raise BadRequest(
            f"the array is broken: {error}",
            hint="send the events as NDJSON, one a line, to have the good ones taken",
        ) from error
    lines = b"\n".join(one_line(bytes(element)) for element in elements)
    return ndjson.decode(lines, limits, has_lines=False)


def _refuse_flood(body: bytes) -> None:
    """Of many values, at most so many may be objects, and none of the array's own may be anything else: then no more
    elements than that are left. Raises TooLarge, and what decoding raises."""
    advice = "send the events as NDJSON, one a line, or in several requests"
    if body.count(b"{") > _MAX_VALUES:
        raise TooLarge(f"the array has more than {_MAX_VALUES:,} objects, nested ones counted", hint=advice)
    try:
        _objects.decode(body)
    except msgspec.ValidationError as error:
        raise TooLarge(
            f"the array has more than {_MAX_VALUES:,} values, and an element that is no event: {error}", hint=advice
        ) from error


def decode_object(body: bytes, limits: Limits) -> Decoded | None:
    """Read one object that is spread over several lines; None when the body is not that."""
    if error_of(body, limits) is not None:
        return None
    return Decoded([Chunk(one_line(body) + b"\n", 1)], [])


def one_line(element: bytes) -> bytes:
    """Valid JSON without line breaks. Only white space changes: numbers and escapes keep their spelling."""
    return msgspec.json.format(element, indent=-1) if b"\n" in element or b"\r" in element else element
