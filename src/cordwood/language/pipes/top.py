"""`top [N] FIELD, … by FIELD, …` and `rare`: the values that occur most, or least."""

from cordwood.language.pipes.aggregates import Grouping, grouping_text, parse_grouping
from cordwood.language.pipes.columns import check_columns, parse_count, parse_fields
from cordwood.language.spelling import name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.field import name_of
from cordwood.model.search.pipes import Aggregate, Top

_USUAL = 10


def parse_top(reading: Reading) -> Top:
    """Behind the pipe's name."""
    return _parse(reading, is_rare=False)


def parse_rare(reading: Reading) -> Top:
    """Behind the pipe's name."""
    return _parse(reading, is_rare=True)


def _parse(reading: Reading, *, is_rare: bool) -> Top:
    count = parse_count(reading, _USUAL)
    reading.skip_blanks()
    start = reading.at
    fields = parse_fields(reading)
    grouping = parse_grouping(reading, with_time=False)
    check_columns(reading, [Aggregate("count", None, "count")], Grouping(fields + grouping.fields), start)
    return Top(count, fields, grouping.fields, is_rare)


def text(pipe: Top) -> str:
    """As a query writes it."""
    fields = ", ".join(name_text(name_of(field)) for field in pipe.fields)
    return f"{'rare' if pipe.is_rare else 'top'} {pipe.count} {fields}{grouping_text(pipe.by)}"
