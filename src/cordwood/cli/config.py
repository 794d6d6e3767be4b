"""`cordwood config`: every setting, its value and where to set it."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cordwood.cli.process import configured
from cordwood.config import Setting, settings_of


def config(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show every setting: its value now, its variable, what it means. Secrets are not shown.

    Settings come from the TOML file that CORDWOOD_CONFIG names, then from CORDWOOD_… variables, then from options.
    """
    settings = settings_of(configured())
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(settings), indent=2).decode())
        return
    table = Table("variable", "value", "meaning", box=None, header_style="bold")
    for setting in settings:
        table.add_row(setting.variable, _marked(setting), setting.help)
    Console().print(table)


def _marked(setting: Setting) -> str:
    """Values that differ from the default stand out."""
    return setting.value if setting.value == setting.default else f"[bold green]{setting.value}[/]"
