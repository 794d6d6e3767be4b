"""`stats AGGREGATE, … by FIELD, …, time(5m)`: a row for each group."""

from cordwood.language.pipes.aggregates import aggregates_text, grouping_text, parse_aggregates, parse_grouping
from cordwood.language.pipes.columns import check_columns
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Stats


def parse(reading: Reading) -> Stats:
    """Behind the pipe's name."""
    reading.skip_blanks()
    start = reading.at
    aggregates = parse_aggregates(reading)
    grouping = parse_grouping(reading, with_time=True)
    check_columns(reading, aggregates, grouping, start)
    return Stats(aggregates, grouping.fields, grouping.span_us)


def text(pipe: Stats) -> str:
    """As a query writes it."""
    return f"stats {aggregates_text(pipe.aggregates)}{grouping_text(pipe.by, pipe.span_us)}"
