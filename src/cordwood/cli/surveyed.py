"""What takes the room in a store, as tables for people."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cordwood.neutral import neutral
from cordwood.store.care import Survey

_MOST_ROWS = 20
_UNITS = ("B", "kB", "MB", "GB", "TB")


def print_survey(survey: Survey) -> None:
    """Totals, then a table each by tenant, service, and field or partition; long ones are cut, and say so."""
    if not survey.events and not survey.partitions:
        typer.echo("the store holds no event")
        return
    each = f", {survey.bytes / survey.events:,.1f} bytes an event" if survey.events else ""
    held = "" if survey.segments is None else f" in {survey.segments:,} segments"
    if survey.segments is not None and survey.rows is not None:
        held += f" and {survey.rows:,} rows"
    typer.echo(f"{survey.events:,} events{held}, {sized(survey.bytes)}{each}")
    typer.echo("  of these: " + " · ".join(f"{part.part} {sized(part.bytes)}" for part in survey.parts))
    has_files = survey.segments is not None
    _print(
        ("tenant", "events", *(("segments", "bytes") if has_files else ())),
        [
            (
                size.tenant,
                f"{size.events:,}",
                *((f"{size.segments:,}", sized(size.bytes or 0)) if size.segments is not None else ()),
            )
            for size in survey.tenants
        ],
        texts=1,
    )
    _print(
        ("tenant", "service", "events"),
        [(rows.tenant, rows.service or "-", f"{rows.events:,}") for rows in survey.services],
        texts=2,
    )
    _print(
        ("field", "types", "bytes", "share", "uncompressed", "segments"),
        [
            (
                size.field,
                ", ".join(size.types) or "(of every event)",
                sized(size.bytes),
                f"{100 * size.bytes / survey.bytes:.1f} %",
                sized(size.uncompressed_bytes),
                f"{size.segments:,}",
            )
            for size in survey.fields
        ],
        texts=2,
    )
    _print(
        ("partition", "events", "bytes", "indexes"),
        [
            (size.partition, f"{size.events:,}", sized(size.bytes), sized(size.index_bytes))
            for size in survey.partitions
            if size.events
        ],
        texts=1,
    )
    for path in survey.unreadable:
        typer.echo(f"✗ {neutral(path)}: cannot be read; its fields and services are not in the tables", err=True)


def sized(size_bytes: int) -> str:
    """Bytes as people read them: powers of ten."""
    value, unit = float(size_bytes), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.0f} {_UNITS[unit]}" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"


def _print(columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> None:
    """A table whose first `texts` columns are texts, and the others numbers."""
    if not rows:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < texts else "right", overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(Text(neutral(cell)) for cell in row))
    console = Console(highlight=False)
    console.print()
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"… and {len(rows) - _MOST_ROWS:,} more: --json has all")
