"""Aggregates, and what they are grouped by: `count() if level:error as errors by service, time(5m)`."""

import re
from typing import NamedTuple, get_args

from cordwood.language.expressions import parse_boolean, parse_expression
from cordwood.language.quantities import duration_text, number_text, parse_duration
from cordwood.language.spelling import expression_text, name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.expressions import Expression
from cordwood.model.search.field import Field, name_of
from cordwood.model.search.pipes import Aggregate, AggregateName
from cordwood.model.search.units import US

AGGREGATES: tuple[AggregateName, ...] = get_args(AggregateName)
_OFFERED = (*AGGREGATES, "median", "p50", "p90", "p95", "p99", "p99.9")
_OPERATORS = ("+", "-", "*", "/", "%")
ALONE: frozenset[AggregateName] = frozenset({"count", "rate"})
_OF_EVENTS: frozenset[AggregateName] = frozenset({"first", "last", "rate"})
_PERCENTILE = re.compile(r"[pP](\d{1,3}(?:\.\d{1,9})?)", re.ASCII)
_TIME = re.compile(r"time\s*\(", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\d+)?", re.ASCII)
_END = ("by", "as", "if")


class Grouping(NamedTuple):
    """What `by` names."""

    fields: tuple[Field, ...] = ()
    span_us: int | None = None


def parse_aggregates(reading: Reading) -> tuple[Aggregate, ...]:
    """One or more, between commas, each filling another column."""
    found: list[Aggregate] = []
    while not found or reading.takes(","):
        reading.skip_blanks()
        start = reading.at
        aggregate = _aggregate(reading)
        if any(aggregate.name == each.name for each in found):
            raise reading.problem(
                f'two columns are named "{aggregate.name}"', start, reading.at, hint='give one a name: "as"'
            )
        found.append(aggregate)
    return tuple(found)


def parse_grouping(reading: Reading, *, with_time: bool) -> Grouping:
    """`by a, b, time(5m)`, or nothing."""
    fields: list[Field] = []
    span_us: int | None = None
    reading.offer("keyword", ("by",))
    if not reading.takes_keyword("by"):
        return Grouping()
    while True:
        reading.skip_blanks()
        start = reading.at
        if with_time and _TIME.match(reading.text, start):
            if span_us is not None:
                raise reading.problem("time() is there twice", start, start + 4)
            need_events(reading, "time()", start)
            reading.at = start + 4
            reading.needs("(")
            span_us = parse_span(reading)
            reading.needs(")")
        else:
            fields.append(reading.field())
        if fields and fields.count(fields[-1]) > 1:
            raise reading.problem("this field is there twice", start, reading.at)
        if not reading.takes(","):
            return Grouping(tuple(fields), span_us)


def parse_span(reading: Reading) -> int:
    """A duration in whole µs, more than none."""
    reading.skip_blanks()
    start = reading.at
    text = reading.bare(",").text
    if not text:
        raise reading.unexpected("a span of time, such as 5m")
    span_ns = parse_duration(text)
    if span_ns is None or span_ns <= 0 or span_ns % US:
        hint = "for instance 30s, 5m, 1h or 1d"
        raise reading.problem("no span of time", start, reading.at, hint=hint)
    return span_ns // US


def need_events(reading: Reading, what: str, start: int | None = None) -> None:
    """An error behind a pipe that makes a table: at `start`, or at the pipe's name."""
    start = reading.pipe_start if start is None else start
    if not reading.has_events:
        hint = "rows of a table have no time; use it before the pipe that makes the table"
        raise reading.problem(f"{what} needs events", start, reading.at, hint=hint)


def _aggregate(reading: Reading) -> Aggregate:
    start = reading.at
    reading.offer("aggregate", _OFFERED)
    found = _NAME.match(reading.text, start)
    if found is None:
        raise reading.unexpected("an aggregate, such as count()")
    reading.at = found.end()
    if not reading.sees_next("("):
        near = reading.unknown("aggregate", found[0], start, _OFFERED)
        if _known(found[0]) is None:
            raise near
        spelt = f"{found[0]}()" if found[0].lower() in ALONE else f"{found[0]}(field)"
        raise reading.problem("an aggregate has parentheses", start, reading.at, suggestion=spelt)
    name, percent = _known(found[0]) or (None, None)
    if name is None:
        raise reading.unknown("aggregate", found[0], start, _OFFERED)
    reading.needs("(")
    reading.skip_blanks()
    argument = None if reading.sees(")") else parse_expression(reading)
    if name == "percentile" and percent is None:
        percent = _percent(reading)
    reading.needs(")")
    _check(reading, name, argument, start)
    if any(map(reading.sees_next, _OPERATORS)):
        hint = "name what they make and compute behind: stats max(a) as x, min(a) as y | eval z = x - y"
        raise reading.problem("aggregates stand alone", reading.at, reading.at + 1, hint=hint)
    reading.offer("keyword", _END)
    condition: Expression | None = None
    if reading.takes_keyword("if"):
        condition = parse_boolean(reading)
        reading.offer("keyword", ("as",))
    title = reading.column() if reading.takes_keyword("as") else None
    made = Aggregate(name, argument, "", condition, percent)
    return Aggregate(name, argument, title or aggregate_text(made), condition, percent)


def _known(text: str) -> tuple[AggregateName, float | None] | None:
    name = text.lower()
    if name == "median":
        return "percentile", 50.0
    if (spelt := _PERCENTILE.fullmatch(text)) and float(spelt[1]) <= 100:
        return "percentile", float(spelt[1])
    return next(((each, None) for each in AGGREGATES if each == name), None)


def _percent(reading: Reading) -> float:
    reading.needs(",")
    start = reading.at
    percent = reading.number()
    if percent is None or percent > 100:
        raise reading.problem("a percentile is of 0 to 100", start, reading.at)
    return percent


def _check(reading: Reading, name: AggregateName, argument: Expression | None, start: int) -> None:
    if argument is None and name not in ALONE:
        raise reading.problem(f"{name}() takes a field", start, reading.at)
    if argument is not None and name == "rate":
        raise reading.problem(
            "rate() counts events and takes no field", start, reading.at, hint="with `if` it counts some"
        )
    if name in _OF_EVENTS:
        need_events(reading, f"{name}()", start)


def aggregates_text(aggregates: tuple[Aggregate, ...]) -> str:
    """As a query writes them."""
    return ", ".join(_written(each) for each in aggregates)


def aggregate_text(aggregate: Aggregate) -> str:
    """Without its column; this is what its column is called when the query gives no name."""
    argument = "" if aggregate.argument is None else expression_text(aggregate.argument)
    if aggregate.percent is not None:
        short = f"p{number_text(aggregate.percent)}"
        is_short = _PERCENTILE.fullmatch(short) is not None
        text = f"{short}({argument})" if is_short else f"percentile({argument}, {short[1:]})"
    else:
        text = f"{aggregate.function}({argument})"
    return text if aggregate.condition is None else f"{text} if {expression_text(aggregate.condition)}"


def grouping_text(fields: tuple[Field, ...], span_us: int | None = None) -> str:
    """` by …`, or nothing."""
    keys = [name_text(name_of(each)) for each in fields]
    keys += [] if span_us is None else [f"time({duration_text(span_us * US)})"]
    return f" by {', '.join(keys)}" if keys else ""


def _written(aggregate: Aggregate) -> str:
    text = aggregate_text(aggregate)
    return text if text == aggregate.name else f"{text} as {name_text(aggregate.name)}"
