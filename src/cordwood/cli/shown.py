"""How commands print what they list: a table for people, JSON for programs."""

from collections.abc import Sequence

import msgspec
import typer

from cordwood.model.event import format_timestamp
from cordwood.neutral import neutral


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One line a row, never cut or folded: an id can be copied. Nothing reaches a terminal as a control code."""
    cells = [columns, *([neutral(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def moment(us: int | None) -> str | None:
    """A time as people and programs read it."""
    return None if us is None else format_timestamp(us)


def minute(us: int | None) -> str:
    """The same to the minute, for tables."""
    return "-" if us is None else format_timestamp(us)[:16].replace("T", " ")
