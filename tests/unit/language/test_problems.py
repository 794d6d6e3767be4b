"""What is wrong is told with its place, what was expected, and what may have been meant."""

import pytest

from cordwood.errors import BadQuery
from cordwood.language.parser import parse, parse_filter
from cordwood.language.problems import said, shown


def problem(text: str) -> BadQuery:
    with pytest.raises(BadQuery) as refused:
        parse(text, 0)
    return refused.value


@pytest.mark.parametrize(
    ("text", "at_fault", "says"),
    [
        # parentheses, quotes, signs
        ("(a", "", 'expected ")"'),
        ("a)", ")", "closes nothing"),
        ("()", ")", "expected a term"),
        ("a OR", "", "expected a term"),
        ("OR a", "OR", "expected a term"),
        ("a AND OR b", "OR", "expected a term"),
        ("NOT", "", "expected a term"),
        ("file not found", "not", "in quotes to look for the word"),
        ("Not a", "Not", "write NOT"),
        ("- a", "-", "nothing to leave out"),
        ("--a", "-", "put it in quotes"),
        ('say "hello', '"', "not closed"),
        ("a\\", "\\", "nothing behind"),
        (r'"\q"', r"\q", "no meaning"),
        (r'"\ud800"', r"\ud800", "no meaning"),
        ('level="error"', '"', 'FIELD:"value"'),
        ('ab"cd"', '"', "a blank between"),
        ('""', '""', "empty phrase"),
        # columns
        ("| patterns | sort cuont", "cuont", 'did you mean "count"?'),
        ("| stats count() as n by host | fields - h* | sort host", "host", "there are n"),
        # fields and values
        ("http.status>=500", "http.status>=500", 'did you mean "http.status:>=500"?'),
        ("a b!=5", "b!=5", 'did you mean "b:!=5"?'),
        ("status >= 500", ">=", "http.status:>=500"),
        ("status = 500", "=", "http.status:>=500"),
        ("level:", "", "a value is missing"),
        ("error: it failed", "", '"error:"'),
        ("level:eror", "eror", 'did you mean "error"?'),
        ("level:>=loud", "loud", "unknown level"),
        ("level:[warn fatal]", "fatal", 'expected "TO"'),
        ("http://host/path", "//", "is empty"),
        ("*:>5", ">", "name a field"),
        ("*:=x", "=", "name a field"),
        ("took:>250mss", "250mss", "units are"),
        ("took:>fast", "fast", "quote it to compare texts"),
        ("took:>", "", "expected a number"),
        ("took:[1 TO", "", "the query ends too early"),
        ("took:[1 5]", "5", 'expected "TO"'),
        ("took:[1 TO 5", "", 'expected "]"'),
        ("took:[5 TO 1]", "[5 TO 1]", "nothing lies"),
        ("took:[1 TO 1}", "[1 TO 1}", "nothing lies"),
        ("took:[1 TO 5ms]", "5ms]", "one kind"),
        ("n:>1e999", "1e999", "is no number"),
        ("took:>0.3ns", "0.3ns", "is no number"),
        ("timestamp:>yesterday", "yesterday", "is no time"),
        ("timestamp:soon", "soon", "is no time"),
        ("timestamp:~x", "~", ".timestamp"),
        ("_id:5", "5", "._id"),
        ("_id:>5", ">", "not compared"),
        ("ip:10.1.2.3/8", "10.1.2.3/8", 'did you mean "10.0.0.0/8"?'),
        ("ip:10.0.0.0/40", "10.0.0.0/40", "no network"),
        ('"":x', '""', "name is empty"),
        # regular expressions
        ("/a", "/", "no second slash"),
        ("/api/v1/users", "v", "put it in quotes"),
        ("/a(b/", "a(b", "missing )"),
        ("/x[z-a]y/", "z-a", "invalid character class range"),
        ("/(?=a)/", "(?=", "lookaround"),
        (r"/(a)\1/", r"\1", "backreferences"),
        ("/a{2000}/", "{2000}", "at most 1000"),
        ("f:/a**/", "**", "bad repetition"),
        ("/" + "a" * 1_001 + "/", "a" * 1_001, "more than 1,000 characters"),
        ("a" * 1_000 + "*", "a" * 1_000 + "*", "more than 1,000 characters"),
        ("x:" + "?" * 1_001, "?" * 1_001, "more than 1,000 characters"),
        # pipes
        ("a |", "", "expected a pipe"),
        ("a || b", "|", "expected a pipe"),
        ("| stat count()", "stat", 'did you mean "stats"?'),
        ("| frobnicate", "frobnicate", "there are dedup, eval"),
        ("| limit", "", "a number of rows"),
        ("| limit 9999999999999999999", "9999999999999999999", "too large"),
        ("| limit 5 6 7", "7", 'expected "|"'),
        ("| top 0 host", "0", "above 0"),
        ("| top a, a", "a", "twice"),
        ("| top", "", "expected a field"),
        ("| sort", "", "expected a field"),
        ("| rename a", "", 'expected "as"'),
        ("| rename .level as x", ".level", "eval"),
        ("| fields", "", "expected a field"),
        ("| extract host", "host", "named groups"),
        ("| extract /a(b)/", "/a(b)/", "takes nothing"),
        ("| extract /(?P<a>x)(?P<a>y)/", "(?P<a>x)(?P<a>y)", "two groups"),
        ("| extract /(?P<1>x)/", "/(?P<1>x)/", "no name for a column"),
        ('| extract "a b"', '"a b"', "takes nothing"),
        ("| sample", "", "a number of events"),
        ("| sample 2/3", "2/3", "a share is 1/N"),
        ("| sample 1/0", "1/0", "a share is 1/N"),
        ("| timechart span=0s count()", "0s", "no span"),
        ("| timechart span=fast count()", "fast", "no span"),
        # aggregates
        ("| stats", "", "an aggregate"),
        ("| stats conut()", "conut", 'did you mean "count"?'),
        ("| stats count", "count", 'did you mean "count()"?'),
        ("| stats count by host", "count", 'did you mean "count()"?'),
        ("| stats sum by host", "sum", 'did you mean "sum(field)"?'),
        ("| stats max(a) - min(a)", "-", "| eval z = x - y"),
        ("| stats count() by a | sort -count()", "count", '"count()"'),
        ("| stats p101(a)", "p101", "unknown aggregate"),
        ("| stats percentile(a, 101)", "101", "0 to 100"),
        ("| stats sum()", "sum()", "takes a field"),
        ("| stats rate(a)", "rate(a)", "takes no field"),
        ("| stats count() as n, sum(a) as n", "sum(a) as n", "two columns"),
        ("| stats count() as n by n", "count() as n by n", "two columns"),
        ("| stats count() by a, a", "a", "twice"),
        ("| stats count() by time(5m), time(1h)", "time", "twice"),
        ("| stats count() by time(5)", "5", "no span"),
        ("| stats count() by time(", "", "a span of time"),
        ("| timechart span=", "", "a span of time"),
        # tables
        ("| stats count() as total | sort totl", "totl", 'did you mean "total"?'),
        ("| top host | where level:error", "level", "there are count, host"),
        ("| fields a, b | eval c = d", "d", "no column"),
        ("| stats count() by a | stats first(a)", "first(a)", "needs events"),
        ("| stats count() by a | timechart count()", "timechart", "needs events"),
        ("| top a | sample 5", "sample", "needs events"),
        # expressions
        ("| where", "", "expected a field"),
        ("| where 5", "5", "takes a boolean"),
        ("| where a =", "", "expected a field"),
        ("| where a = 5 = 6", "=", 'expected "|"'),
        ("| where a = 5 and 6", "6", "takes a boolean"),
        ("| where /x/", "/", "message:/"),
        ('| where a + "x" > 5', '"x"', "tonumber()"),
        ('| where 5 > "x"', '5 > "x"', "compared"),
        ("| eval x = foo(1)", "foo", "unknown function"),
        ("| eval x = lowr(a)", "lowr", 'did you mean "lower"?'),
        ("| eval x = substr(a)", "substr(a)", "takes 2 or 3"),
        ("| eval x = round(a, 16)", "16", "0 to 15"),
        ("| eval x = round(a, b)", "b", "0 to 15"),
        ("| eval x = round(lower(a))", "lower(a)", "takes a number"),
        ("| eval = 5", "=", "expected a name"),
        ("| eval .a = 5", ".a", "begin with a dot"),
        ("| eval a 5", "5", 'expected "="'),
        ("| eval a = 1e999", "1e999", "too large"),
        ("| eval x = trac-backend.up", "trac-backend.up", "blanks around the -"),
        ("| stats max(a-b)", "a-b", "in backticks: `a-b`"),
    ],
)
def test_the_place_is_told(text: str, at_fault: str, says: str) -> None:
    found = problem(text)
    assert text[found.position : found.position + found.length] == at_fault
    assert says in said(found)
    assert 0 <= found.position <= len(text)


