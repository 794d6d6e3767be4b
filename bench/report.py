"""Figures as a table for people and JSON for programs."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_UNITS = {"_bytes": "bytes", "_us": "µs", "_ms": "ms", "_s": "s"}


def show(title: str, figures: dict[str, Any], json_file: Path | None) -> None:
    """Print a table; write JSON if a file is given."""
    table = Table("figure", "value", title=title, title_justify="left", box=None)
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), human(name, value))
    Console().print(table)
    if json_file is not None:
        json_file.write_text(json.dumps({title: figures}, indent=2) + "\n")


def human(name: str, value: object) -> str:
    """A figure with as many digits as it deserves; its unit is the end of its name."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name.endswith("memory_bytes"):
            return f"{value / 1e6:,.0f} MB"
        return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"
    return str(value)
