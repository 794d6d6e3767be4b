"""The list of commands."""

import typer

from cordwood.cli.api import api
from cordwood.cli.audit import audit
from cordwood.cli.config import config
from cordwood.cli.deadletters import dead_letters
from cordwood.cli.delete import delete
from cordwood.cli.export import export
from cordwood.cli.import_ import import_
from cordwood.cli.keys import keys
from cordwood.cli.migrate import migrate
from cordwood.cli.query import query
from cordwood.cli.search import search
from cordwood.cli.send import send
from cordwood.cli.store import store
from cordwood.cli.tenants import tenants
from cordwood.cli.up import up
from cordwood.cli.version import version
from cordwood.cli.worker import worker

app = typer.Typer(
    name="cordwood",
    help="Log ingestion and analytics that accounts for every log.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (up, api, worker, query, migrate, send, export, search, delete, audit, config, version):
    app.command()(command)
app.command("import")(import_)
for group in (keys, tenants, dead_letters, store):
    app.add_typer(group, name=group.info.name)
