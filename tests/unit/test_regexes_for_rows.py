"""Regular expressions of RE2, written for PostgreSQL."""

import pytest

from cordwood.errors import BadQuery
from cordwood.language.regex.characters import in_any_case, of_unicode, others, united, without
from cordwood.language.regex.reading import read
from cordwood.store.postgres.filters.regex.writing import written


def own(regex: str) -> str:
    return written(read(regex), regex)


@pytest.mark.parametrize(
    ("regex", "wanted"),
    [
        ("abc", "(?:abc)"),
        ("a.", r"(?:a(?:[\u0001-\u0009\u000b-\ue0bf\ue0c1-\U0010ffff]|\ue0c00|\ue0c01))"),
        (r"a\d+?", "(?:a(?:[0-9]){1,})"),
        ("a|b", "(?:a|b)"),
        ("(?P<x>a)(?i)k", "(?:a[Kk\\u212a])"),
        ("^0", "(?:^0)"),
        # It could begin within a pair of characters that stands for one.
        ("0", r"(?:^|[^\ue0c0])(?:0)"),
        (r"a\x00", r"(?:a(?:\ue0c00))"),
        (r"a\Q.*\E", r"(?:a\u002e\u002a)"),
        ("(?m)a$", r"(?:a(?:$|(?=\u000a)))"),
        ("(((a?){10}){10}){10}b", r"(?:^|[^\ue0c0])(?:(?:(?:a){0,255}){3}(?:a){0,235}b)"),
        ("a*a?a+b", "(?:(?:a){1,}b)"),
        (r"a[^\s\S]{2}", "(?:a(?:(?!)){2,2})"),
        # Of the same parts, but not the same.
        ("x(?:ab)*(?:a|b)*", "(?:x(?:ab){0,}(?:a|b){0,})"),
        (r"[^\x00-\x{10ffff}]a", "(?:(?!)a)"),
    ],
)
def test_they_are_spelt_out(regex: str, wanted: str) -> None:
    assert own(regex) == wanted


def test_what_is_a_byte_is_refused_at_its_place() -> None:
    with pytest.raises(BadQuery, match="searched by characters") as caught:
        own(r"ab\Cd")
    assert (caught.value.query, caught.value.position, caught.value.length) == (r"ab\Cd", 2, 2)


@pytest.mark.parametrize(
    "regex",
    [
        "(?:ab){1000}c{1000}",
        r"(?:\b\w*){16}",
        r"(?:\b|a|\b){8}",
        "(?:.*b?){200}Z",
        r"\pL" * 40,
        "(?:" + r"[\pL\pN]" * 30 + ")",
    ],
)
def test_what_postgresql_would_take_long_to_make_ready_is_refused(regex: str) -> None:
    with pytest.raises(BadQuery):
        own(regex)


def test_sets_of_characters() -> None:
    assert united([(5, 6), (1, 2), (3, 4), (9, 9)]) == ((1, 6), (9, 9))
    assert others(((0, 4), (6, 0x10FFFF))) == ((5, 5),)
    assert without(((1, 5),), 3) == ((1, 2), (4, 5))
    assert in_any_case(((ord("s"), ord("s")),)) == ((ord("S"), ord("S")), (ord("s"), ord("s")), (0x17F, 0x17F))
    assert (ord("α"), ord("ω")) in [(max(low, 0x3B1), min(high, 0x3C9)) for low, high in of_unicode(r"\p{Greek}")]
