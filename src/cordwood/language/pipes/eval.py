"""`eval NAME = EXPRESSION, …`: computed columns."""

from cordwood.language.expressions import parse_expression
from cordwood.language.spelling import expression_text, name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.expressions import Expression
from cordwood.model.search.pipes import Eval


def parse(reading: Reading) -> Eval:
    """Behind the pipe's name."""
    columns: list[tuple[str, Expression]] = []
    while not columns or reading.takes(","):
        name = reading.column()
        reading.needs("=")
        columns.append((name, parse_expression(reading)))
    return Eval(tuple(columns))


def text(pipe: Eval) -> str:
    """As a query writes it."""
    return "eval " + ", ".join(f"{name_text(name)} = {expression_text(value)}" for name, value in pipe.columns)
