"""`timechart [span=5m] AGGREGATE, … by FIELD, …`: a row for each span of time and group."""

import re

from cordwood.language.pipes.aggregates import (
    Grouping,
    aggregates_text,
    grouping_text,
    need_events,
    parse_aggregates,
    parse_grouping,
    parse_span,
)
from cordwood.language.pipes.columns import check_columns
from cordwood.language.quantities import duration_text
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Timechart
from cordwood.model.search.units import US

_SPAN = re.compile(r"span\s*=\s*", re.IGNORECASE)


def parse(reading: Reading) -> Timechart:
    """Behind the pipe's name."""
    reading.skip_blanks()
    start = reading.at
    need_events(reading, "timechart")
    span_us: int | None = None
    if (found := _SPAN.match(reading.text, start)) is not None:
        reading.at = found.end()
        span_us = parse_span(reading)
    aggregates = parse_aggregates(reading)
    grouping = parse_grouping(reading, with_time=False)
    check_columns(reading, aggregates, Grouping(grouping.fields, span_us or 1), start)
    return Timechart(aggregates, grouping.fields, span_us)


def text(pipe: Timechart) -> str:
    """As a query writes it."""
    span = "" if pipe.span_us is None else f"span={duration_text(pipe.span_us * US)} "
    return f"timechart {span}{aggregates_text(pipe.aggregates)}{grouping_text(pipe.by)}"
