"""Searches of every kind, as strategies: all that the language can mean, and nothing that it cannot."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, get_args

from hypothesis import strategies as st

from cordwood.language.filters.joining import all_of, any_of
from cordwood.language.filters.levels import LEVEL_ORDER
from cordwood.language.functions import SIGNATURES, Type, type_of
from cordwood.language.pipes.aggregates import aggregate_text
from cordwood.model.event import MAX_TIMESTAMP_US, MIN_TIMESTAMP_US
from cordwood.model.search.expressions import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    ComparisonSign,
    Constant,
    Expression,
    Function,
    Logic,
    LogicKind,
    Negation,
    Negative,
    Test,
)
from cordwood.model.search.field import MESSAGE, Field, name_of
from cordwood.model.search.filters import (
    Bound,
    Duration,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Leaf,
    Like,
    Not,
    Number,
    Quantity,
    Regex,
    Size,
    Text,
    Time,
    Within,
    Words,
)
from cordwood.model.search.pipes import (
    Aggregate,
    AggregateName,
    Dedup,
    Eval,
    Extract,
    Fields,
    Limit,
    Patterns,
    Pipe,
    Rename,
    Sample,
    Search,
    Sort,
    SortKey,
    Stats,
    Timechart,
    Top,
    Where,
)
from cordwood.model.search.wildcards import literal

NAMES = (
    "host",
    "http.status",
    "took_ms",
    "tags",
    "size",
    "odd key",
    "x-y",
    "null",
    "time",
    "a.b.c",
    'q"uo`te',
    "ä",
    "a/b",
)
REGEXES = ("a", "^a.*b$", "[0-9]+/x", r"a/b\\/", "(?i)fail|lost", r"\d{3}", " ", '"')
TITLES = ("n", "total count", "x.y", "as", "count")

_SPECIAL: frozenset[str] = frozenset({"level", "service", "message", "timestamp", "_id", "_inserted_at"})

names = st.sampled_from(NAMES) | st.text(min_size=1, max_size=6).filter(lambda name: not name.startswith("."))


def _is_plain(name: str) -> bool:
    return name not in _SPECIAL


plain_fields = st.builds(Field, names.filter(_is_plain), st.booleans())
text_fields = plain_fields | st.just(Field("service"))
fields = plain_fields | st.sampled_from(
    [Field("level"), Field("service"), MESSAGE, Field("timestamp"), Field("level", True)]
)
texts = st.text(max_size=12) | st.sampled_from(
    ["5", "250ms", "a b", "null", "or", "10.0.0.0/8", "1..5", "*", "a*", "-a", "\\"]
)
_pieces = st.lists(
    st.sampled_from(["*", "?", "a>=5", "b"]) | st.text(min_size=1, max_size=4).map(literal), min_size=1, max_size=5
)
patterns = _pieces.map("".join).filter(lambda each: each.strip("*") != "")
wild_patterns = st.tuples(patterns, st.sampled_from(["*", "?"])).map("".join)
whole = st.integers(-(1 << 62), 1 << 62)

_KINDS: Sequence[st.SearchStrategy[Quantity]] = (
    st.builds(Number, st.floats(allow_nan=False, allow_infinity=False).map(lambda each: each + 0.0)),
    st.builds(Duration, whole),
    st.builds(Size, whole),
    st.builds(Time, st.integers(MIN_TIMESTAMP_US, MAX_TIMESTAMP_US)),
    st.builds(Text, texts),
)


def _size(value: Quantity) -> Any:
    return getattr(value, value.__struct_fields__[0])


@st.composite
def ranges(draw: st.DrawFn, field: Field, kind: st.SearchStrategy[Quantity]) -> Filter:
    ends = sorted([draw(kind), draw(kind)], key=_size)
    shape = draw(st.sampled_from(["low", "high", "both"]))
    if shape != "both":
        end = Bound(ends[0], draw(st.booleans()))
        return Within(field, end, None) if shape == "low" else Within(field, None, end)
    is_point = _size(ends[0]) == _size(ends[1])
    low, high = Bound(ends[0], is_point or draw(st.booleans())), Bound(ends[1], is_point or draw(st.booleans()))
    return Within(field, low, high)


networks = st.sampled_from(["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32", "::1/128"]).map(
    lambda text: str(IPv6Network(text) if ":" in text else IPv4Network(text))
)
leaves: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Words, st.just(MESSAGE) | text_fields | st.none(), patterns),
    st.builds(Equals, text_fields | st.just(MESSAGE), texts),
    st.builds(Equals, st.just(Field("level")), st.sampled_from(LEVEL_ORDER)),
    st.builds(Like, text_fields, wild_patterns),
    st.builds(Regex, st.just(MESSAGE) | text_fields | st.none(), st.sampled_from(REGEXES)),
    st.builds(Exists, fields),
    st.builds(InNetwork, text_fields, networks),
    st.tuples(text_fields, st.sampled_from(_KINDS)).flatmap(lambda each: ranges(*each)),
    ranges(Field("timestamp"), _KINDS[3]),
    st.just(Everything()),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(all_of),
        st.lists(inner, min_size=2, max_size=4).map(any_of),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)

_numbers = st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(lambda each: each + 0.0)
_constants = st.builds(
    Constant, st.one_of(_numbers, _numbers.map(lambda each: -each - 1), texts, st.booleans(), st.none())
)


def _is(expression: Expression, wanted: Type) -> bool:
    return wanted in ("any", "text") or type_of(expression) in (wanted, "any")


@st.composite
def _compound(draw: st.DrawFn, inner: st.SearchStrategy[Expression]) -> Expression:
    def of(wanted: Type) -> Expression:
        return draw(inner.filter(lambda each: _is(each, wanted)) | st.builds(Column, fields))

    match draw(st.sampled_from(["arithmetic", "negative", "comparison", "logic", "negation", "call"])):
        case "arithmetic":
            return Arithmetic(draw(st.sampled_from(("+", "-", "*", "/"))), of("number"), of("number"))
        case "negative":
            part = of("number")
            return part if isinstance(part, Constant) else Negative(part)
        case "comparison":
            left = of("any")
            same = type_of(left)
            return Comparison(draw(st.sampled_from(get_args(ComparisonSign))), left, _same(draw, inner, same))
        case "logic":
            kind: LogicKind = draw(st.sampled_from(get_args(LogicKind)))
            flat: list[Expression] = []
            for part in [of("boolean") for _ in range(draw(st.integers(2, 3)))]:
                flat += part.parts if isinstance(part, Logic) and part.kind == kind else (part,)
            return Logic(kind, tuple(flat))
        case "negation":
            return Negation(of("boolean"))
        case _:
            function: Function = draw(st.sampled_from(get_args(Function)))
            signature = SIGNATURES[function]
            count = len(signature.takes) - (draw(st.integers(0, signature.optional)))
            arguments = [of(signature.type_at(place)) for place in range(count)]
            if function == "round" and count == 2:
                arguments[1] = Constant(float(draw(st.integers(0, 15))))
            return Call(function, tuple(arguments))


def _same(draw: st.DrawFn, inner: st.SearchStrategy[Expression], wanted: Type) -> Expression:
    if wanted == "any":
        return draw(inner)
    return draw(inner.filter(lambda each: type_of(each) in (wanted, "any")) | st.builds(Column, fields))


expressions: st.SearchStrategy[Expression] = st.recursive(
    _constants | st.builds(Column, fields) | st.builds(Test, leaves), _compound, max_leaves=6
)
conditions = expressions.filter(lambda each: _is(each, "boolean"))
_titles = st.sampled_from(TITLES)


@st.composite
def _aggregates(draw: st.DrawFn, taken: Sequence[str]) -> tuple[Aggregate, ...]:
    found: dict[str, Aggregate] = {}
    for _ in range(draw(st.integers(1, 3))):
        function: AggregateName = draw(st.sampled_from(get_args(AggregateName)))
        needs_none = function == "rate" or (function == "count" and draw(st.booleans()))
        argument = None if needs_none else draw(expressions)
        percent = draw(st.sampled_from([0.0, 50.0, 99.9, 1e-9, 100.0])) if function == "percentile" else None
        made = Aggregate(function, argument, "", draw(st.none() | conditions), percent)
        name = draw(st.none() | _titles) or aggregate_text(made)
        if name not in taken:
            found[name] = Aggregate(function, argument, name, made.condition, percent)
    found = found or {"only": Aggregate("count", None, "only")}
    return tuple(found.values())


_spans = st.integers(1, 1 << 40)
_by = st.lists(plain_fields, max_size=2, unique=True).map(tuple)


@st.composite
def _tables(draw: st.DrawFn) -> Pipe:
    by = draw(_by)
    taken = [*map(name_of, by), "timestamp"]
    match draw(st.sampled_from(["stats", "timechart", "top", "fields", "patterns"])):
        case "stats":
            return Stats(draw(_aggregates(taken)), by, draw(st.none() | _spans))
        case "timechart":
            return Timechart(draw(_aggregates(taken)), by, draw(st.none() | _spans))
        case "top":
            some = draw(st.lists(plain_fields, min_size=1, max_size=2, unique=True).map(tuple))
            by = tuple(each for each in by if each not in some and name_of(each) != "count")
            some = tuple(each for each in some if name_of(each) != "count") or (Field("host"),)
            by = tuple(each for each in by if each not in some)
            return Top(draw(st.integers(1, 99)), some, by, draw(st.booleans()))
        case "fields":
            return Fields(draw(st.lists(names.map(literal) | wild_patterns, min_size=1, max_size=3).map(tuple)))
        case _:
            return Patterns(draw(fields))


_columns = st.text(min_size=1, max_size=5).filter(lambda name: not name.startswith(".")) | _titles
_of_events: st.SearchStrategy[Pipe] = st.one_of(
    st.builds(Where, conditions),
    st.builds(Sort, st.lists(st.builds(SortKey, fields, st.booleans()), min_size=1, max_size=3).map(tuple)),
    st.builds(Limit, st.integers(0, 10**17), st.integers(0, 10**17)),
    st.builds(
        Fields,
        st.lists(names.map(literal) | wild_patterns.filter(lambda each: each[0] != "."), min_size=1).map(tuple),
        st.just(True),
    ),
    st.builds(Rename, st.lists(st.tuples(names.map(Field), _columns), min_size=1, max_size=2).map(tuple)),
    st.builds(Dedup, st.integers(1, 99), st.lists(fields, min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(Extract, st.sampled_from(["(?P<x>a+)/(?<y>.*)", r"(?s)took (?P<ms>.*?) ms"]), fields),
    st.builds(Eval, st.lists(st.tuples(_columns, expressions), min_size=1, max_size=2).map(tuple)),
    st.builds(Sample, st.integers(0, 99), st.none()),
    st.builds(Sample, st.none(), st.integers(1, 1 << 32)),
)
searches = st.builds(
    lambda found, pipes, table: Search(found, (*pipes, *table)),
    filters,
    st.lists(_of_events, max_size=3),
    st.lists(_tables(), max_size=1),
)
