"""What every decoder keeps for any bytes: the promises of tests/fuzz, from small samples and by hypothesis."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordwood.errors import BadRequest, TooLarge
from cordwood.http.inflate import inflate
from cordwood.model.receipt import parse_receipt
from cordwood.protocols import native, ndjson
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

    @settings(deadline=None, max_examples=300)
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
