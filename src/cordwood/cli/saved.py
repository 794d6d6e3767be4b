"""`cordwood saved`: queries under names."""

from typing import Annotated, Literal

import typer

from cordwood.cli.alerting import AdminKey, AsJson, QueryKey, Url, asking
from cordwood.cli.shown import print_json, print_table
from cordwood.client import alerts as calls
from cordwood.client.alerts import Saved

saved = typer.Typer(name="saved", help="Saved queries: keep them under names, and run them.", no_args_is_help=True)

_URL = "http://127.0.0.1:8080"

Name = Annotated[str, typer.Argument(help="Name of a saved query.", show_default=False)]
Start = Annotated[str | None, typer.Option(help="From this time on: RFC 3339, or -1h.", show_default=False)]
End = Annotated[str | None, typer.Option(help="Before this time.", show_default=False)]


@saved.command("list")
def list_saved(as_json: AsJson = False, url: Url = _URL, api_key: QueryKey = None) -> None:
    """List the saved queries."""
    with asking(url, api_key) as api:
        found = calls.saved_queries(api)
    if as_json:
        print_json(found)
        return
    rows = [(each.name, each.saved.start or "", each.saved.end or "", each.saved.query) for each in found]
    print_table(("name", "start", "end", "query"), rows)


@saved.command()
def put(
    name: Name,
    query: Annotated[str, typer.Argument(help="What events must match.", show_default=False)],
    start: Start = None,
    end: End = None,
    about: Annotated[str, typer.Option(help="A note for people.")] = "",
    url: Url = _URL,
    api_key: AdminKey = None,
) -> None:
    """Save a query under a name, or change what is saved there.

    cordwood saved put checkout-errors 'level:error service:checkout' --start -1h
    """
    with asking(url, api_key) as api:
        calls.save_query(api, name, Saved(query, start, end, about))
    typer.echo(f"{name} is saved")


@saved.command()
def show(name: Name, url: Url = _URL, api_key: QueryKey = None) -> None:
    """Print a saved query, as JSON."""
    with asking(url, api_key) as api:
        print_json(calls.saved_query(api, name))


@saved.command()
def delete(name: Name, url: Url = _URL, api_key: AdminKey = None) -> None:
    """Forget a saved query."""
    with asking(url, api_key) as api:
        calls.delete_query(api, name)
    typer.echo(f"{name} is deleted")


@saved.command()
def run(
    name: Name,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest events, at most so many.")] = 100,
    output: Annotated[
        Literal["text", "json", "ndjson", "raw"], typer.Option("--output", "-o", help="As of `cordwood search`.")
    ] = "text",
    url: Url = _URL,
    api_key: QueryKey = None,
) -> None:
    """Print what a saved query finds, as `cordwood search` does; --start and --end win over what is saved."""
    from cordwood.cli.search import search

    with asking(url, api_key) as api:
        found = calls.saved_query(api, name)
    search(
        found.query,
        start=start or found.start,
        end=end or found.end,
        limit=limit,
        output=output,
        url=url,
        api_key=api_key,
    )
