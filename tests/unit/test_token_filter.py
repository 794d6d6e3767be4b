"""A token filter never denies a word that is there."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.store.segments.indexing import token_filter_of
from cordwood.store.segments.many_filters import ManyFilters
from cordwood.store.segments.token_filter import Bits, ProbedFilter, TokenFilter, no_bits
from cordwood.store.segments.word_bits import set_json_words, set_numbers, set_words
from cordwood.store.segments.words import Hashes, hashes_of, number_hashes

EVENTS = 500
_texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from('aB9_ .-/"\\\n\x1bé'), max_size=40
) | st.sampled_from(["a" * 64, "a" * 65 + "b", "a" * 65 + "c", "a" * 200, "0123456789abcdef" * 3, ""])
_alike = st.builds(
    "{}{}".format,
    st.sampled_from(
        ["2026-11-25T10:00:00.123Z", "user 12345 logged in from 10.11.12.13", "abcdefgh" * 9, "a b c d e f g h "]
    ),
    st.text("ab Z-", max_size=9),
) | st.text("ab ", min_size=7, max_size=17)
"""Texts of which one often begins as another does."""


def bits_of(hashes: Iterable[Hashes]) -> Bits:
    """By the definition."""
    bits = no_bits(EVENTS)
    blocks = bits.reshape(-1, 8)
    for found in np.concatenate([np.zeros(0, np.uint64), *hashes]).tolist():
        spread = found * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        for lane in range(8):
            blocks[(found >> 32) * len(blocks) >> 32, lane] |= np.uint64(1 << (spread >> 16 + 6 * lane & 63))
    return bits


def says_yes(built: TokenFilter, texts: Iterable[str]) -> int:
    """For how many texts a filter does not say no."""
    words = ManyFilters([built])
    return sum(bool(words.may_hold(hashes_of(text)).all()) for text in texts)


def word_bits(texts: pa.Array) -> Bits:
    bits = no_bits(EVENTS)
    set_words(texts, bits)
    return bits


def json_bits(texts: pa.Array) -> Bits | None:
    bits = no_bits(EVENTS)
    return bits if set_json_words(texts, bits) else None


def number_bits(values: list[Any]) -> list[int]:
    bits = no_bits(EVENTS)
    set_numbers(pa.array(values), bits)
    found: list[int] = bits.tolist()
    return found


def golden(rows: int) -> pa.Table:
    tags = '["cache",%d,"tab\\there \\u00c9t\\u00e9 \\ud83d\\ude00x"]'
    columns = {
        "message:str": [f"GET /Items/{row:05d} took {row * 7 % 1000} ms, Fähre {row % 3}" for row in range(rows)],
        "service": pa.array([("shop", "auth")[row % 2] for row in range(rows)]).dictionary_encode(),
        "tags:json": [tags % (row % 50) for row in range(rows)],
        "status:int": [None if row % 5 == 0 else row % 400 for row in range(rows)],
        "took:float": [row / 8 for row in range(rows)],
        "ok:bool": [True] * rows,
        "ordinal": list(range(rows)),
    }
    return pa.table(columns)


def test_words_have_the_hashes_that_files_have() -> None:
    """From the first version on; files keep them."""
    kept = {
        "a": 0xEB2475ED3A6817CF,
        "GET": 0x3C63232183EB850E,
        "0123456": 0x358B50B01DF252F9,
        "01234567": 0x7820948A1C8D41FA,
        "012345678": 0xB8C7A46B905FE635,
        "0123456789abcdef": 0x69DDA81D685F73B4,
        "x" * 63: 0xC0D774BD5B1E7160,
        "x" * 64: 0xCCC308E2142B1D66,
        "x" * 65 + "y": 0xE45C8229E36F13BD,
        "x" * 200: 0xBC49585B90E243A6,
        "É": 0x985BD2D18992863A,
        "日本語": 0x72C9F50CA229BB20,
        "a_b": 0x1C2A6812C923F729,
    }
    numbers = {0.0: 0xCB0BFFEBC058ED99, 1.0: 0x73727E96E54359B, 0.1: 0xF10A88D37871D650, 1e300: 0xEB17672D81D93A86}
    assert {word: hashes_of(word).tolist() for word in kept} == {word: [found] for word, found in kept.items()}
    assert {value: number_hashes(value).tolist() for value in numbers} == {
        value: [found] for value, found in numbers.items()
    }


def test_filters_are_the_bytes_that_files_have() -> None:
    few, many = token_filter_of([golden(3)]), token_filter_of([golden(2000)])
    assert few is not None and many is not None
    assert few.bits.hex() == (
        "d2a205080aeb0102100188001027717a21024a0151bc90e04001700e14c3d0d0"
        "5628930a648950265ad200a09c008c1420a1280171ca2552d206810ce0e35804"
    )
    assert hashlib.sha256(many.bits).hexdigest() == ("d62e73481c3092d7eff78918cc80bb6ec9065b9dcbda35e9b80ea50d215fb828")


def test_filters_of_the_first_version_are_asked_as_they_were_made() -> None:
    bits = bytes.fromhex(
        "00200108008204a00000021180040402602820000000204100804180002008a0"
        "004144040022049800002109a0a000005410c00a00800000250006a000030090"
    )
    held = ["get items 00002", "took", "Été", "shop", "0", "fähre", "😀x"]
    words = ManyFilters([ProbedFilter(bits, 3)])
    assert [text for text in [*held, "00003", "no", "none"] if words.may_hold(hashes_of(text)).all()] == held


def words(text: str) -> list[str]:
    return re.findall(r"[0-9A-Za-z_\x80-\U0010ffff]+", text)


@given(_texts)
def test_a_text_has_the_hashes_of_its_words(text: str) -> None:
    assert hashes_of(text).tolist() == [int(hashes_of(word)[0]) for word in words(text)]


@given(st.lists(st.none() | _texts | _alike, max_size=8), st.integers(0, 3), st.integers(0, 8))
def test_words_of_many_texts_are_the_words_of_each(texts: list[str | None], skipped: int, most: int) -> None:
    found = word_bits(pa.array(texts, pa.string()).slice(skipped, most))
    asked = [hashes_of(text) for text in texts[skipped : skipped + most] if text is not None]
    assert found.tolist() == bits_of(asked).tolist()


@given(st.lists(st.none() | _texts | _alike, max_size=8), st.integers(0, 3), st.booleans())
def test_words_of_json_are_those_that_it_means(texts: list[str | None], skipped: int, is_ascii: bool) -> None:
    lines = [None if text is None else json.dumps({"a": [text]}, ensure_ascii=is_ascii) for text in texts]
    found = json_bits(pa.array(lines, pa.string()).slice(skipped))
    asked = [hashes_of(f'{{"a":["{text}"]}}') for text in texts[skipped:] if text is not None]
    assert found is not None
    assert found.tolist() == bits_of(asked).tolist()


def test_texts_that_begin_alike_keep_their_own_words() -> None:
    texts = ["abcdefgh ijkl mnopq", "abcdefgh ij", "kl mnopq", "kl mnopq kl mnopqr", "a b", "a ba ba ba ba "]
    assert word_bits(pa.array(texts)).tolist() == bits_of(map(hashes_of, texts)).tolist()


def test_texts_end_where_their_bytes_do() -> None:
    """Compiled code looks at no bounds: what is around the bytes of a column stays unseen, even when it is damaged."""
    body = pa.py_buffer(b"before inside\\tin and behind it").slice(7, 10)
    for places in ([0, 30, 10], [0, -7, 10], [0, 10, -7, 30, 10], [0, -(1 << 31), (1 << 31) - 1, 10]):
        begins = pa.py_buffer(np.array(places, np.int32).tobytes())
        texts = pa.Array.from_buffers(pa.string(), len(places) - 1, [None, begins, body])
        assert word_bits(texts).tolist() == bits_of([hashes_of("inside tin")]).tolist()
        found = json_bits(texts)
        assert found is not None
        assert found.tolist() == bits_of([hashes_of("inside in")]).tolist()


def test_what_lies_under_a_null_does_not_matter() -> None:
    begins, body = pa.py_buffer(np.array([0, 2, 4], np.int32).tobytes()), pa.py_buffer(b"[]\\x")
    found = json_bits(pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x01"), begins, body]))
    assert found is not None
    assert not any(found.tolist())


def test_case_and_what_surrounds_a_word_do_not_matter() -> None:
    assert hashes_of("GET") == hashes_of("get") == hashes_of('"Get",')
    assert len({int(each) for each in hashes_of("get gets set geT éa Éa a")}) == 6


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\ud800\\n", "\\ud800\\u0041", "\\udc00", "\\x", "\\", "\\u", "\\u12", "\\u12g4", "\\ud800\\u"]
)
def test_an_escape_without_a_meaning_is_told(text: str) -> None:
    assert json_bits(pa.array(["[]", text])) is None
    assert json_bits(pa.array(["[]", text, "n"])) is None
    assert json_bits(pa.array(["[]", text, "0041"])) is None
    assert json_bits(pa.array(["[]", text, "\\udc00"])) is None


def test_numbers_are_known_by_their_value() -> None:
    assert number_bits([500, None, 0, 2**60]) == number_bits([500.0, None, -0.0, 2.0**60])
    values = [0.1, -1.5, 1e300, float("inf"), 2.0**53]
    assert number_bits(values) == bits_of(map(number_hashes, values)).tolist()
    assert number_hashes(0.1) != number_hashes(0.2)
    assert number_hashes(0.0) == number_hashes(-0.0)


def test_who_only_asks_does_not_load_the_compiler() -> None:
    program = "import sys, cordwood.store.segments.skipping; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("distinct", [1, 300, 20_000])
def test_a_filter_seldom_says_yes_in_vain(distinct: int) -> None:
    texts = [f"id{number % distinct:08x}" for number in range(20_000)]
    built = token_filter_of([pa.table({"a:str": texts})])
    assert built is not None
    assert says_yes(built, texts[:2000]) == 2000
    assert says_yes(built, (f"no{number:08x}" for number in range(5000))) < 0.003 * 5000
    assert len(built.bits) <= max(192, 3.2 * distinct)


@pytest.mark.parametrize("words", [10, 16])
def test_a_filter_of_events_with_many_new_words_is_not_too_dense(words: int) -> None:
    """A trace id is asked of a thousand of them: where each says yes in vain now and then, many are read in vain."""
    texts = [" ".join(f"{number:x}w{word}" for word in range(words)) for number in range(16_384)]
    built = token_filter_of([pa.table({"a:str": texts})])
    assert built is not None
    assert says_yes(built, texts[:500]) == 500
    assert says_yes(built, (f"no{number:08x}" for number in range(5000))) < 0.003 * 5000


def test_no_filter_is_larger_than_its_rows_warrant() -> None:
    texts = [" ".join(f"{number:x}w{word}" for word in range(60)) for number in range(1000)]
    built = token_filter_of([pa.table({"a:str": texts})])
    assert built is not None
    assert len(built.bits) <= 64 * 1000
    assert says_yes(built, texts[:100]) == 100


def test_filters_asked_together_answer_as_each_does() -> None:
    built = [
        token_filter_of([pa.table({"a:str": [f"w{number}", "both"] * size})]) for number, size in enumerate((1, 90))
    ]
    probed = ProbedFilter(bytes(64), 3)
    words = ManyFilters([None, *built, probed, TokenFilter.of(no_bits(0))])
    assert words.may_hold(hashes_of("")).tolist() == [True] * 5
    assert words.may_hold(hashes_of("w0")).tolist() == [True, True, False, False, False]
    assert words.may_hold(hashes_of("w1 both")).tolist() == [True, False, True, False, False]
    assert ManyFilters([]).may_hold(hashes_of("a")).tolist() == []
    assert ManyFilters([ProbedFilter(b"\xff" * 64, 3)]).may_hold(hashes_of("a")).tolist() == [True]


_CHECKED = """
import sys
import numpy
import pytest
from cordwood import compiled

@compiled.compiled
def word_at(data, place):
    word = numpy.uint64(0)
    for byte in range(8):
        word |= numpy.uint64(data[numpy.uint64(place + byte)]) << numpy.uint64(8 * byte)
    return word

compiled.word_at = word_at
sys.exit(pytest.main(["-q", "-p", "no:randomly", "-k", "not compile", sys.argv[1]]))
"""


def test_no_compiled_loop_reads_or_writes_beyond_its_arrays(tmp_path: Path) -> None:
    """The same tests, with every index checked, and those of words read at once."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", _CHECKED, __file__], env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout.decode()
