"""The segments of an embedded set-up, read as anybody may: `docs/reference/segments.md`."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

_REST_S, _LOOK_S, _MOST_S = 15.0, 0.25, 300.0
"""Chores come every five seconds, and a merge takes a few."""


@dataclass(frozen=True)
class Segments:
    """What the catalog names."""

    paths: tuple[str, ...]
    events: int
    size_bytes: int
    texts: int
    """Events without columns."""


def segments_of(data_dir: Path) -> Segments:
    """As of now."""
    root = data_dir / "store"
    with closing(sqlite3.connect(f"file:{root / 'catalog.sqlite'}?mode=ro", uri=True)) as catalog:
        rows = catalog.execute("SELECT path, events, size_bytes, texts FROM segments ORDER BY path").fetchall()
    return Segments(
        tuple(str(root / row[0]) for row in rows),
        sum(row[1] for row in rows),
        sum(row[2] for row in rows),
        sum(row[1] if row[3] is None else row[3] for row in rows),
    )


def await_rest(data_dir: Path) -> Segments:
    """The segments once nothing has been merged for a while."""
    began = changed = time.monotonic()
    seen = segments_of(data_dir)
    while time.monotonic() - changed < _REST_S and time.monotonic() - began < _MOST_S:
        threading.Event().wait(_LOOK_S)
        now = segments_of(data_dir)
        if now != seen:
            seen, changed = now, time.monotonic()
    return seen


@contextmanager
def opened(segments: Segments) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine of this process, with the segments as the view `events`."""
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        files = ", ".join("'" + path.replace("'", "''") + "'" for path in segments.paths)
        engine.execute(f"CREATE VIEW events AS FROM read_parquet([{files}], union_by_name = true)")
        yield engine
