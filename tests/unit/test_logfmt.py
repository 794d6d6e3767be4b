"""logfmt: pairs, quoting, and what is no logfmt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.protocols.logfmt import looks_like, parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("level=info msg=started port=8080", {"level": "info", "msg": "started", "port": "8080"}),
        ('msg="two words"', {"msg": "two words"}),
        (r'msg="say \"hi\" \\ \n \t é"', {"msg": 'say "hi" \\ \n \t é'}),
        ("url=/a?b=c&d=e", {"url": "/a?b=c&d=e"}),
        ('empty= also=""', {"empty": "", "also": ""}),
        ("a=1 flag b=2", {"a": "1", "flag": True, "b": "2"}),
        ("a=1 a=2 a=3", {"a": ["1", "2", "3"]}),
        ("  a=1\t b=2  ", {"a": "1", "b": "2"}),
        ('path=C:\\temp x=a"b', {"path": "C:\\temp", "x": 'a"b'}),
        (r'raw="\x1b \q \ud800"', {"raw": r"\x1b \q \ud800"}),
        ("id=007 big=1e999", {"id": "007", "big": "1e999"}),
        ("größe=3 emoji=🪵", {"größe": "3", "emoji": "🪵"}),
    ],
)
def test_pairs_are_read_as_texts(line, expected):
    assert parse(line) == expected


@pytest.mark.parametrize(
    "line",
    ["", "   ", "plain words only", "then a=1", 'a="unterminated', 'a="x"y', "=value", 'a=1 "quoted key"=2', '"'],
)
def test_what_does_not_follow_the_grammar_is_not_logfmt(line):
    assert parse(line) is None


@pytest.mark.parametrize(
    ("line", "is_meant"),
    [
        ("level=info a=b", True),
        ("ts=1 caller=x.go:1", True),
        ("level=info", False),
        ("x=1 y=2", False),
        ("level=info word a=b", False),
    ],
)
def test_only_what_is_surely_meant_looks_like_it(line, is_meant):
    pairs = parse(line)
    assert pairs is not None
    assert looks_like(pairs) is is_meant


_KEYS = st.text(st.characters(exclude_characters='="', exclude_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]), min_size=1)
_VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(_KEYS, _VALUES, min_size=1))
def test_every_quoted_value_comes_back(pairs):
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert parse(" ".join(f"{key}={quoted(value)}" for key, value in pairs.items())) == pairs


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ['a="\\', "a=", '"', "a b ", 'a="" '])
def test_hostile_lines_take_linear_time(unit):
    parse("level=info " + unit * 100_000)
