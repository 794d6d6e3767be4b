"""`cordwood dead-letters`: events that no store could hold, and what to do with them."""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer
from msgspec import UNSET
from rich.console import Console
from rich.table import Table

from cordwood.cli.telling import telling_errors
from cordwood.client import deadletters as letters
from cordwood.client.deadletters import Choice
from cordwood.client.http import Api
from cordwood.errors import ConfigError
from cordwood.neutral import neutral

dead_letters = typer.Typer(
    name="dead-letters",
    help="Events that no store could hold: list them, show one, mend and replay them, or give them up.",
    no_args_is_help=True,
)

Url = Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")]
ApiKey = Annotated[
    str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the admin scope.", show_default=False)
]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of letters, as `list` prints them.", show_default=False)]
Reason = Annotated[str | None, typer.Option(help="All letters with exactly this reason.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every letter.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_URL = "http://127.0.0.1:8080"


@dead_letters.command("list")
def list_letters(
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Letters to print at most.")] = 20,
    as_json: AsJson = False,
    url: Url = _URL,
    api_key: ApiKey = None,
) -> None:
    """Count the letters by reason, and print some of them."""
    with _asking(url, api_key) as api:
        found = letters.listing(api, reason, limit)
    if as_json:
        _print_json(found)
        return
    console = Console(highlight=False)
    if not found.groups:
        console.print("there are no dead letters")
        return
    groups = Table("letters", "events", "protocol", "latest", "reason", box=None, header_style="bold")
    for group in found.groups:
        counts = f"{group.letters:,}", f"{group.events:,}"
        groups.add_row(*counts, neutral(group.protocol), group.last_at, _text(group.reason))
    console.print(groups)
    console.print()
    for letter in found.letters:
        console.print(f"[bold]{letter.id}[/]  {letter.received_at}  {letter.events:,} event(s)")
        console.print(f"  {_text(letter.preview)}", markup=True, soft_wrap=True)
    if found.next is not None:
        console.print("… and more: --limit, --reason")


@dead_letters.command()
def show(
    letter: Annotated[str, typer.Argument(help="Id of a letter.")],
    as_json: AsJson = False,
    url: Url = _URL,
    api_key: ApiKey = None,
) -> None:
    """Print one letter: its bytes to standard output, what is known of it to standard error."""
    with _asking(url, api_key) as api:
        found = letters.show(api, letter)
    if as_json:
        _print_json(found)
        return
    typer.echo(f"{found.id}: {neutral(found.reason)}", err=True)
    typer.echo(f"  {neutral(found.protocol)}, {found.events} event(s), received {found.received_at}", err=True)
    body = base64.b64decode(found.body_base64) if found.body is None else found.body.encode()
    if sys.stdout.isatty():
        typer.echo(neutral(body.decode(errors="replace")))
    else:
        sys.stdout.buffer.write(body)


@dead_letters.command()
def replay(
    ids: Ids = None,
    reason: Reason = None,
    is_all: All = False,
    rename: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW: rename a field; may be repeated.", show_default=False)
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Leave out a field; may be repeated.", show_default=False)
    ] = None,
    put: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=JSON: set a field; may be repeated.", show_default=False),
    ] = None,
    body: Annotated[
        str | None, typer.Option(help="The event's whole new text, as JSON; for one letter.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would become of them.")] = False,
    as_json: AsJson = False,
    url: Url = _URL,
    api_key: ApiKey = None,
) -> None:
    """Store letters after all, mended if need be, under the ids they always had.

    Exit status: 0 when every chosen letter was stored, 1 when some would not do, 2 for wrong usage.
    """
    with _asking(url, api_key) as api:
        edit = _edit(rename or [], drop or [], put or [])
        text = None if body is None else body.encode()
        outcome = letters.replay(api, _choice(ids, reason, is_all=is_all), edit, text, dry_run=dry_run)
    if as_json:
        _print_json(outcome)
    else:
        verb = "would be" if outcome.is_dry_run else "were"
        typer.echo(f"{outcome.events:,} events {verb} stored, {outcome.failed_letters:,} letters would not do")
        for failure in outcome.failed:
            typer.echo(f"  {failure.id}: {neutral(failure.error)}")
    raise typer.Exit(1 if outcome.failed_letters else 0)


@dead_letters.command()
def discard(
    ids: Ids = None, reason: Reason = None, is_all: All = False, url: Url = _URL, api_key: ApiKey = None
) -> None:
    """Give letters up: their bytes go, their counts stay in the ledger, and the action is recorded."""
    with _asking(url, api_key) as api:
        events = letters.discard(api, _choice(ids, reason, is_all=is_all)).events
    typer.echo(f"{events:,} events were given up")


@contextmanager
def _asking(url: str, api_key: str | None) -> Iterator[Api]:
    with telling_errors():
        api = Api(url, api_key)
        try:
            yield api
        finally:
            api.close()


def _choice(ids: list[str] | None, reason: str | None, *, is_all: bool) -> Choice:
    if bool(ids) + (reason is not None) + is_all != 1:
        raise ConfigError("which letters?", hint="name ids, or --reason TEXT, or --all")
    return Choice(ids or UNSET, UNSET if reason is None else reason, is_all)


def _edit(rename: list[str], drop: list[str], put: list[str]) -> dict[str, Any] | None:
    if not (rename or drop or put):
        return None
    pairs = [text.partition("=") for text in rename]
    if any(not old or not new for old, _, new in pairs):
        raise ConfigError("--rename takes OLD=NEW")
    values: dict[str, Any] = {}
    for text in put:
        name, _, value = text.partition("=")
        try:
            values[name] = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"--set {name}: {value!r} is no JSON", hint="a text needs quotes: --set 'a=\"b\"'"
            ) from error
    return {"rename": {old: new for old, _, new in pairs}, "drop": drop, "set": values}


def _print_json(answer: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def _text(text: str) -> str:
    """Hostile text for a console that reads markup."""
    return neutral(text).replace("[", "\\[")
