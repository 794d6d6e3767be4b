"""`cordwood delete`: remove events for good."""

import sys
from typing import Annotated

import msgspec
import typer

from cordwood.cli.asking import checked
from cordwood.cli.telling import telling_errors
from cordwood.client.http import Api
from cordwood.errors import ConfigError

_PATH = "/api/v1/delete"


class _Deleted(msgspec.Struct, frozen=True):
    events: int
    dry_run: bool


def delete(
    query: Annotated[
        str,
        typer.Argument(
            metavar="[QUERY]", help="What events must match: level:error http.status:>=500", show_default=False
        ),
    ] = "",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="FIELD:VALUE that events must have; may be repeated.", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(help="Before this time.", show_default=False)] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every event of the tenant.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the admin scope.", show_default=False)
    ] = None,
) -> None:
    """Remove the events that match. No query sees them afterwards; the ledger counts them as deleted.

    cordwood delete user.id:4711 --start -30d

    Events that are still in the queue are stored later, and are not removed. Counts first, and asks.
    """
    with telling_errors():
        asked: dict[str, object] = {"filters": filters or [], "all": is_all}
        given = (("query", checked(query) or None), ("start", start), ("end", end))
        asked |= {name: text for name, text in given if text is not None}
        api = Api(url, api_key)
        found = api.post(_PATH, {**asked, "dry_run": True}, _Deleted).events
        if dry_run:
            typer.echo(f"{found:,} events would be removed")
            return
        if not yes and found:
            if not sys.stdin.isatty():
                raise ConfigError(f"{found:,} events would be removed", hint="say --yes to do so unasked")
            typer.confirm(f"Remove {found:,} events for good?", abort=True)
        removed = api.post(_PATH, asked, _Deleted).events
        api.close()
    typer.echo(f"{removed:,} events were removed")
