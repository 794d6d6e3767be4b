"""The reference that both stores' answers are compared with, on examples small enough to check by eye."""

import json
from typing import Any
from uuid import UUID

import pytest

from cordwood.language.match import Seen
from cordwood.language.parser import parse
from cordwood.model.derive import derive
from tests.support.reference.pipes import ALWAYS, TimeRange, answer

SECOND_US = 1_000_000
START_US = 1_795_435_200 * SECOND_US  # 2026-11-23T12:00Z


def seen(number: int, event: dict[str, Any]) -> Seen:
    """An event, one second after the one before it."""
    derived = derive(json.dumps(event).encode(), START_US + number * SECOND_US)
    return Seen(
        event,
        event_id=UUID(int=number),
        timestamp_us=derived.timestamp_us,
        inserted_at_us=START_US,
        level=derived.level,
        service=derived.service,
    )


def asked(query: str, events: list[dict[str, Any]], within: TimeRange = ALWAYS) -> list[dict[str, Any]]:
    return answer(parse(query, START_US), [seen(number, event) for number, event in enumerate(events)], within)


def values(*found: object) -> list[dict[str, Any]]:
    return [{"v": value} for value in found]


def column(query: str, events: list[dict[str, Any]]) -> list[Any]:
    return [list(row.values())[-1] for row in asked(query, events)]


@pytest.mark.parametrize(
    ("aggregate", "found", "expected"),
    [
        ("count()", [1, None, "a"], 3),
        ("count(v)", [1, None, "a", [], {"a": 1}], 4),
        ("count_distinct(v)", [1, 1.0, "1", True, None, [1], "a", "a"], 4),
        ("sum(v)", [1, "2", 0.5, "x", True, None, [5]], 3.5),
        ("sum(v)", ["x", None], None),
        ("sum(v + 1)", [1, None, "2"], 5),
        ("avg(v)", [1, "2", "x"], 1.5),
        ("min(v)", ["b", 3, "10", True], 3),
        ("max(v)", ["b", 3, "10", True], 10),
        ("min(v)", ["b", "a", True], "a"),
        ("max(v)", [True, False, None], True),
        ("max(v)", [[1], None], None),
        ("p50(v)", [1, 2, 10, 20], 6),
        ("p99(v)", [0, 100], 99),
        ("p0(v)", [3, 1], 1),
        ("p100(v)", [3, 1], 3),
        ("percentile(v, 25)", [1, 2, 3, 4, "5"], 2),
        ("p90(v)", ["x"], None),
        ("first(v)", [None, "a", "b"], "a"),
        ("last(v)", ["a", "b", None], "b"),
        ("values(v)", ["b", 2, "10", "a", True, None, 2.0, [3]], [2, "10", "a", "b", True]),
        ("count() if v:>1", [1, 2, 3], 2),
        ("sum(v) if not v:2", [1, 2, 3], 4),
        ("max(timestamp)", [1, 2], "2026-11-23T12:00:01.000000Z"),
        ("count(timestamp)", [1, 2], 2),
        ("avg(timestamp - 1795435200)", [1, 2], 0.5),
    ],
)
def test_aggregates(aggregate: str, found: list[object], expected: object) -> None:
    assert column(f"| stats {aggregate}", values(*found)) == [expected]


def test_no_events_are_one_row_unless_they_are_grouped() -> None:
    assert asked("nothing | stats count() as n, sum(v) as s", values(1)) == [{"n": 0, "s": None}]
    assert asked("nothing | stats count() by v", values(1)) == []
    assert asked("nothing | timechart count()", values(1)) == []


def test_groups_are_of_equal_values_in_order() -> None:
    events = values("b", 10, 9, "9", True, None, [1], 9.0, False, "10x", {"a": 1})
    assert asked("| stats count() as n by v", events) == [
        {"v": 9, "n": 2}, {"v": "9", "n": 1}, {"v": 10, "n": 1}, {"v": "10x", "n": 1}, {"v": "b", "n": 1},
        {"v": False, "n": 1}, {"v": True, "n": 1}, {"v": None, "n": 3},
    ]  # fmt: skip


def test_long_integers_are_groups_of_their_own() -> None:
    assert len(asked("| stats count() by v", values(2**53, 2**53 + 1, float(2**53)))) == 2


