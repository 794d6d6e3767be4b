"""A token filter never denies a word that is there."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordwood.store.segments.indexing import token_filter_of
from cordwood.store.segments.token_filter import TokenFilter
from cordwood.store.segments.words import hashes_of, json_word_hashes, number_hashes, word_hashes

_texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from('aB9_ .-/"\\\n\x1bé'), max_size=40
) | st.sampled_from(["a" * 64, "a" * 65 + "b", "a" * 65 + "c", "0123456789abcdef" * 3, ""])


def words(text: str) -> list[str]:
    return re.findall(r"[0-9A-Za-z_\x80-\U0010ffff]+", text)


@settings(deadline=None)
@given(st.lists(st.none() | _texts, max_size=8), st.integers(0, 3))
def test_words_of_many_texts_are_the_words_of_each(texts: list[str | None], skipped: int) -> None:
    found = word_hashes(pa.array(texts, pa.string()).slice(skipped))
    alone = [word for text in texts[skipped:] if text is not None for word in words(text)]
    assert sorted(found.tolist()) == sorted(int(hashes_of(word)[0]) for word in alone)


@settings(deadline=None)
@given(st.lists(_texts, min_size=1, max_size=8), st.booleans())
def test_words_of_json_are_those_that_it_means(texts: list[str], is_ascii: bool) -> None:
    lines = pa.array([json.dumps({"a": [text]}, ensure_ascii=is_ascii) for text in texts], pa.string())
    found = json_word_hashes(lines)
    assert found is not None
    for text in texts:
        for word in words(text):
            assert hashes_of(word)[0] in found, word


def test_case_and_what_surrounds_a_word_do_not_matter() -> None:
    assert hashes_of("GET") == hashes_of("get") == hashes_of('"Get",')
    assert len({int(each) for each in hashes_of("get gets set geT éa Éa a")}) == 6


def test_an_escape_without_a_meaning_is_told() -> None:
    assert json_word_hashes(pa.array(['{"a":"\\ud800"}'])) is None


def test_numbers_are_known_by_their_value() -> None:
    whole, broken = (
        number_hashes(pa.array([500, None, 0, 2**60])),
        number_hashes(pa.array([500.0, None, -0.0, 2.0**60])),
    )
    assert whole.tolist() == broken.tolist()
    assert number_hashes(pa.array([0.1])) != number_hashes(pa.array([0.2]))


@pytest.mark.parametrize("distinct", [1, 300, 20_000])
def test_a_filter_seldom_says_yes_in_vain(distinct: int, tmp_path: Path) -> None:
    texts = [f"id{number % distinct:08x}" for number in range(20_000)]
    built = token_filter_of([pa.table({"a:str": texts})])
    assert built is not None
    path = tmp_path / "file"
    path.write_bytes(b"PAR1" + built.to_bytes() + b"more")
    kept = TokenFilter.read(path)
    assert kept == built
    assert all(kept.may_hold(hashes_of(text)) for text in texts[:2000])
    wrong = sum(kept.may_hold(hashes_of(f"no{number:08x}")) for number in range(2000))
    assert wrong < 0.06 * 2000
    assert len(kept.bits) <= max(64, 4 * distinct)


def test_what_has_no_filter_says_so(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"PAR1\x15\x04\x15\x20\x15\x22")
    (tmp_path / "short").write_bytes(b"PAR1")
    built = TokenFilter.of([hashes_of("a b c")], 1).to_bytes()
    (tmp_path / "cut").write_bytes(b"PAR1" + built[:-1])
    (tmp_path / "flipped").write_bytes(b"PAR1" + built[:-1] + bytes((built[-1] ^ 1,)))
    assert TokenFilter.read(tmp_path / "cut") is None
    assert TokenFilter.read(tmp_path / "flipped") is None
    assert TokenFilter.read(tmp_path / "old") is None
    assert TokenFilter.read(tmp_path / "short") is None
    assert TokenFilter.of([np.zeros(0, np.uint64)], 0).may_hold(hashes_of("")) is True
