"""What JSONB cannot hold is kept reversibly."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.store.postgres.jsonb import SENTINEL, escaped_text, storable, unescaped, unescaped_text

tricky = st.lists(
    st.sampled_from(
        [SENTINEL, "\0", "0", "1", "\\", "\\u0000", "\\ue0c0", '"', "{", "[", "number", "json", "1e400", ":1e400"]
    )
).map("".join)
texts = tricky | st.text(st.characters(exclude_categories=["Cs"]))


def as_postgresql_spells(line: bytes) -> bytes:
    """Of what is tested here, only the blanks matter: `", "` and `": "`."""
    return json.dumps(json.loads(line), ensure_ascii=False).encode()


@given(texts)
def test_a_text_is_kept_without_nul_and_comes_back(text: str) -> None:
    kept = escaped_text(text)
    assert "\0" not in kept
    assert unescaped_text(kept) == text


@given(texts, texts)
def test_two_texts_are_never_kept_alike(one: str, other: str) -> None:
    assert (escaped_text(one) == escaped_text(other)) == (one == other)


@given(st.dictionaries(texts, texts | st.lists(texts, max_size=2), max_size=3), st.booleans(), st.booleans())
def test_an_event_is_kept_without_nul_and_comes_back(event: dict[str, object], ascii_only: bool, upper: bool) -> None:
    line = json.dumps(event, ensure_ascii=ascii_only).encode()
    if upper:
        line = line.replace(b"\\ue0c0", b"\\uE0C0")
    (kept,) = storable([line], line + b"\n")
    assert "\0" not in str(msgspec.json.decode(kept).keys()) + json.dumps(msgspec.json.decode(kept), ensure_ascii=False)
    assert json.loads(unescaped(as_postgresql_spells(kept))) == json.loads(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1e399,"b":-2.5E+308,"c":1e-0000001,"d":0.1e99}',
        b'{"id":"12e4567","mac":"a:1e400","uuid":"1e400000-0000","list":["1e400",",1e400","\\",1e400"]}',
        b'{"digits":"' + b"9" * 40_000 + b'"}',
        b'{"digits":[' + b",".join([b"123456789"] * 5_000) + b"]}",
    ],
)
def test_what_jsonb_holds_well_is_left_as_it_is(line: bytes) -> None:
    assert list(storable([line], line + b"\n")) == [line]


def test_only_the_numbers_at_fault_are_kept_apart() -> None:
    lines = [b'{"a":1}', b'{"a":[1e400,2,-1E-16000],"b":"1e400"}']
    kept = list(storable(lines, b"\n".join(lines)))
    number = f"{SENTINEL}number"
    assert kept[0] == lines[0]
    assert json.loads(kept[1]) == {"a": [{number: ["1e400", "inf"]}, 2, {number: ["-1E-16000", "0.0"]}], "b": "1e400"}
