"""What a search for words finds, held to the words of the token filters: a segment that is skipped holds no match."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.texts import words_regex
from cordwood.model.search.wildcards import literal
from cordwood.store.segments.words import hashes_of

ALPHABET = st.sampled_from("aAbk_9 .-=\0\n\té\u212a\u00a0\U0001f600[\\^")
TEXTS = st.text(ALPHABET, max_size=14)
_WORD = re.compile("[0-9A-Za-z_\x80-\U0010ffff]")


def finds(pattern: str, text: str) -> bool:
    return compile_regex(words_regex(pattern)).search(text) is not None


def lowered(text: str) -> str:
    return text.encode().lower().decode()


@given(TEXTS.filter(bool), TEXTS)
def test_a_phrase_is_its_text_between_the_ends_of_words(phrase: str, text: str) -> None:
    def is_word(at: int) -> bool:
        return 0 <= at < len(text) and _WORD.match(text[at]) is not None

    expected = any(
        lowered(text[at : at + len(phrase)]) == lowered(phrase)
        and not (_WORD.match(phrase[0]) and is_word(at - 1))
        and not (_WORD.match(phrase[-1]) and is_word(at + len(phrase)))
        for at in range(len(text))
    )
    assert finds(literal(phrase), text) is expected


@given(TEXTS.filter(bool), TEXTS, TEXTS)
def test_every_word_of_a_phrase_that_is_found_is_in_the_filter(phrase: str, before: str, behind: str) -> None:
    text = before + phrase + behind
    if finds(literal(phrase), text):
        assert set(hashes_of(phrase).tolist()) <= set(hashes_of(text).tolist())


@given(st.text(st.sampled_from("ab*?."), min_size=1, max_size=6), st.text(st.sampled_from("ab.c "), max_size=10))
def test_wildcards_are_within_words(pattern: str, text: str) -> None:
    body = "".join({"*": "[abc]*", "?": "[abc]", ".": r"\."}.get(each, each) for each in pattern)
    begins = "" if pattern[0] == "." else r"(?<![abc])"
    ends = "" if pattern[-1] == "." else r"(?![abc])"
    assert finds(pattern, text) is (re.search(begins + body + ends, text) is not None)
