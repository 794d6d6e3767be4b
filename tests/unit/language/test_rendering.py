"""Canonical text reads back as the same search; and a search travels as JSON."""

import msgspec
import pytest
from hypothesis import given

from cordwood.language.parser import parse
from cordwood.language.rendering import render
from cordwood.model.search.pipes import Search
from tests.support.searches import searches


@given(searches)
def test_what_is_rendered_reads_back(search: Search) -> None:
    text = render(search)
    found = parse(text, 0)
    assert msgspec.json.encode(found) == msgspec.json.encode(search), text
    assert render(found) == text


@given(searches)
def test_a_search_travels_as_json(search: Search) -> None:
    sent = msgspec.json.encode(search)
    found = msgspec.json.decode(sent, type=Search)
    assert msgspec.json.encode(found) == sent
    assert hash(found) == hash(search)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", "*"),
        ("  |  limit 5 ", "| limit 5"),
        ("a AND b and c", "a b c"),
        ("((a)) or (b or (c))", "a OR b OR c"),
        ("a (b or c) NOT d", "a (b OR c) -d"),
        ("NOT (a b)", "-(a b)"),
        ("!a", "-a"),
        ("'a b'", '"a b"'),
        ("level:>=ERR", "level:error OR level:fatal"),
        ("a:!=5", "a:* -a:5"),
        ("a:null", "-a:*"),
        ("a:(1 or >5)", "a:1 OR a:>5"),
        ("a:1..5", "a:[1 TO 5]"),
        ("a:{1 to *]", "a:>1"),
        ("a:>1500ms", "a:>1500ms"),
        ("a:>90s", "a:>90s"),
        ("a:>60s", "a:>1m"),
        ("a:>2048KiB", "a:>2MiB"),
        ("a:>1e3", "a:>1000"),
        ("timestamp:now", "timestamp:[2026-11-23T12:00:00.000000Z TO 2026-11-23T12:00:00.000000Z]"),
        ("timestamp:>-1h", "timestamp:>2026-11-23T11:00:00.000000Z"),
        ("a:>now-1h", "a:>2026-11-23T11:00:00.000000Z"),
        ("| where (a+b)*c > -d and not (x or y:5)", "| where (a + b) * c > -d and not (x or y:5)"),
        ("| where a == 'x'", '| where a = "x"'),
        ("| stats median(a), P99.90(b)", "| stats p50(a), p99.9(b)"),
        ('| extract "x <a> y"', "| extract /(?s)x (?P<a>.*?) y/"),
        ('| extract "<a>/<_>"', r"| extract /(?s)(?P<a>.*?)\/.*/"),
        ("| sort a desc, b asc, -c", "| sort -a, b, -c"),
        ("| head 3", "| limit 3"),
    ],
)
def test_the_canonical_text(text: str, canonical: str) -> None:
    assert render(parse(text, 1_795_435_200_000_000)) == canonical