def test_spans_begin_at_1970_before_it_too() -> None:
    events = [{"ts": text} for text in ("1969-12-31T23:59:59Z", "1970-01-01T00:04:59Z", "1970-01-01T00:05:00Z")]
    assert column("| stats count() by time(5m) | fields timestamp", events) == [
        "1969-12-31T23:55:00.000000Z", "1970-01-01T00:00:00.000000Z", "1970-01-01T00:05:00.000000Z",
    ]  # fmt: skip


def test_a_rate_is_of_the_span_or_of_the_time_range() -> None:
    events = values(*range(10))
    minute = TimeRange(START_US, START_US + 60 * SECOND_US)
    assert asked("| stats rate() as r", events, minute) == [{"r": 10 / 60}]
    assert asked("| stats rate() as r", events) == [{"r": None}]
    assert column("| timechart span=5s rate() as r", events) == [1.0, 1.0]
    assert column("| timechart span=5s rate() if v:<5 as r", events) == [1.0, 0.0]


def test_a_span_is_chosen_by_the_time_range() -> None:
    hour = TimeRange(START_US, START_US + 3600 * SECOND_US)
    assert len(asked("| timechart count()", values(*range(60)), hour)) == 2
    assert len(asked("| timechart count()", values(*range(60)))) == 1


def test_the_time_range_has_its_start_and_not_its_end() -> None:
    within = TimeRange(START_US + SECOND_US, START_US + 3 * SECOND_US)
    assert column("| fields v", values(0, 1, 2, 3)) == [3, 2, 1, 0]
    assert [row["v"] for row in asked("*", values(0, 1, 2, 3), within)] == [2, 1]


def test_top_and_rare() -> None:
    events = [{"a": a, "b": b} for a, b in [("x", 1), ("x", 1), ("y", 2), ("z", 1), (None, 1), ("z", None)]]
    assert asked("| top a", events) == [{"a": "x", "count": 2}, {"a": "z", "count": 2}, {"a": "y", "count": 1}]
    assert asked("| rare 2 a", events) == [{"a": "y", "count": 1}, {"a": "x", "count": 2}]
    assert asked("| top 1 a by b", events) == [
        {"b": 1, "a": "x", "count": 2}, {"b": 2, "a": "y", "count": 1}, {"b": None, "a": "z", "count": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("v", [1, "2", 10, "a", "b", True, None]),
        ("-v", [True, "b", "a", 10, "2", 1, None]),
    ],
)
def test_sort(sort: str, expected: list[object]) -> None:
    assert column(f"| sort {sort} | fields v", values("b", None, 10, True, "2", 1, "a")) == expected


def test_what_is_equal_stays_in_order() -> None:
    events: list[dict[str, Any]] = [{"a": 1, "n": 0}, {"a": 2, "n": 1}, {"a": 1, "n": 2}, {"a": "1", "n": 3}]
    assert column("| sort a | fields n", events) == [3, 2, 0, 1]
    assert column("| sort -a | fields n", events) == [1, 3, 2, 0]
    assert column("| sort -a, n | fields n", events) == [1, 0, 2, 3]


def test_limit_and_dedup() -> None:
    events = values(1, 2, 1, None, 1, None)
    assert column("| limit 2 1 | fields v", events) == [1, None]
    assert column("| dedup v | fields v", events) == [None, 1, 2]
    assert column("| dedup 2 v | fields v", events) == [None, 1, None, 1, 2]


def test_fields_of_nested_events() -> None:
    event = {"a": {"b": 1, "c": {"d": [1, {"e": 2}]}}, "a.x": 3, "z": None}
    assert asked("| fields a.*, z, no, a", [event]) == [
        {"a.b": 1, "a.c.d": [1, {"e": 2}], "a.x": 3, "z": None, "no": None, "a": {"b": 1, "c": {"d": [1, {"e": 2}]}}}
    ]
    assert asked("| fields - a.c, z", [event]) == [{"a": {"b": 1}, "a.x": 3}]
    assert asked("| fields - a.* | eval k = a.b", [event]) == [{"a": {}, "z": None, "k": None}]


def test_what_is_left_out_is_not_there_any_more() -> None:
    event = {"level": "error", "message": "x", "a": {"b": 1}}
    assert asked("| fields - level | stats count() by level", [event]) == [{"level": None, "count()": 1}]
    assert asked("| fields - a | where a.b:1", [event]) == []
    assert asked("| fields - message | where message:x", [event]) == []


