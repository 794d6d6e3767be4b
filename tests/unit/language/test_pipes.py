"""Pipes → data."""

import pytest

from cordwood.language.parser import parse
from cordwood.model.search.expressions import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Expression,
    Logic,
    Negation,
    Negative,
    Test,
)
from cordwood.model.search.field import MESSAGE, Field
from cordwood.model.search.filters import Equals, Exists, Words
from cordwood.model.search.pipes import (
    Aggregate,
    Dedup,
    Eval,
    Extract,
    Fields,
    Limit,
    Patterns,
    Pipe,
    Rename,
    Sample,
    Sort,
    SortKey,
    Stats,
    Timechart,
    Top,
    Where,
)

A, B, C = (Column(Field(name)) for name in "abc")
COUNT = Aggregate("count", None, "count()")
FIVE = Constant(5.0)


@pytest.mark.parametrize(
    ("text", "pipe"),
    [
        ("where a > 5", Where(Comparison(">", A, FIVE))),
        ("stats count()", Stats((COUNT,))),
        ("stats COUNT() AS n", Stats((Aggregate("count", None, "n"),))),
        ("STATS count() by a, `b c`", Stats((COUNT,), (Field("a"), Field("b c")))),
        ("stats count() by a, time(5m)", Stats((COUNT,), (Field("a"),), 300_000_000)),
        ("stats count() by time", Stats((COUNT,), (Field("time"),))),
        ("stats count(a)", Stats((Aggregate("count", A, "count(a)"),))),
        ("stats p99(a)", Stats((Aggregate("percentile", A, "p99(a)", None, 99.0),))),
        ("stats P99.9(a)", Stats((Aggregate("percentile", A, "p99.9(a)", None, 99.9),))),
        ("stats percentile(a, 25) as q", Stats((Aggregate("percentile", A, "q", None, 25.0),))),
        ("stats median(a)", Stats((Aggregate("percentile", A, "p50(a)", None, 50.0),))),
        ("stats sum(a*b)", Stats((Aggregate("sum", Arithmetic("*", A, B), "sum(a * b)"),))),
        (
            "stats count() if a:x as n, rate()",
            Stats((Aggregate("count", None, "n", Test(Equals(Field("a"), "x"))), Aggregate("rate", None, "rate()"))),
        ),
        ("timechart count()", Timechart((COUNT,))),
        ("timechart span=5m count() by a", Timechart((COUNT,), (Field("a"),), 300_000_000)),
        ("timechart span = 1h30m count()", Timechart((COUNT,), (), 5_400_000_000)),
        ("top a", Top(10, (Field("a"),))),
        ("top 3 a, b by c", Top(3, (Field("a"), Field("b")), (Field("c"),))),
        ("rare a", Top(10, (Field("a"),), (), is_rare=True)),
        ("sort a, -b", Sort((SortKey(Field("a")), SortKey(Field("b"), is_descending=True)))),
        ("sort by a desc, b asc", Sort((SortKey(Field("a"), is_descending=True), SortKey(Field("b"))))),
        ("limit 5", Limit(5)),
        ("limit 5 10", Limit(5, 10)),
        ("head 0", Limit(0)),
        ("fields a, b.*", Fields(("a", "b.*"))),
        ("fields - a, 'b*'", Fields(("a", r"b\*"), is_excluding=True)),
        ("fields -.level", Fields(("level",), is_excluding=True)),
        ("fields a-b, .level", Fields(("a-b", ".level"))),
        ("rename a as b, `c d` as e", Rename(((Field("a"), "b"), (Field("c d"), "e")))),
        ("dedup a, b", Dedup(1, (Field("a"), Field("b")))),
        ("dedup 3 by a", Dedup(3, (Field("a"),))),
        ("extract /(?P<x>a)/", Extract("(?P<x>a)", MESSAGE)),
        ("extract /(?<x>a)/ from b", Extract("(?<x>a)", Field("b"))),
        ('extract "took <ms> ms"', Extract("(?s)took (?P<ms>.*?) ms", MESSAGE)),
        ('extract "<a>.<_>"', Extract(r"(?s)(?P<a>.*?)\..*", MESSAGE)),
        ("eval a = 5, b = a", Eval((("a", FIVE), ("b", A)))),
        ("patterns", Patterns(MESSAGE)),
        ("patterns a", Patterns(Field("a"))),
        ("sample 100", Sample(count=100)),
        ("sample 1/100", Sample(one_in=100)),
    ],
)
def test_what_a_pipe_means(text: str, pipe: Pipe) -> None:
    assert parse(f"| {text}", 0).pipes == (pipe,)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", FIVE),
        ("-5", Constant(-5.0)),
        ("'x'", Constant("x")),
        ("True", Constant(value=True)),
        ("null", Constant(None)),
        ("a.b", Column(Field("a.b"))),
        ("`a-b`", Column(Field("a-b"))),
        (".level", Column(Field("level", is_sent=True))),
        ("-a", Negative(A)),
        ("a - b", Arithmetic("-", A, B)),
        ("a - b - c", Arithmetic("-", Arithmetic("-", A, B), C)),
        ("a + b * c", Arithmetic("+", A, Arithmetic("*", B, C))),
        ("(a + b) / c", Arithmetic("/", Arithmetic("+", A, B), C)),
        ("-a * b", Arithmetic("*", Negative(A), B)),
        ("a == 5", Comparison("=", A, FIVE)),
        ("a + b <= c", Comparison("<=", Arithmetic("+", A, B), C)),
        ("a or b and not c", Logic("or", (A, Logic("and", (B, Negation(C)))))),
        ("a and (b and c)", Logic("and", (A, B, C))),
        ("(a or b) and c", Logic("and", (Logic("or", (A, B)), C))),
        ("not a = b", Negation(Comparison("=", A, B))),
        ("a:x", Test(Equals(Field("a"), "x"))),
        ("a-b:x", Test(Equals(Field("a-b"), "x"))),
        ('"a b":x', Test(Equals(Field("a b"), "x"))),
        ("message:x", Test(Words(MESSAGE, "x"))),
        ("*:x", Test(Words(None, "x"))),
        ("a:null", Negation(Test(Exists(Field("a"))))),
        ("a:(x y)", Logic("and", (Test(Equals(Field("a"), "x")), Test(Equals(Field("a"), "y"))))),
        ("if(a:x, b, 5)", Call("if", (Test(Equals(Field("a"), "x")), B, FIVE))),
        ("Round(a, 2)", Call("round", (A, Constant(2.0)))),
        ("concat(a, 'x', 5)", Call("concat", (A, Constant("x"), FIVE))),
        ("coalesce(lower(a), b)", Call("coalesce", (Call("lower", (A,)), B))),
    ],
)
def test_what_an_expression_means(text: str, found: Expression) -> None:
    assert parse(f"| eval x = {text}", 0).pipes == (Eval((("x", found),)),)


def test_a_column_is_known_behind_the_pipe_that_makes_it() -> None:
    parse("| stats count() as n by a, time(1h) | eval m = n + 1, k = m | rename k as l | sort l, timestamp, a", 0)
    parse("| fields a, b* | where c:5", 0)
    parse("| fields - a | stats first(b)", 0)
    parse("| timechart count() | fields timestamp | limit 1", 0)
    parse('| top a | extract "<x>" from a | sort x, count', 0)
