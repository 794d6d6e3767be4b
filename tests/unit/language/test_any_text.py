"""Whatever a text is, reading it ends soon: in a search, or in an error that tells the place."""

import random
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.errors import BadQuery
from cordwood.language.bounds import MAX_CHARACTERS, MAX_DEPTH, MAX_PIPES, MAX_REGEXES, MAX_TERMS
from cordwood.language.completion import completion
from cordwood.language.parser import parse
from cordwood.language.problems import shown
from cordwood.language.rendering import render
from tests.support.searches import searches

SIGNS = st.sampled_from(
    [*"()|:\"'`/*?-!<>=~[]{},.\\ \n\t\0",
     "a", "5", "ms", "AND", " OR ", "not ", "level:", "| stats ", "count()", " by ",
     "| where ", "| eval x=", "if(", "lower(", "time(", "as ", "\u202e", "é", "\U0001f600", "TO", "..", "10.0.0.0/8"]
)  # fmt: skip


def check(text: str) -> None:
    """Raises another error than BadQuery if something is wrong with the reader."""
    try:
        search = parse(text, 0)
    except BadQuery as refused:
        assert refused.query == text[:MAX_CHARACTERS]
        assert 0 <= refused.position <= len(text)
        assert 0 <= refused.length <= len(text) - refused.position
        assert refused.message
        shown(refused).encode()
    else:
        rendered = render(search)  # which may be the longer one, by its quotes
        assert len(rendered) > MAX_CHARACTERS or msgspec.json.encode(parse(rendered, 0)) == msgspec.json.encode(search)


@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(SIGNS, max_size=30).map("".join))
def test_any_signs(text: str) -> None:
    check(text)


@given(searches.map(render), st.data())
def test_queries_with_a_part_changed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    check(text[:start] + data.draw(SIGNS | st.just("") | st.just(text[end:])) + text[end:])


@given(searches.map(render), st.data())
def test_completion_of_any_beginning(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    found = completion(text, cursor, 0)
    assert 0 <= found.start <= cursor <= found.end <= len(text)
    assert {offer.start for offer in found.offers} <= {found.start}


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b", '"\udbff"', "x:/\udc00/", "| eval \ud800 = 1", "`\udc00`:x"])
def test_halves_of_characters_are_refused(text: str) -> None:
    with pytest.raises(BadQuery, match="surrogate") as refused:
        parse(text, 0)
    assert "\ud800" <= text[refused.value.position] <= "\udfff"
    shown(refused.value).encode()


BOMBS = [
    "(", "-(", "NOT ", "x:(", "!x:(", "| where (", "| where not ", "| where -", "| eval a = lower(",
    "| eval a = if(a:(",
    "a:[",
    "*:(", "| where x:(", "| stats sum((",
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("count", [MAX_DEPTH - 1, MAX_DEPTH + 1, 1_000, 20_000])
def test_what_is_nested_deep_is_refused(bomb: str, count: int) -> None:
    head, bar, repeated = bomb.rpartition("| where ") if bomb.startswith("| where") else ("", "", bomb)
    check(head + bar + repeated * count)
    check((head + bar + repeated * count)[:MAX_CHARACTERS])


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1),
        "NOT " * (MAX_DEPTH + 1) + "a",
        "| where " + "not " * (MAX_DEPTH + 1) + "a:1",
        "| eval x = " + "1+" * (MAX_DEPTH + 1) + "1",
        "| eval x = " + "lower(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1),
        "| eval x = " + "- " * (MAX_DEPTH + 1) + "a",
    ],
)
def test_the_bound_of_depth(text: str) -> None:
    with pytest.raises(BadQuery, match=f"more than {MAX_DEPTH} levels"):
        parse(text, 0)


def test_within_the_bounds_all_is_well() -> None:
    depth = MAX_DEPTH - 1
    check("(" * depth + "a" + ")" * depth)
    search = parse("| where " + "(a + " * depth + "a" + ")" * depth + " > 1", 0)
    assert render(search)
    assert len(parse(" ".join(["a"] * MAX_TERMS), 0).filter.parts) == MAX_TERMS  # type: ignore[union-attr]
    assert len(parse("| limit 1 " * MAX_PIPES, 0).pipes) == MAX_PIPES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * (MAX_CHARACTERS + 1), "at most 65,536"),
        ("a" * (1 << 20), "at most 65,536"),
        (" ".join(["a"] * (MAX_TERMS + 1)), "more than 1,024"),
        ("x:(" + " ".join(["a"] * (MAX_TERMS + 1)) + ")", "more than 1,024"),
        ("/a/ " * (MAX_REGEXES + 1), "more than 128 regular expressions"),
        ("a* x:b* *:c? " * 43, "more than 128 regular expressions"),
        ("| limit 1 " * (MAX_PIPES + 1), "more than 64 pipes"),
        ("| eval " + ", ".join(["x = a"] * (MAX_TERMS + 1)), "more than 1,024"),
    ],
)
def test_the_bounds_of_size(text: str, says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        parse(text, 0)


WORST = [
    "a", " ", "\\a", "a:", '"', "(", "*", "a*", "?", "a OR ", "-", "1.", "1", "a.", "/", "\\", "a,", "`", "| ", "..",
    "'\\u0041",
    "[", "a|", "1h", "µ", "9e", "x:1..", "a-", "<", "1.1.1.1/", ":", "\n", "x:/(/ ", "<a>",
]  # fmt: skip


@pytest.mark.parametrize("head", ["", '"', "x:", "x:>", "| eval a = ", "/", '| extract "', "| fields ", "timestamp:"])
def test_reading_takes_no_more_than_in_proportion(head: str) -> None:
    def seconds(length: int) -> float:
        started = time.process_time()
        for part in WORST:
            check((head + part * length)[:length])
        return time.process_time() - started

    seconds(1_000)
    small, large = seconds(MAX_CHARACTERS // 16), seconds(MAX_CHARACTERS)
    # Linear work is 16 times as much, quadratic 256 times.
    assert large < max(small, 0.02) * 64


def test_random_bytes_are_read_or_refused() -> None:
    source = random.Random(5)
    for _ in range(300):
        check(source.randbytes(source.randrange(200)).decode("latin-1"))
