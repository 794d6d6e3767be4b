"""The list of commands. What makes a service, or a store, a command imports when it runs; so it starts in a moment."""

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from cordwood.cli.version import version

PANELS = {
    "Run": {
        "up": "up.up",
        "api": "api.api",
        "worker": "worker.worker",
        "query": "query.query",
        "migrate": "migrate.migrate",
    },
    "Send and move": {
        "send": "send.send",
        "import": "import_.import_",
        "export": "export.export",
    },
    "Ask": {
        "search": "search.search",
        "tail": "tail.tail",
        "stats": "stats.stats",
        "top": "stats.top",
        "histogram": "histogram.histogram",
        "patterns": "stats.patterns",
        "explain": "explain.explain",
        "fields": "explore.fields",
        "facets": "explore.facets",
        "context": "explore.context",
        "sql": "sql.sql",
        "saved": "saved.saved",
        "alerts": "alerts.alerts",
    },
    "Look after": {
        "audit": "audit.audit",
        "dead-letters": "deadletters.dead_letters",
        "delete": "delete.delete",
        "keys": "keys.keys",
        "tenants": "tenants.tenants",
        "sql-user": "sql_user.sql_user",
        "store": "store.store",
        "ready": "ready.ready",
        "backup": "backup.backup",
        "restore": "backup.restore",
        "config": "config.config",
        "version": "version.version",
    },
}
"""Each command, and where it is, as the help shows them."""
_EXCLUDING = re.compile(r"-(?:[\w.@$/*]{2,}:|[(\"'])")
"""`-host:x`, `-(a OR b)`, `-"a phrase"`; an option's value, of one letter, stands apart or begins with no colon."""
COMMANDS = {name: (panel, place) for panel, places in PANELS.items() for name, place in places.items()}


def app_of(names: Sequence[str]) -> typer.Typer:
    """The command line, with these commands only."""
    app = typer.Typer(
        name="cordwood",
        help="Log ingestion and analytics that accounts for every log.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # Else one command alone would take no name.
    app.callback(help=app.info.help)(_whatever_the_command)
    for name in names:
        panel, place = COMMANDS[name]
        module, _, attribute = place.partition(".")
        found: Callable[..., None] | typer.Typer = getattr(import_module(f"cordwood.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(found)
    return app


def told_apart(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a blank before a query that begins with `-`: it would be taken for options."""
    return [f" {each}" if _EXCLUDING.match(each) else each for each in arguments]


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the command that these arguments name; all when they name none."""
    return app_of(arguments[:1] if arguments and arguments[0] in COMMANDS else list(COMMANDS))


def _told(is_asked: bool) -> None:
    if is_asked:
        version()
        raise typer.Exit


def _whatever_the_command(
    _: Annotated[
        bool, typer.Option("--version", "-V", callback=_told, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass
