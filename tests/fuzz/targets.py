"""What must hold for any bytes: one function a decoder, which raises AssertionError when it does not."""

import gzip
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from cordwood.errors import BadQuery, BadRequest, CordwoodError
from cordwood.http.auth import token_of
from cordwood.http.inflate import ENCODINGS, inflate
from cordwood.language.bounds import MAX_CHARACTERS
from cordwood.language.match import Seen, matcher
from cordwood.language.parser import parse
from cordwood.language.problems import shown
from cordwood.language.rendering import render
from cordwood.model.receipt import parse_receipt
from cordwood.model.zstd import ZstdDecompressor
from cordwood.protocols import combined, json_array, logfmt, native, ndjson, text
from cordwood.protocols.check import error_of
from cordwood.protocols.decoded import Decoded, Limits
from cordwood.query.parameters import cursor_of, parse_cursor, plan_of

Target = Callable[[bytes], None]

USUAL = Limits()
TIGHT = Limits(max_event_bytes=48, max_depth=3, max_fields=4, max_rejects=5)
_MAX_INFLATED = 1 << 16
_EVENT = Seen(
    {"message": "card declined", "http": {"status": 500}, "x": ["5ms", True, None, 1e400], "ip": "::1"},
    event_id=UUID(int=1),
    timestamp_us=0,
    inserted_at_us=0,
    level="error",
    service=None,
)


def events_in(decoded: Decoded) -> list[bytes]:
    """The accepted events. Every one is a JSON object on a line of its own, and they are as many as is said."""
    events: list[bytes] = []
    for chunk in decoded.chunks:
        assert chunk.ndjson.endswith(b"\n"), "a chunk ends with a newline"
        lines = chunk.ndjson[:-1].split(b"\n")
        assert len(lines) == chunk.events, "a chunk counts its events"
        events += lines
    for event in events:
        assert isinstance(_parsed(event), dict), "an event is an object"
    assert len(events) == decoded.accepted
    return events


def _parsed(event: bytes) -> object:
    """By another reader than the decoders', numbers as they are spelt: JSON bounds neither digits nor exponents."""
    return json.loads(event.decode(), parse_int=str, parse_float=str)


def _counted(decoded: Decoded, sent: int) -> None:
    indices = [reject.index for reject in decoded.rejects]
    assert indices == sorted(set(indices)), "an event is rejected once"
    assert all(0 <= index < sent for index in indices), "a rejected event was sent"
    assert len(events_in(decoded)) + len(indices) == sent, "accepted + rejected = sent"


def check_ndjson(data: bytes) -> None:
    lines = [line.strip(b" \t") for line in data.replace(b"\r\n", b"\n").replace(b"\r", b" ").split(b"\n")]
    sent = [line for line in lines if line]
    for limits in (USUAL, TIGHT):
        good = [line for line in sent if error_of(line, limits) is None]
        try:
            decoded = ndjson.decode(data, limits)
        except BadRequest:
            assert len(sent) - len(good) > limits.max_rejects
            continue
        _counted(decoded, len(sent))
        assert events_in(decoded) == good, "the native check takes what the exact one does"


def check_json_array(data: bytes) -> None:
    for limits in (USUAL, TIGHT):
        with suppress(CordwoodError):
            _counted(json_array.decode(data, limits), len(msgspec.json.decode(data, type=list[msgspec.Raw])))
        if (whole := json_array.decode_object(data, limits)) is not None:
            (event,) = events_in(whole)
            assert _parsed(event) == _parsed(data)


def check_native(data: bytes) -> None:
    for limits in (USUAL, TIGHT):
        with suppress(CordwoodError):
            decoded = native.decode(data, "", limits)
            assert decoded.chunks or decoded.rejects, "an empty request is refused"
            events_in(decoded)


def check_text(data: bytes) -> None:
    line = data.replace(b"\n", b" ")
    formats: list[text.LineFormat] = ["text", "combined", "logfmt", "auto"]
    for line_format in formats:
        event, _ = text.event_of(line, line_format, USUAL)
        assert b"\n" not in event
        assert isinstance(_parsed(event), dict)


def check_combined(data: bytes) -> None:
    line = data.decode("latin-1")
    found = combined.parse(line)
    if found is not None:
        assert found["message"] == line
        msgspec.json.encode(found)


def check_logfmt(data: bytes) -> None:
    found = logfmt.parse(data.decode(errors="replace"))
    if found is not None:
        assert found
        json.dumps(found).encode()
        msgspec.json.encode(found)


def check_parameters(data: bytes) -> None:
    given = parse_qsl(data.decode("latin-1"), keep_blank_values=True)
    try:
        plan = plan_of(given, 1_795_435_200_000_000)
    except BadRequest:
        return
    msgspec.json.encode(plan)
    assert plan.limit is None or plan.limit > 0
    assert plan.start_us is None or plan.end_us is None or plan.start_us < plan.end_us
    assert plan.after is None or parse_cursor(cursor_of(plan.after)) == plan.after


def check_query(data: bytes) -> None:
    said = data.decode(errors="surrogateescape")
    try:
        search = parse(said, 1_795_435_200_000_000)
    except BadQuery as refused:
        assert 0 <= refused.position <= refused.position + refused.length <= len(said)
        shown(refused).encode()
        return
    canonical = render(search)
    assert len(canonical) > MAX_CHARACTERS or msgspec.json.encode(parse(canonical, 0)) == msgspec.json.encode(search)
    matcher(search.filter)(_EVENT)


def check_receipt(data: bytes) -> None:
    said = data.decode("latin-1")
    with suppress(BadRequest):
        receipt = parse_receipt(said)
        assert str(receipt) == said
        assert all(part.first >= 0 < part.count for part in receipt.parts)


def check_auth(data: bytes) -> None:
    for name in (b"authorization", b"x-api-key"):
        token = token_of({name: data})
        assert token is None or token.encode() is not None
    assert token_of({b"authorization": b"Bearer " + data}) is not None
    assert token_of({b"authorization": b"Basic " + data}) is not None


def check_inflate(data: bytes) -> None:
    reference = {"gzip": gzip.decompress, "deflate": _deflated, "zstd": _frames}
    for coding in ENCODINGS:
        with suppress(CordwoodError):
            plain = inflate(data, coding, _MAX_INFLATED)
            assert len(plain) <= _MAX_INFLATED
            assert plain == (reference[coding](data) if data else b"")


def _frames(data: bytes) -> bytes:
    plain = b""
    while data:
        frame = ZstdDecompressor()
        plain += frame.decompress(data)
        data = frame.unused_data
    return plain


def _deflated(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompress(data)
    return zlib.decompress(data, wbits=-15)


TARGETS: dict[str, Target] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}
