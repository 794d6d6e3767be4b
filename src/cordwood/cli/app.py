"""The list of commands. What makes a service, or a store, a command imports when it runs; so it starts in a moment."""

from collections.abc import Callable, Sequence
from importlib import import_module

import typer

COMMANDS = {
    "up": "up.up",
    "api": "api.api",
    "worker": "worker.worker",
    "query": "query.query",
    "migrate": "migrate.migrate",
    "send": "send.send",
    "import": "import_.import_",
    "export": "export.export",
    "search": "search.search",
    "stats": "stats.stats",
    "top": "stats.top",
    "sql": "sql.sql",
    "histogram": "histogram.histogram",
    "patterns": "stats.patterns",
    "tail": "tail.tail",
    "fields": "explore.fields",
    "facets": "explore.facets",
    "context": "explore.context",
    "explain": "explain.explain",
    "delete": "delete.delete",
    "audit": "audit.audit",
    "config": "config.config",
    "version": "version.version",
    "keys": "keys.keys",
    "tenants": "tenants.tenants",
    "dead-letters": "deadletters.dead_letters",
    "store": "store.store",
    "alerts": "alerts.alerts",
    "saved": "saved.saved",
}
"""Each command, and where it is."""


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
    app.callback(help=app.info.help)(lambda: None)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(".")
        found: Callable[..., None] | typer.Typer = getattr(import_module(f"cordwood.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the command that these arguments name; all when they name none."""
    return app_of(arguments[:1] if arguments and arguments[0] in COMMANDS else list(COMMANDS))