@pytest.mark.parametrize(("text", "position"), [("(a", 2), ("level:", 6), ("a |", 3), ("| stats count() by", 18)])
def test_what_is_missing_is_missing_where_it_should_be(text: str, position: int) -> None:
    found = problem(text)
    assert (found.position, found.length) == (position, 0)
    assert shown(found).splitlines()[-1] == "  " + " " * position + "^"


def test_marks_stand_under_what_the_eye_sees() -> None:
    text = "\u202eb\x1b[2J took:>250mss"
    *_, line, marks = shown(problem(text)).splitlines()
    assert line.isprintable()
    assert line[len(marks) - len(marks.lstrip()) : len(marks)] == "250mss"


def test_of_a_long_query_the_part_at_fault_is_shown() -> None:
    text = '"' + "a " * 5_000 + '" level:eror ' + "b " * 500
    *_, line, marks = shown(problem(text)).splitlines()
    assert len(line) < 130
    assert (line[2], line[-1]) == ("…", "…")
    assert line[marks.index("^") : len(marks)] == "eror"


def test_of_several_lines_the_one_at_fault_is_shown() -> None:
    assert shown(problem("a\n | stat count()\n | limit 5")).splitlines()[1:] == ["   | stat count()", "     ^^^^"]


def test_what_is_within_a_message_is_harmless() -> None:
    assert said(problem("| \x1b[2J")).isprintable()
    assert said(problem("level:\u202eerror")).isprintable()


def test_a_filter_has_no_pipes() -> None:
    with pytest.raises(BadQuery) as refused:
        parse_filter('"a|b" | limit 5', 0)
    assert refused.value.position == 6
