"""`cordwood alerts`: rules that watch what is stored, and tell somebody."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cordwood.cli.alerting import AdminKey, AsJson, QueryKey, Url, asking, shown_backtest, shown_groups, shown_value
from cordwood.cli.shown import print_json, print_table
from cordwood.cli.silences import silence, silences, unsilence
from cordwood.client import alerts as calls
from cordwood.errors import ConfigError
from cordwood.neutral import neutral

alerts = typer.Typer(name="alerts", help="Alert rules: what they are, did, and would have done.", no_args_is_help=True)

_URL = "http://127.0.0.1:8080"

alerts.command()(silence)
alerts.command()(silences)
alerts.command()(unsilence)

Name = Annotated[str, typer.Argument(help="Name of a rule.", show_default=False)]
File = Annotated[
    str, typer.Argument(help="TOML or JSON with the rule and its `name`; - is JSON at stdin.", show_default=False)
]
Days = Annotated[int | None, typer.Option(min=0, max=366, help="Days to try the rule on.", show_default=False)]


@alerts.command("list")
def list_rules(as_json: AsJson = False, url: Url = _URL, api_key: QueryKey = None) -> None:
    """List the rules and where they stand."""
    with asking(url, api_key) as api:
        found = calls.rules(api)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.name,
            each.state.status + (" (silenced)" if each.state.silenced else ""),
            each.state.since[:19],
            next(iter(shown_groups(each.state.groups)), shown_value(each.state.value)),
            str(each.rule.get("condition", "")),
            str(each.rule.get("severity", "")),
            each.state.error or str(each.rule.get("query", "")),
        )
        for each in found
    ]
    print_table(("name", "status", "since", "value", "condition", "severity", "query, or why not"), rows)


@alerts.command()
def show(name: Name, url: Url = _URL, api_key: QueryKey = None) -> None:
    """Print a rule with its state, as JSON. Secrets of its receivers are masked."""
    with asking(url, api_key) as api:
        print_json(calls.rule(api, name))


@alerts.command()
def put(
    file: File, backtest_days: Days = None, as_json: AsJson = False, url: Url = _URL, api_key: AdminKey = None
) -> None:
    """Make a rule, or change one, and tell when it would have fired.

    cordwood alerts put checkout-errors.toml
    """
    with asking(url, api_key) as api:
        name, made = _read(file)
        answer = calls.put_rule(api, name, made, backtest_days)
    if as_json:
        print_json(answer)
        return
    typer.echo(f"{answer.name} is kept")
    if answer.backtest is not None:
        shown_backtest(answer.backtest)
    elif answer.backtest_error:
        typer.echo(f"no back-test: {neutral(answer.backtest_error)}", err=True)


@alerts.command()
def delete(name: Name, url: Url = _URL, api_key: AdminKey = None) -> None:
    """Forget a rule. Its history stays; nobody is told that it resolved."""
    with asking(url, api_key) as api:
        calls.delete_rule(api, name)
    typer.echo(f"{name} is deleted")


@alerts.command()
def test(name: Name, as_json: AsJson = False, url: Url = _URL, api_key: AdminKey = None) -> None:
    """Send a test message to the receivers of a rule. Exit status 1 when one did not take it."""
    with asking(url, api_key) as api:
        found = calls.test_rule(api, name)
    if as_json:
        print_json(found)
    else:
        for each in found:
            said = "delivered" if each.delivered else f"not delivered: {neutral(each.error)}"
            typer.echo(f"{neutral(_receiver(each.receiver))}: {said}")
    raise typer.Exit(0 if all(each.delivered for each in found) else 1)


@alerts.command()
def backtest(file: File, days: Days = 7, as_json: AsJson = False, url: Url = _URL, api_key: QueryKey = None) -> None:
    """Tell when a rule would have fired, without making it."""
    with asking(url, api_key) as api:
        answer = calls.backtest(api, _read(file)[1], days or 1)
    if as_json:
        print_json(answer)
    else:
        shown_backtest(answer)


@alerts.command()
def history(
    name: Annotated[str | None, typer.Argument(help="Only of this rule.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Transitions to print at most.")] = 20,
    as_json: AsJson = False,
    url: Url = _URL,
    api_key: QueryKey = None,
) -> None:
    """Print what rules did, and what became of the messages, the latest first."""
    with asking(url, api_key) as api:
        found = calls.history(api, name, limit)
    if as_json:
        print_json(found)
        return
    rows = [(each.at[:19], each.rule, each.kind, shown_value(each.value), _told(each)) for each in found]
    print_table(("at", "rule", "became", "value", "told"), rows)


def _told(entry: calls.Entry) -> str:
    groups = shown_groups(entry.groups)
    if entry.silence is not None:
        return "; ".join(["silenced", *groups])
    told = [
        f"{_receiver(each.receiver)} {each.status}" + (f" ({each.error})" if each.error else "")
        for each in entry.deliveries
    ]
    return "; ".join([*told, *groups, *filter(None, (entry.error, entry.note))])


def _receiver(receiver: dict[str, Any]) -> str:
    to = receiver.get("to")
    return f"{receiver.get('kind')} {', '.join(map(str, to)) if to else receiver.get('url')}"


def _read(file: str) -> tuple[str, dict[str, Any]]:
    """The name in a file, and the rule. Raises ConfigError."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        made: dict[str, Any] = (
            tomllib.loads(text) if file.endswith(".toml") else msgspec.json.decode(text, type=dict[str, Any])
        )
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{file} is not what it should be: {error}", hint="see docs/alerts.md") from error
    # `show` prints it one level deeper, with its state.
    if isinstance(made.get("rule"), dict):
        made = {**made["rule"], "name": made.get("name")}
    name = made.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{file} has no name in it", hint='for instance name = "checkout-errors"')
    return name, made
