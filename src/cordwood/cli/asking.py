"""What commands that ask have in common: a query is read here first, so that what is wrong is shown under its text."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import typer

from cordwood.errors import BadQuery


class Asked(NamedTuple):
    """What an answer to a query consists of."""

    has_pipes: bool = False
    is_table: bool = False
    """Its rows are no events."""


def checked(query: str) -> str:
    """The query, if it can be understood and has no pipes; otherwise tells why, and exits with 2."""
    if query:
        # Here, as most questions of a program have none.
        from cordwood.language.parser import parse_filter

        with _explaining():
            parse_filter(query, time.time_ns() // 1000)
    return query


def asked(query: str) -> Asked:
    """What will be answered, if the query can be understood; otherwise tells why, and exits with 2."""
    if not query:
        return Asked()
    from cordwood.language.parser import parse
    from cordwood.language.pipes.known import makes_table

    with _explaining():
        pipes = parse(query, time.time_ns() // 1000).pipes
    return Asked(bool(pipes), any(map(makes_table, pipes)))


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except BadQuery as error:
        from cordwood.language.problems import shown

        typer.echo(f"cordwood: {shown(error)}", err=True)
        raise typer.Exit(2) from error
