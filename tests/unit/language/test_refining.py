"""A clause put into a query: what is found is the narrower, and what was written stays."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.errors import BadQuery, BadRequest
from cordwood.language.bounds import MAX_CHARACTERS, MAX_DEPTH
from cordwood.language.match import Matcher, matcher
from cordwood.language.parser import parse, parse_filter, parse_noting
from cordwood.language.refining import How, clause_of, clause_of_any, refined
from cordwood.language.rendering import render
from cordwood.language.spelling import filter_text
from cordwood.model.census import Scalar
from tests.support.searches import filters, searches
from tests.unit.language.test_match import NOW_US, matches, seen

VALUES = {"a": (None, 1, "1", 2), "b": (None, "x", "y z"), "message": ("x", "x y", "z")}
EVENTS = [seen(dict(zip(VALUES, each, strict=True))) for each in itertools.product(*VALUES.values())]
CLAUSES = (
    "a:1", "-a:1", "!a:1", "NOT a:1", "a:!=1", "a:*", "a:null", "b:x", "b:x*", 'b:"y z"', "x", '"x y"', "/x/", "*",
    "(a:1)", "-(a:1)", "a:1 OR b:x", "a:1 b:x", "(a:1 OR b:x)", "-(a:1 b:x)", "-(-a:1)", "NOT NOT b:x", "a:(1 OR 2)",
    "not_a:null", r"x\ ", "!=x", "-*", "a:1 AND (x OR b:x)",
)  # fmt: skip
LINES = st.recursive(
    st.sampled_from(CLAUSES),
    lambda inner: st.builds(
        lambda parts, between: between.join(parts),
        st.lists(inner.map(lambda each: f"({each})") | st.sampled_from(CLAUSES[:13]), min_size=1, max_size=4),
        st.sampled_from([" ", "  ", " AND ", " OR ", "\n\t", " and "]),
    ),
    max_leaves=6,
)
TEXTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", " ", "\n  "]),
    LINES | st.just("") | st.sampled_from(["(a:1)(b:x)x", "x(a:1 OR b:x)", "-x(a:1)x"]),
    st.sampled_from(["", "  ", "\n"]),
    st.sampled_from(["", "| stats count() by a", "|top 5 a | limit 1", "| where a:1 \n"]),
)
HOWS: st.SearchStrategy[How] = st.sampled_from(["include", "exclude", "only"])


def put(text: str, clause: str, how: How = "include") -> str:
    return refined(text, clause, how, NOW_US)


def line_of(text: str) -> str:
    return text[: parse_noting(text, NOW_US).query_end]


def matcher_of(text: str) -> Matcher:
    return matcher(parse_filter(line_of(text), NOW_US))


@given(TEXTS, st.sampled_from(CLAUSES), HOWS)
def test_exactly_what_matches_the_old_query_and_the_clause_is_found(text: str, clause: str, how: How) -> None:
    found, old, asked = matcher_of(put(text, clause, how)), matcher_of(text), matcher_of(clause)
    wanted = [asked(event) != (how == "exclude") for event in EVENTS]
    both = [had and has for had, has in zip(map(old, EVENTS), wanted, strict=True)]
    if how == "only":
        assert list(map(found, EVENTS)) == wanted
    elif any(both):
        assert list(map(found, EVENTS)) == both
    else:  # the opposite may have been there, and given way
        assert all(has for event, has in zip(EVENTS, wanted, strict=True) if found(event))


@given(TEXTS, st.sampled_from(CLAUSES), HOWS)
def test_doing_it_twice_changes_nothing(text: str, clause: str, how: How) -> None:
    once = put(text, clause, how)
    assert put(once, clause, how) == once


@given(TEXTS, st.sampled_from(CLAUSES), HOWS)
def test_pipes_stay_as_they_are_written(text: str, clause: str, how: How) -> None:
    pipes = text[len(line_of(text)) :]
    found = put(text, clause, how)
    assert found[len(line_of(found)) :] == pipes


@given(TEXTS, st.sampled_from(["c:5", "-c:5", "c:5 OR c:6", "c:5 d:6"]), st.sampled_from(["include", "exclude"]))
def test_the_search_line_stays_as_it_is_written(text: str, clause: str, how: How) -> None:
    line = line_of(text).strip(" \t\n")  # but for the blank behind a backslash
    assert line.strip("() ") == "*" or line in put(text, clause, how)


@given(TEXTS, st.sampled_from(["c:5", "-c:5", "c:5 OR c:6", "c:5 d:6", "c:null"]))
def test_to_include_what_was_excluded_replaces_it(text: str, clause: str) -> None:
    included, excluded = put(text, clause), put(text, clause, "exclude")
    assert put(excluded, clause) == included
    assert put(included, clause, "exclude") == excluded


@given(searches.map(render), filters.map(filter_text), HOWS)
def test_any_query_and_any_clause(text: str, clause: str, how: How) -> None:
    found = put(text, clause, how)
    assert parse(found, NOW_US).pipes == parse(text, NOW_US).pipes
    assert put(found, clause, how) == found


@given(
    st.text(min_size=1).filter(lambda name: name != "."),
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
)
def test_any_value_of_any_field(name: str, value: Scalar) -> None:
    if name in ("level", "timestamp", "_id", "_inserted_at"):
        return
    found = put("a OR b", clause_of(name, value))
    assert found.startswith("(a OR b) ")
    assert put(found, clause_of(name, value), "exclude").startswith("(a OR b) -")


HOSTILE: tuple[Scalar | None, ...] = (
    'a"b', "it's", "`", "\\", "a\\", "a\nb\r\t", "*", "a*b?", "|", "a | stats count()", "é", "\U0001f600", "\0",
    "\u202e", "x" * 64_000, "", " ", "null", "true", "AND", "not", "-a", "!a", "(a OR b)", "/x/", "1..5", "10.0.0.0/8",
    ">=5", "5", 5, -5, 0, 0.1, -1e22, 5e-324, 1 << 63, 10**30, True, False, None,
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("name", ["f", "odd key", 'q"uo`te', "http.status", "f:g", "and", ".level", "a\nb", "-"])
def test_a_value_finds_the_events_that_have_it_and_no_others(name: str, value: Scalar | None) -> None:
    event, other = {name.removeprefix("."): value}, {name.removeprefix("."): "other"}
    found = put("", clause_of(name, value))
    assert (matches(found, event), matches(found, other)) == (True, False)
    without = put(found, clause_of(name, value), "exclude")
    assert (matches(without, event), matches(without, other)) == (False, True)


@pytest.mark.parametrize("text", ["", "*", "x", "x OR y", "-level:error", "level:error"])
def test_a_message_or_a_level_is_one_of_the_derived(text: str) -> None:
    assert put(text, clause_of("level", "error")).endswith("level:error")
    found = put("", clause_of("message", "a *b*"))
    assert matches(found, {"msg": "a *b*"})
    assert not matches(found, {"msg": "a *b* c"})


@pytest.mark.parametrize(
    ("text", "clause", "how", "found"),
    [
        ("", "a:1", "include", "a:1"),
        ("*", "a:1", "include", "a:1"),
        (" * | top b", "a:1", "exclude", " -a:1 | top b"),
        ("| top b", "a:1", "include", "a:1 | top b"),
        ("x| top b", "a:1", "include", "x a:1 | top b"),
        ("x  \n| top b", "a:1", "include", "x a:1  \n| top b"),
        ("x OR y", "a:1", "include", "(x OR y) a:1"),
        ("x OR y | top b", "a:1", "only", "a:1 | top b"),
        ("x", "y OR z", "include", "x (y OR z)"),
        ("", "y OR z", "include", "y OR z"),
        ("x", "y OR z", "exclude", "x -(y OR z)"),
        ("x", "y z", "exclude", "x -(y z)"),
        ("x AND -a:1 AND y", "a:1", "include", "x AND a:1 AND y"),
        ("x AND a:1 AND y", "a:1", "exclude", "x AND -a:1 AND y"),
        ("x(y)z", "y", "exclude", "x -y z"),
        ("x -(y z) w", "y z", "include", "x y z w"),
        ("y x z", "y z", "exclude", "-(y z) x"),
        ('host:"a"  x', "host:a", "include", 'host:"a"  x'),
        ("level:ERR", "level:error", "exclude", "-level:error"),
        ("host:null", "host:*", "include", "host:*"),
        ("a:1 -a:1 x", "a:1", "include", "a:1 x"),
        ("* -a:1", "a:1", "include", "a:1"),
        ("* x", "a:1", "include", "* x a:1"),
        ("a:1 | top b", "-a:1", "include", "-a:1 | top b"),
        ("a:1 a:1 x", "a:1", "exclude", "-a:1 x"),
        ("timestamp:>-15m", "timestamp:>-15m", "include", "timestamp:>-15m"),
        ("x", "timestamp:[now-1h TO now]", "exclude", "x -timestamp:[now-1h TO now]"),
    ],
)
def test_what_is_written(text: str, clause: str, how: How, found: str) -> None:
    assert put(text, clause, how) == found


def test_having_a_field_at_all() -> None:
    assert put("x", clause_of_any("odd key")) == 'x "odd key":*'
    assert put("x", clause_of_any("a"), "exclude") == "x -a:*"
    assert put("x a:*", clause_of("a", None)) == "x -a:*"


@pytest.mark.parametrize("clause", ["", "  ", "a | top b", "a:", "(a", '"', "level:loud", "| top b"])
def test_what_is_no_clause_is_refused(clause: str) -> None:
    with pytest.raises(BadRequest, match="clause") as refused:
        put("x", clause)
    assert not isinstance(refused.value, BadQuery)


def test_a_query_that_cannot_be_read_is_told_with_the_place() -> None:
    with pytest.raises(BadQuery) as refused:
        put("x | stat count()", "a:1")
    assert refused.value.suggestion == "stats"


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("x" * 100, f"f:{'y' * (MAX_CHARACTERS - 100)}"),
        (" ".join(["x"] * 1024), "y"),
        ("(" * MAX_DEPTH + "a OR b" + ")" * MAX_DEPTH + " OR c", "y"),
    ],
)
def test_what_would_pass_a_bound_is_refused(text: str, clause: str) -> None:
    with pytest.raises(BadRequest, match="cannot be refined"):
        put(text, clause)
