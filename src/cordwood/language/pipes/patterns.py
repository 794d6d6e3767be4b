"""`patterns [FIELD]`: the templates of texts."""

from cordwood.language.pipes.aggregates import need_events
from cordwood.language.spelling import name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.field import MESSAGE, name_of
from cordwood.model.search.pipes import Patterns


def parse(reading: Reading) -> Patterns:
    """Behind the pipe's name."""
    need_events(reading, "patterns")
    reading.skip_blanks()
    return Patterns(MESSAGE if reading.is_at_end or reading.sees("|") else reading.field())


def text(pipe: Patterns) -> str:
    """As a query writes it."""
    return "patterns" if pipe.field == MESSAGE else f"patterns {name_text(name_of(pipe.field))}"
