"""`python -m tests.support.pages`: write the generated reference pages. A test says when they are out of date."""

import inspect
from pathlib import Path

import msgspec
import typer
from prometheus_client.metrics import MetricWrapperBase
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cordwood import metrics
from cordwood.cli.app import COMMANDS, PANELS, app_of
from cordwood.config import Config, settings_of
from cordwood.http.openapi import description
from cordwood.http.operations import HEALTH
from cordwood.ingest.operations import INGEST
from cordwood.query.alerts.operations import ALERTS
from cordwood.query.mending_operations import MENDING
from cordwood.query.operations import TAIL
from cordwood.wiring.endpoints import ASKING
from cordwood.wiring.operating import OPERATING
from tests.deploy.pages import terraform_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def settings_page() -> str:
    rows = [f"| `{each.variable}` | `{each.default or ' '}` | {each.help} |" for each in settings_of(Config())]
    return "\n".join(
        [
            "# Settings",
            "",
            "Each is a variable, or an entry of the TOML file that `CORDWOOD_CONFIG` names: `CORDWOOD_HTTP_PORT` is",
            "`port` in the table `[http]`. Variables win over the file, options over both. `cordwood config` shows the",
            "values in force. An unknown or wrong setting stops the start.",
            "",
            "With `_FILE` behind its name a variable names a file that holds the value, as secrets of Docker,",
            "Kubernetes and systemd come: `CORDWOOD_STORE_URL_FILE=/run/secrets/store_url`. One newline at the end is",
            "left out. Both forms of one setting, or a file that cannot be read, stop the start.",
            "",
            "| variable | default | meaning |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def metrics_page() -> str:
    declared = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = []
    for metric in declared:
        (family,) = metric.describe()
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(["# Metrics", "", "| name | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def cli_page() -> str:
    lines = [
        "# Commands",
        "",
        "As `cordwood COMMAND --help` tells them. Commands that work on the store take the [settings](settings.md) of",
        "the services; those that ask a server take `--url` and `--api-key`, or `CORDWOOD_URL` and `CORDWOOD_API_KEY`.",
    ]
    app = get_command(app_of(list(COMMANDS)))
    context = typer.Context(app, info_name="cordwood")
    assert isinstance(app, TyperGroup)
    for panel, places in PANELS.items():
        lines += ["", f"## {panel}"]
        for name in places:
            lines += _command(app.commands[name], typer.Context(app.commands[name], context, name))
    return "\n".join([*lines, ""])


def _command(command: object, context: typer.Context) -> list[str]:
    """One command, and those below it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    if isinstance(command, TyperGroup):
        below = [_command(each, typer.Context(each, context, name)) for name, each in command.commands.items()]
        return [line for lines in below for line in lines]
    usage = " ".join(command.collect_usage_pieces(context))
    lines = ["", f"### {context.command_path}", "", f"`{context.command_path} {usage}`", "", *_told(command.help or "")]
    records = [each.get_help_record(context) for each in command.get_params(context) if each.name != "help"]
    rows = [f"| `{_cell(names)}` | {_cell(about)} |" for names, about in filter(None, records)]
    return [*lines, "", "| | |", "| --- | --- |", *rows] if rows else lines


def _told(text: str) -> list[str]:
    """A help text: what is a command in it is shown as one."""
    lines = inspect.cleandoc(text).splitlines()
    return [f"`{line}`" if line.startswith("cordwood ") else line for line in lines]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def openapi() -> str:
    """What `cordwood up` answers at /api/v1/openapi.json."""
    operations = [*HEALTH, *INGEST, *ASKING, *TAIL, *MENDING, *ALERTS, *OPERATING]
    return msgspec.json.format(description("up", operations), indent=1).decode() + "\n"


PAGES = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "cli.md": cli_page,
    "openapi.json": openapi,
    "terraform.md": terraform_page,
}


def main() -> None:
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()