def test_columns_hide_fields() -> None:
    events = [{"a": 1, "b": "x"}]
    assert asked("| eval a = a + 1, c = a", events) == [{"a": 2, "b": "x", "c": 2}]
    assert asked("| rename b as a", events) == [{"a": "x"}]
    assert asked("| rename b as c | where b:x or c:x", events) == [{"a": 1, "c": "x"}]
    assert asked("| eval a = 5 | where a:>4 | fields a, .a", events) == [{"a": 5, ".a": 1}]


def test_extract() -> None:
    events = [
        {"message": "took 5 ms", "q": "k=v"},
        {"message": "took  ms"},
        {"message": "none"},
        {"message": "took a\nb ms"},
    ]
    assert column('| extract "took <t> ms" | fields t', events) == ["a\nb", None, None, "5"]
    assert asked(r"| extract /(?P<k>\w)=(?P<v>\w)(?P<w>!)?/ from q | fields k, v, w | limit 1 3", events) == [
        {"k": "k", "v": "v", "w": None}
    ]


def test_samples_are_the_same_ones_each_time() -> None:
    events = values(*range(2000))
    once = column("| sample 1/10 | fields v", events)
    assert once == column("| sample 1/10 | fields v", events)
    assert 150 < len(once) < 250
    assert once == sorted(once, reverse=True)
    some = column("| sample 100 | fields v", events)
    assert len(set(some)) == 100
    assert set(some) <= set(once)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n + 1", 6), ("n / 2", 2.5), ("n / 0", None), ("t + 1", 8), ("s + 1", None), ("-n", -5), ("none + 1", None),
        ("1e308 * 10", None), ("n - -n", 10), ("list + 1", None), ("yes + 1", None),
        ("n > 4", True), ("n > '40'", True), ("t = 7", True), ("t = '7'", True), ("t = '7.0'", False), ("t2 = 7", True),
        ("t = t2", True), ("n < t", True), ("s = 'abc'", True), ("s != 'x'", True), ("none = none", False),
        ("none != 1", False), ("none = null", False), ("n = s", False), ("n != s", True), ("yes = true", True),
        ("yes = 'true'", True), ("n = true", False), ("n < s", True), ("list = list", False),
        ("yes and n", False), ("yes or n", True), ("not n", True), ("not yes", False), ("n:5 and s:a*", True),
        ("if(yes, 1, 2)", 1), ("if(n, 1, 2)", 2), ("if(no:x, 1)", None), ("coalesce(none, list, 5)", 5),
        ("coalesce(none, 5)", 5), ("lower('ÄB')", "Äb"), ("upper('äb')", "äB"), ("lower(n)", "5"),
        ("lower(none)", None),
        ("len('äb')", 2), ("len(none)", None), ("substr(s, 2)", "bc"), ("substr(s, 2, 1)", "b"), ("substr(s, 9)", ""),
        ("substr(s, 0)", ""), ("substr(s, 1, -1)", ""), ("substr(s, 2.9)", "bc"), ("substr(none, 1)", None),
        ("concat(s, none, n, 1.5, yes)", "abc51.5true"), ("replace(s, 'b', 'xx')", "axxc"),
        ("replace(s, '', 'x')", "abc"),
        ("contains(s, 'bc')", True), ("contains(s, 'BC')", False), ("contains(none, 'x')", False),
        ("startswith(s, 'a')", True), ("endswith(s, 'a')", False),
        ("abs(-5)", 5), ("ceil(1.2)", 2), ("floor(-1.2)", -2), ("round(2.5)", 3), ("round(-2.5)", -3),
        ("round(1.005, 2)", 1), ("round(2.345, 2)", 2.35), ("round(1e300, 15)", 1e300), ("round(none)", None),
        ("tonumber(t)", 7), ("tonumber(s)", None), ("tonumber(yes)", None), ("tostring(1e16)", "1e+16"),
        ("tostring(0.1)", "0.1"), ("tostring(2.0)", "2"), ("tostring(timestamp)", "2026-11-23T12:00:00.000000Z"),
        ("timestamp - 1795435200", 0), ("timestamp > 1795435199.5", True), ("tonumber(list)", None), ("big", 2**60 + 1),
        ("tostring(big)", str(2**60 + 1)), ("huge", float(2**70)), ("beyond", None), ("yes", True), ("list", None),
    ],
)  # fmt: skip
def test_expressions(expression: str, expected: object) -> None:
    event = {"n": 5, "t": "7", "t2": "7.0", "s": "abc", "yes": True, "none": None, "list": [1], "big": 2**60 + 1,
             "huge": 2**70, "beyond": 10**400}  # fmt: skip
    assert column(f"| eval v = {expression} | fields v", [event]) == [expected]
