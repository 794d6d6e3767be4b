"""What a person at a terminal sees while a command works."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress(text: str, *, has_end: bool) -> Iterator[Progress]:
    """On standard error, and only at a terminal."""
    console = Console(stderr=True)
    columns = [BarColumn(), TextColumn(text), TimeElapsedColumn()]
    if has_end:
        columns += [TextColumn("ETA"), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield shown
