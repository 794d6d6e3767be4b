"""`cordwood version`."""

import platform

import typer

from cordwood import __version__


def version() -> None:
    """Print the version of Cordwood and of Python."""
    typer.echo(f"cordwood {__version__} (Python {platform.python_version()})")
