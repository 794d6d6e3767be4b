"""What commands about alerts and saved queries have in common."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from cordwood.cli.telling import telling_errors
from cordwood.client.alerts import Backtest, Group
from cordwood.client.http import Api
from cordwood.neutral import neutral

Url = Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")]
QueryKey = Annotated[
    str | None, typer.Option("--api-key", envvar="CORDWOOD_API_KEY", help="Key with the query scope.",
                             show_default=False)
]  # fmt: skip
AdminKey = Annotated[
    str | None, typer.Option("--api-key", envvar="CORDWOOD_API_KEY", help="Key with the admin scope.",
                             show_default=False)
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MOST_SHOWN = 10


@contextmanager
def asking(url: str, api_key: str | None) -> Iterator[Api]:
    """The server; what it refuses is told."""
    with telling_errors():
        api = Api(url, api_key)
        try:
            yield api
        finally:
            api.close()


def shown_backtest(tried: Backtest) -> None:
    """Print when a rule would have fired."""
    since = f"since {tried.start[:19]}" + ("" if tried.complete else " (not looked further back: bounded work)")
    times = "once" if tried.fired == 1 else f"{tried.fired:,} times"
    typer.echo(f"would have fired {times} {since}: {tried.matches:,} of {tried.evaluations:,} evaluations matched")
    for firing in tried.firings[:_MOST_SHOWN]:
        peak = (
            f"{neutral(tried.value)} = {firing.peak:g} at worst" if tried.value else f"at most {firing.peak:g} matches"
        )
        typer.echo(f"  {firing.start[:19]} to {(firing.end or 'now')[:19]}, {peak}")
    if len(tried.firings) > _MOST_SHOWN:
        typer.echo("  … and before")


def shown_value(value: float | None) -> str:
    """A value as a cell of a table."""
    return "" if value is None else f"{value:g}"


def shown_groups(groups: Sequence[Group]) -> list[str]:
    """Groups for which a condition held, with their numbers."""
    return [" ".join([*(f"{name}={label}" for name, label in each.by.items()), f"{each.value:g}"]) for each in groups]
