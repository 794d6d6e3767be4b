"""What comes out of a search, told before it is asked."""

import pytest
from hypothesis import given

from cordwood.language.parser import parse
from cordwood.language.results import Kind, Result, result_of
from cordwood.model.search.pipes import Search
from tests.support.searches import searches


@pytest.mark.parametrize(
    ("query", "kind", "columns", "by", "time", "values"),
    [
        ("", "events", None, [], None, []),
        ("| limit 5 | sort a | where a > 1 | sample 5", "events", None, [], None, []),
        ("| eval x = 1, y = a", "events", ["x", "y"], [], None, []),
        ("| eval x = 1 | fields - x*", "events", None, [], None, []),
        ("| eval x = 1 | rename x as y", "events", ["y"], [], None, []),
        ('| extract "took <ms> ms"', "events", ["ms"], [], None, []),
        ("| fields a, level", "rows", ["a", "level"], [], None, []),
        ("| fields a, h*", "rows", None, [], None, []),
        ("| stats count() as n by level", "rows", ["level", "n"], ["level"], None, ["n"]),
        ("| stats count()", "rows", ["count()"], [], None, ["count()"]),
        ("| stats count() by a, time(5m)", "rows", ["a", "timestamp", "count()"], ["a"], "timestamp", ["count()"]),
        ("| stats first(message) as m, max(timestamp) as t, avg(a) as x", "rows", ["m", "t", "x"], [], None, ["x"]),
        ("| top 5 a by b", "rows", ["b", "a", "count"], ["b", "a"], None, ["count"]),
        ("| rare a", "rows", ["a", "count"], ["a"], None, ["count"]),
        ("| patterns | fields - *_*", "rows", ["pattern", "count"], ["pattern"], None, ["count"]),
        ("| timechart count() by a", "series", ["timestamp", "a", "count()"], ["a"], "timestamp", ["count()"]),
        ("| timechart sum(a) as a | sort -a | where a > 1", "series", ["timestamp", "a"], [], "timestamp", ["a"]),
        (
            "| timechart sum(a) as a | eval b = a / 2, c = lower(a)",
            "series", ["timestamp", "a", "b", "c"], [], "timestamp", ["a", "b"],
        ),
        (
            "| timechart count() as n by a | rename n as m, timestamp as t, a as b",
            "series", ["t", "b", "m"], ["b"], "t", ["m"],
        ),
        ("| timechart count() as n by a | fields - a", "series", ["timestamp", "n"], [], "timestamp", ["n"]),
        ("| timechart count() as n by a | fields - time*", "rows", ["a", "n"], ["a"], None, ["n"]),
        ("| timechart count() as n | fields n, timestamp", "series", ["n", "timestamp"], [], "timestamp", ["n"]),
        ("| timechart count() as n by a | stats avg(n) by a", "rows", ["a", "avg(n)"], ["a"], None, ["avg(n)"]),
        ("| timechart count() as n | fields n*", "rows", None, [], None, []),
    ],
)  # fmt: skip
def test_a_query_tells_what_it_makes(
    query: str, kind: Kind, columns: list[str] | None, by: list[str], time: str | None, values: list[str]
) -> None:
    found = result_of(parse(query, 0).pipes)
    assert found == Result(kind, None if columns is None else tuple(columns), tuple(by), time, tuple(values))


@given(searches)
def test_what_is_drawn_is_among_the_columns(search: Search) -> None:
    found = result_of(search.pipes)
    drawn = {*found.by, *found.values, *([] if found.time_column is None else [found.time_column])}
    assert drawn <= set(found.columns or ())
    assert found.kind != "series" or found.time_column is not None
