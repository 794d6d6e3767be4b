"""What a person reads when a command fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from cordwood.errors import ConfigError, CordwoodError
from cordwood.neutral import neutral


@contextmanager
def telling_errors() -> Iterator[None]:
    """Errors that an operator can act on, as two lines rather than a traceback. Exit 2 for settings, 1 for the rest."""
    try:
        yield
    except CordwoodError as error:
        # What a server answered may be in it.
        typer.echo(f"cordwood: {neutral(error.message)}", err=True)
        if error.hint:
            typer.echo(f"  → {neutral(error.hint)}", err=True)
        raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from error


def tell_in_flight(events: int | None) -> None:
    """What an answer may lack because it is not stored yet. A program is told by the answer itself."""
    if events and sys.stderr.isatty():
        typer.echo(f"{events:,} more accepted events are on their way into the store, and not in here", err=True)
