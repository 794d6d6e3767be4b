"""`cordwood alerts silence`, `silences`, `unsilence`: times in which rules tell nobody."""

from typing import Annotated, Any

import typer

from cordwood.cli.alerting import AdminKey, AsJson, QueryKey, Url, asking
from cordwood.cli.shown import print_json, print_table
from cordwood.client import alerts as calls
from cordwood.errors import ConfigError

_URL = "http://127.0.0.1:8080"


def silence(
    rule: Annotated[str | None, typer.Argument(help="Name of a rule.", show_default=False)] = None,
    duration: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "1h",
    label: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE that rules have, severity=… too; may be repeated.", show_default=False),
    ] = None,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
    url: Url = _URL,
    api_key: AdminKey = None,
) -> None:
    """Keep rules from telling anybody for a time, from now on. They are evaluated all the same.

    cordwood alerts silence checkout-errors --for 2h --comment "moving the database"
    """
    with asking(url, api_key) as api:
        asked: dict[str, Any] = {"labels": _labels(label or []), "duration": duration, "comment": comment}
        made = calls.silence(api, asked | ({} if rule is None else {"rule": rule}))
    if as_json:
        print_json(made)
    else:
        typer.echo(f"silent until {made.end[:19]}: {made.id}")


def silences(as_json: AsJson = False, url: Url = _URL, api_key: QueryKey = None) -> None:
    """List the silences that have not ended."""
    with asking(url, api_key) as api:
        found = calls.silences(api)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.id,
            each.rule or "",
            ", ".join(f"{name}={value}" for name, value in sorted(each.labels.items())),
            each.start[:19],
            each.end[:19],
            each.author,
            each.comment,
        )
        for each in found
    ]
    print_table(("id", "rule", "labels", "start", "end", "author", "comment"), rows)


def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="As `silences` prints it.", show_default=False)],
    url: Url = _URL,
    api_key: AdminKey = None,
) -> None:
    """End a silence at once."""
    with asking(url, api_key) as api:
        calls.end_silence(api, silence_id)
    typer.echo(f"ended: {silence_id}")


def _labels(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not (name and equals) for name, equals, _ in pairs):
        raise ConfigError("--label takes NAME=VALUE")
    return {name: value for name, _, value in pairs}
