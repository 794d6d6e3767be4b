"""`cordwood migrate`: bring the store's tables to this version."""

import asyncio

import typer

from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.telling import telling_errors


def migrate(data_dir: DataDir = None) -> None:
    """Make or update the store's tables. Safe to run twice, and from several places at once."""
    from cordwood.wiring import services

    config = configured(data_dir=data_dir)
    with telling_errors():
        steps = asyncio.run(services.run_migrate(config))
    for step in steps:
        typer.echo(f"applied {step}")
    if not steps:
        typer.echo("nothing to do: the store is up to date")
