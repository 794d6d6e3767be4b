"""What commands that ask have in common: a query is read here first, so that what is wrong is shown under its text."""

import time

import typer

from cordwood.errors import BadQuery


def checked(query: str) -> str:
    """The query, if it can be understood; otherwise tells why, and exits with 2."""
    if query:
        # Here, as most questions of a program have none.
        from cordwood.language.parser import parse_filter
        from cordwood.language.problems import shown

        try:
            parse_filter(query, time.time_ns() // 1000)
        except BadQuery as error:
            typer.echo(f"cordwood: {shown(error)}", err=True)
            raise typer.Exit(2) from error
    return query
