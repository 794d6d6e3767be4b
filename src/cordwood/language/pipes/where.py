"""`where CONDITION`: only rows for which it is true."""

from cordwood.language.expressions import parse_boolean
from cordwood.language.spelling import expression_text
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Where


def parse(reading: Reading) -> Where:
    """Behind the pipe's name."""
    return Where(parse_boolean(reading))


def text(pipe: Where) -> str:
    """As a query writes it."""
    return f"where {expression_text(pipe.condition)}"
