"""Texts that must be within whatever an expression is found in."""

import os
import random

import pytest

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.regex.literals import literals
from tests.support.regexes import SIGNS, is_taken, regex_of

EXPRESSIONS = 2000 * int(os.environ.get("CORDWOOD_TEST_FILTERS_TIMES", "1"))


@pytest.mark.parametrize(
    ("expression", "texts", "is_all"),
    [
        ("item:4242", ["item:4242"], True),
        (r"a\.b\(c", ["a.b(c"], True),
        ("(?:time)(out)", ["timeout"], True),
        ("^GET /a", ["GET /a"], False),
        (r"\bword\b", ["word"], False),
        ("completed in 1[0-9]{3} ms$", ["completed in 1", " ms"], False),
        ("ab(cd)+ef", ["abcd", "ef"], False),
        ("abc?d", ["ab", "d"], False),
        ("a{2}", ["a"], False),
        ("card|cash", [], False),
        ("pay (card|cash) now", ["pay ", " now"], False),
        ("(?i)abc1", ["1"], False),
        ("(?i)timeout", [], False),
        (".*", [], False),
        ("(?:)", [], False),
    ],
)
def test_what_must_be_there(expression: str, texts: list[str], is_all: bool) -> None:
    found = literals(expression)
    assert (list(found.texts), found.is_all) == (texts, is_all)


def test_nothing_is_found_where_they_are_not() -> None:
    source = random.Random(os.environ.get("CORDWOOD_TEST_SEED", "1"))
    told = known = 0
    for _ in range(EXPRESSIONS):
        expression = regex_of(source)
        if not is_taken(expression):
            continue
        compiled, needed = compile_regex(expression), literals(expression)
        known += bool(needed.texts)
        texts = ["".join(source.choices(SIGNS, k=source.randint(0, 6))) for _ in range(8)]
        texts += ["".join(source.sample([*needed.texts, source.choice(SIGNS)], len(needed.texts) + 1))]
        for text in texts:
            if compiled.search(text):
                assert all(each in text for each in needed.texts), (expression, text)
                told += bool(needed.texts)
            elif needed.is_all:
                assert needed.texts[0] not in text, (expression, text)
    assert known > EXPRESSIONS / 4
    assert told > EXPRESSIONS / 20
