"""`dedup [N] FIELD, …`: the first of the rows that are equal in some fields."""

from cordwood.language.pipes.columns import parse_count, parse_fields
from cordwood.language.spelling import name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.field import name_of
from cordwood.model.search.pipes import Dedup


def parse(reading: Reading) -> Dedup:
    """Behind the pipe's name."""
    count = parse_count(reading, 1)
    reading.takes_keyword("by")
    return Dedup(count, parse_fields(reading))


def text(pipe: Dedup) -> str:
    """As a query writes it."""
    count = "" if pipe.count == 1 else f"{pipe.count} "
    return f"dedup {count}{', '.join(name_text(name_of(field)) for field in pipe.fields)}"
