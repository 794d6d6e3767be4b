"""What every decoder keeps for any bytes: the promises of tests/fuzz, from small samples and by hypothesis."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordwood.errors import BadRequest, TooLarge
from cordwood.http.inflate import inflate
from cordwood.model.receipt import parse_receipt
from cordwood.protocols import native, ndjson
from cordwood.protocols.check import error_of
from cordwood.protocols.counting import count_objects
from cordwood.protocols.decoded import Limits
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"

# Bytes that mean something to one decoder or another, whole and in pieces.
_MARKS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\r", b" ", b"=", b"~", b".", b"-", b"\x00", b"\xff"]
_WORDS = [b'{"a":1}', b'{"n":{"m":[1,null]}}', b"level=error", b"\\u0000", b"\\ud800", b"1e999", b"Bearer ", b"Basic "]
_WORDS += [b"filter=", b"limit=", b"start=-15m", b"&", b"%22", b'[01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5']
_WORDS += [b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\xef\xbb\xbf", "größe 🪵".encode(), b"~0~1"]
hostile = st.lists(st.one_of(st.sampled_from(_MARKS + _WORDS), st.binary(max_size=4)), max_size=40).map(b"".join)


def _samples(decoder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / decoder).iterdir())]


@pytest.mark.parametrize("decoder", sorted(TARGETS))
def test_samples_keep_the_promises(decoder: str) -> None:
    assert _samples(decoder), "every decoder has samples to begin with"
    for sample in _samples(decoder):
        for cut in range(len(sample) + 1):
            TARGETS[decoder](sample[:cut])


@pytest.mark.parametrize("decoder", sorted(TARGETS))
def test_any_bytes_keep_the_promises(decoder: str) -> None:
    samples = st.sampled_from(_samples(decoder))

    @settings(max_examples=300)
    @given(st.one_of(hostile, st.builds(lambda sample, tail: sample + tail, samples, hostile), st.binary()))
    def keeps(data: bytes) -> None:
        TARGETS[decoder](data)

    keeps()


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"0," * 1_000_000 + b"0]",
        b"[" + b"{}," * 1_000_000 + b"{}]",
        b'[{},{"a":[' + b"{}," * 1_000_000 + b"{}]}]",
    ],
    ids=["numbers", "objects", "nested objects"],
)
def test_an_array_of_countless_small_values_is_refused(body: bytes) -> None:
    with pytest.raises(TooLarge, match="more than 1,000,000"):
        native.decode(body, "", Limits())


def test_a_large_array_of_events_with_many_values_is_taken() -> None:
    event = b'{"n":[' + b"0," * 999 + b"0]}"
    decoded = native.decode(b"[" + b",".join([event] * 1_100) + b"]", "", Limits())
    assert (decoded.accepted, decoded.rejects) == (1_100, [])


def test_countless_bad_lines_are_refused_as_one() -> None:
    with pytest.raises(BadRequest, match="more than 1,000 events of this request"):
        ndjson.decode(b'{"good":1}\n' + b"x\n" * 1_001, Limits(max_rejects=1_000))
    decoded = ndjson.decode(b'{"good":1}\n' + b"x\n" * 1_000, Limits(max_rejects=1_000))
    assert (decoded.accepted, len(decoded.rejects)) == (1, 1_000)


@pytest.mark.parametrize("pieces", [1, 3])
def test_bad_lines_are_counted_over_the_whole_body(pieces: int) -> None:
    padding = b'{"pad":"' + b"x" * ndjson.CHUNK_BYTES + b'"}\n'
    body = (padding + b"x\n" * 10) * pieces
    limits = Limits(max_rejects=15, max_event_bytes=len(padding))
    if pieces == 1:
        assert len(ndjson.decode(body, limits).rejects) == 10
    else:
        with pytest.raises(BadRequest):
            ndjson.decode(body, limits)


@pytest.mark.parametrize(
    "text",
    ["", "x", "~0~1", "01a20a6b-c8c1-7b73-a9d5-ddce00000000~0", "01A20A6B-C8C1-7B73-A9D5-DDCE00000000~0~1",
     "01a20a6b-c8c1-7b73-a9d5-ddce00000000~-1~1", "01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~0",
     "01a20a6b-c8c1-7b73-a9d5-ddce00000000~٣~1", "01a20a6b-c8c1-7b73-a9d5-ddce00000000~ 0~1",
     "01a20a6b-c8c1-7b73-a9d5-ddce00000000~1_0~1", "01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~4294967297",
     "{01a20a6b-c8c1-7b73-a9d5-ddce00000000}~0~1", "01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~1.", "../../etc/passwd"],
)  # fmt: skip
def test_only_a_receipt_as_it_was_answered_is_one(text: str) -> None:
    with pytest.raises(BadRequest, match="not a receipt"):
        parse_receipt(text)


def test_what_follows_a_deflate_body_is_refused() -> None:
    with pytest.raises(BadRequest, match="something follows"):
        inflate(b"\x03\x00" * 2, "deflate", 100)


def test_an_inflated_body_has_a_bounded_number_of_members() -> None:
    import gzip

    with pytest.raises(BadRequest, match="over 16,384 members"):
        inflate(gzip.compress(b"") * 16_385, "gzip", 100)
    assert inflate(gzip.compress(b"ab") * 16_384, "gzip", 1 << 20) == b"ab" * 16_384


_bad_bytes = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from([*b'"\\{}[],:0123456789.-+eEtfnx\t\x00\x1f u/D8d', 0xC3, 0xFF])),
    max_size=3,
)
_spellings = st.sampled_from([{"separators": (",", ":")}, {}, {"ensure_ascii": False}])


@settings(max_examples=400)
@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=3),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    ),
    _spellings,
    _bad_bytes,
)
def test_many_lines_are_counted_only_if_each_is_good(
    events: list[object], spelling: dict[str, Any], bad: list[tuple[int, int]]
) -> None:
    limits = Limits(max_event_bytes=90, max_depth=4, max_fields=7)
    spoilt = bytearray(b"".join(json.dumps(event, **spelling).encode() + b"\n" for event in events))
    for place, byte in bad:
        if spoilt[place % len(spoilt)] != ord("\n"):
            spoilt[place % len(spoilt)] = byte
    lines = bytes(spoilt)
    try:
        lines.decode()
    except UnicodeDecodeError:
        return
    errors = [error_of(line, limits) for line in lines.split(b"\n")[:-1]]
    counted = count_objects(np.frombuffer(lines, np.uint8), 90, 4, 7)
    if any(errors):
        assert counted == -1, (lines, errors)
    else:
        assert counted in (len(errors), -1)
        if not bad:
            assert counted == len(errors)


@pytest.mark.parametrize(
    ("line", "is_good"),
    [
        (b'{"a":"\\ud83d\\ude00"}', True),
        (b'{"a":"\\u00e9\\n\\"\\\\\\/"}', True),
        (b'{"a":"\\ud83d"}', False),
        (b'{"a":"\\ude00"}', False),
        (b'{"a":"\\ud83d\\u0041"}', False),
        (b'{"a":"\\ud83d\\"', False),
        (b'{"a":"\\x"}', False),
        (b'{"a":"\\u12g4"}', False),
        (b'{"a":"\\', False),
        (b'{"a":"', False),
        (b'{"a":tru', False),
        (b'{"a":1.', False),
        (b'{"a":1}}', False),
        (b'{"a":1,}', False),
        (b'{"a":[1,]}', False),
        (b'{"a":[}', False),
        (b"[1]", False),
        (b"", False),
    ],
)
def test_a_compiled_loop_tells_a_good_line_from_a_bad_one(line: bytes, is_good: bool) -> None:
    good = b'{"b":[{"c":[true,false,null,-1.5e+3]}]}\n'
    for lines, count in ((line + b"\n", 1), (good + line + b"\n", 2), (line + b"\n" + good, 2)):
        text = np.frombuffer(lines, np.uint8)
        assert count_objects(text, 1000, 128, 100) == (count if is_good else -1)


def test_large_bodies_are_decoded_as_small_ones_are() -> None:
    small = b'{"a":"x","b":[1,2]}\n' * 100
    large = small * 200
    assert [(chunk.ndjson, chunk.events) for chunk in ndjson.decode(large, Limits()).chunks] == [(large, 20_000)]
    bad = ndjson.decode(large + b"{\n" + large, Limits())
    assert bad.accepted == 40_000
    assert [reject.line for reject in bad.rejects] == [20_001]
