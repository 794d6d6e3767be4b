"""Spans as the bytes of an OTLP request: `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`.

Three shapes of Protocol Buffers are all that it takes: a varint, eight bytes, and bytes with their length. The numbers
are those of opentelemetry-proto 1.x, which keeps them; a test has its own library read what is written here.
"""

import struct
from collections.abc import Mapping, Sequence

from cordwood import __version__
from cordwood.tracing.context import SpanContext
from cordwood.tracing.span import Kind, Recorded, Value

_KINDS: dict[Kind, int] = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_VARINT, _EIGHT_BYTES, _LENGTH = 0, 1, 2
_ERROR = 2
_MAX_TEXT = 1000


def request_of(spans: Sequence[Recorded], resource: Mapping[str, str]) -> bytes:
    """What a collector takes at `/v1/traces`; `resource` is what all the spans say of their process."""
    scope = _part(1, _text(1, "cordwood") + _text(2, __version__))
    scope_spans = scope + b"".join(_part(2, _span(span)) for span in spans)
    return _part(1, _part(1, _attributes(1, resource)) + _part(2, scope_spans))


def _span(span: Recorded) -> bytes:
    return b"".join(
        [
            _bytes(1, span.context.trace_id),
            _bytes(2, span.context.span_id),
            b"" if span.parent is None else _bytes(4, span.parent),
            _text(5, span.name),
            _number(6, _KINDS[span.kind]),
            _fixed(7, span.started_ns),
            _fixed(8, span.ended_ns),
            _attributes(9, span.attributes),
            *(_part(13, _link(link)) for link in span.links),
            b"" if span.failure is None else _part(15, _text(2, span.failure) + _number(3, _ERROR)),
        ]
    )


def _link(context: SpanContext) -> bytes:
    return _bytes(1, context.trace_id) + _bytes(2, context.span_id)


def _attributes(field: int, attributes: Mapping[str, Value]) -> bytes:
    return b"".join(_part(field, _text(1, name) + _part(2, _value(value))) for name, value in attributes.items())


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return _number(2, int(value))
        case str():
            return _text(1, value)
        case int():
            return _number(3, value)
        case float():
            return _tag(4, _EIGHT_BYTES) + struct.pack("<d", value)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text[:_MAX_TEXT].encode("utf-8", "replace"))


def _bytes(field: int, data: bytes) -> bytes:
    return _tag(field, _LENGTH) + _varint(len(data)) + data


_part = _bytes
"""A message within a message is its bytes."""


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _fixed(field: int, value: int) -> bytes:
    return _tag(field, _EIGHT_BYTES) + struct.pack("<Q", value)


def _tag(field: int, shape: int) -> bytes:
    return _varint(field << 3 | shape)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
