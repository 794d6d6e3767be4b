"""What our own JSON protocol takes, and what it names as bad."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.errors import BadRequest, UnsupportedMedia
from cordwood.protocols import native
from cordwood.protocols.decoded import Decoded, Limits

LIMITS = Limits()
GOOD = b'{"n":1}'


def decode(body: bytes, content_type: str = "", limits: Limits = LIMITS) -> Decoded:
    return native.decode(body, content_type, limits)


def events(decoded: Decoded) -> list[Any]:
    return [json.loads(line) for chunk in decoded.chunks for line in chunk.ndjson.splitlines()]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"n":1}', [{"n": 1}]),
        (b'{"n":1}\n', [{"n": 1}]),
        (b'\xef\xbb\xbf{"n":1}', [{"n": 1}]),
        (b'\n \r\n{"n":1}\r\n\r\n  {"n":2}  \r\n', [{"n": 1}, {"n": 2}]),
        (b'[{"n":1},{"n":2}]', [{"n": 1}, {"n": 2}]),
        (b' [\n {"n":\n 1}\n]\n', [{"n": 1}]),
        (b'{\n"n":\n{"m":1}\n}', [{"n": {"m": 1}}]),
        (b'{"a":"}\\n{"}\n{"b":"{{[[,,"}', [{"a": "}\n{"}, {"b": "{{[[,,"}]),
        (b'{"n":1,"n":2}', [{"n": 2}]),
        (b"{}", [{}]),
    ],
)
def test_what_is_taken(body: bytes, expected: list[Any]) -> None:
    decoded = decode(body)
    assert events(decoded) == expected
    assert not decoded.rejects
    assert decoded.accepted == len(expected)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"a":}', "malformed"),
        (b"not json", "malformed"),
        (b'{"a":1}{"b":2}', "trailing"),
        (b"1", "got `int`"),
        (b"[1]", "got `array`"),
        (b"null", "got `null`"),
        (b'{"a":NaN}', "malformed"),
        (b'{"a":"\xff"}', "not UTF-8: byte 0xff at position 6"),
        (b'{"a":"\\ud800"}', "lone surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "surrogate"),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "at most 128 levels"),
        (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "201 levels"),
        (b"{" + b",".join(b'"f%d":1' % n for n in range(50_000)) + b"}", "50,000 fields"),
        (b'{"a":"' + b"x" * (20 << 20) + b'"}', "20,971,528 bytes"),
    ],
)
def test_a_bad_event_is_named_and_the_others_are_taken(line: bytes, says: str) -> None:
    before = [GOOD] * 5000
    decoded = decode(b"\n".join([*before, line, *before]))
    assert decoded.accepted == 10_000
    (reject,) = decoded.rejects
    assert (reject.index, reject.line) == (5000, 5001)
    assert says in reject.error


@pytest.mark.parametrize("line", [b'{"a\\u0000":"\\u0000"}', b'{"a":1e999}', b'{"a":' + b"9" * 40 + b"}", b'{"":null}'])
def test_odd_but_valid_events_are_taken_as_they_are(line: bytes) -> None:
    decoded = decode(b"\n".join([GOOD, line]))
    assert decoded.chunks[0].ndjson == GOOD + b"\n" + line + b"\n"


def test_an_array_of_scalars_is_rejected_one_by_one() -> None:
    decoded = decode(b'[1, "x", null, {"n":1}]')
    assert events(decoded) == [{"n": 1}]
    assert [(reject.index, reject.line) for reject in decoded.rejects] == [(0, None), (1, None), (2, None)]


@pytest.mark.parametrize("body", [b"", b"  \n\r\n", b"[]", b"\xef\xbb\xbf"])
def test_nothing_to_take_is_an_error(body: bytes) -> None:
    with pytest.raises(BadRequest, match="holds no events"):
        decode(body)


@pytest.mark.parametrize("body", [b'[{"n":1}', b"[" * 100_000, b'[{"n":1},\xff]'])
def test_a_broken_array_is_refused_whole(body: bytes) -> None:
    with pytest.raises(BadRequest, match="array") as refused:
        decode(body)
    assert refused.value.hint


def test_another_media_type_is_named_when_the_body_is_no_json() -> None:
    with pytest.raises(UnsupportedMedia, match="x-protobuf"):
        decode(b"\x0a\x03abc", "application/x-protobuf")
    assert decode(GOOD, "application/x-protobuf").accepted == 1


def test_limits_hold_at_their_edge() -> None:
    limits = Limits(max_event_bytes=20, max_depth=3, max_fields=2)
    lines = {
        b'{"a":1,"b":2}': True,
        b'{"a":1,"b":2,"c":3}': False,
        b'{"a":[[1]]}': True,
        b'{"a":[[[1]]]}': False,
        b'{"a":"' + b"x" * 12 + b'"}': True,
        b'{"a":"' + b"x" * 13 + b'"}': False,
    }
    decoded = decode(b"\n".join(lines), limits=limits)
    assert [line + b"\n" for line, good in lines.items() if good] == decoded.chunks[0].ndjson.splitlines(keepends=True)
    assert len(decoded.rejects) == 3


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3), min_size=1))
def test_events_keep_their_order_and_content(sent: list[dict[str, Any]]) -> None:
    try:
        lines = [json.dumps(event, ensure_ascii=False).encode() for event in sent]
    except UnicodeEncodeError:  # a lone surrogate is no UTF-8
        return
    assert events(decode(b"\n".join(lines))) == sent
    assert events(decode(b"[" + b",\n".join(lines) + b"]")) == sent


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_decoder(body: bytes) -> None:
    try:
        decoded = decode(body)
    except BadRequest:
        return
    assert decoded.accepted + len(decoded.rejects) > 0


@given(
    st.lists(
        st.sampled_from([b"{", b"}", b"\n", b'"', b"\\", b",", b":", b"a", b"1", b"[", b"]", b" ", b"{}", b'{"a":1}'])
    )
)
def test_what_is_taken_is_one_object_a_line(parts: list[bytes]) -> None:
    try:
        decoded = decode(b"".join(parts))
    except BadRequest:
        return
    for chunk in decoded.chunks:
        lines = chunk.ndjson.splitlines()
        assert len(lines) == chunk.events
        assert all(isinstance(json.loads(line), dict) for line in lines)
