"""The tables of a queue file, and what is read from them. `docs/reference/batch-format.md` describes the rows."""

import sqlite3
from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from cordwood.broker.interface import Waiting
from cordwood.model.tenant import Tenant

T = TypeVar("T")

SCHEMA = (
    """
    CREATE TABLE queue (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id BLOB NOT NULL UNIQUE,
        header BLOB NOT NULL,
        enqueued_at_us INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE dead (
        seq INTEGER PRIMARY KEY,
        batch_id BLOB NOT NULL,
        header BLOB NOT NULL,
        body BLOB NOT NULL,
        reason TEXT NOT NULL,
        dead_at_us INTEGER NOT NULL
    );
    CREATE TABLE probe (filler BLOB)
    """,
    # Counting a long queue would read all of it, again and again while it is full.
    """
    CREATE TABLE totals (batches INTEGER NOT NULL, size_bytes INTEGER NOT NULL);
    INSERT INTO totals SELECT count(*), coalesce(sum(size_bytes), 0) FROM queue;
    CREATE INDEX dead_batch_id ON dead (batch_id)
    """,
    # The same of events, by tenant.
    """
    CREATE TABLE waiting (tenant TEXT PRIMARY KEY, events INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO waiting
        SELECT json_extract(head, '$.tenant'), sum(json_extract(head, '$.events'))
        FROM (SELECT CAST(header AS TEXT) AS head FROM queue) WHERE json_valid(head)
            AND json_extract(head, '$.tenant') IS NOT NULL AND json_extract(head, '$.events') IS NOT NULL
            AND coalesce(json_extract(head, '$.kind'), 'events') = 'events'
        GROUP BY 1
    """,
)
"""Numbered from 1, forward only; never edited once released."""

_VALUES_AT_ONCE = 500  # SQLite binds at most 999 values where it was built long ago


class Row(Struct, frozen=True):
    """A batch as it lies in the queue."""

    seq: int
    header: bytes
    body: bytes


class Totals(Struct, frozen=True):
    """What the queue holds; the oldest is None when it is empty."""

    batches: int
    size_bytes: int
    oldest_us: int | None


def last_seq(connection: sqlite3.Connection) -> int:
    """The highest sequence number waiting; 0 when none."""
    (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM queue").fetchone()
    return int(seq)


def rows_after(connection: sqlite3.Connection, seq: int, limit: int) -> list[Row]:
    """The next batches in order."""
    sql = "SELECT seq, header, body FROM queue WHERE seq > ? ORDER BY seq LIMIT ?"
    return [Row(*row) for row in connection.execute(sql, (seq, limit))]


def rows_at(connection: sqlite3.Connection, seqs: Collection[int]) -> list[Row]:
    """These batches in order, as far as they are still there."""
    sql = f"SELECT seq, header, body FROM queue WHERE seq IN ({_marks(seqs)}) ORDER BY seq"
    return [Row(*row) for row in connection.execute(sql, tuple(seqs))]


def remove(connection: sqlite3.Connection, seqs: Collection[int]) -> list[tuple[bytes, int]]:
    """Remove these batches; the headers of those that were there, and the bytes of their bodies.

    Two statements for hundreds of rows: each one gives up the interpreter, and waits for its turn.
    """
    removed: list[tuple[bytes, int]] = []
    for some in _chunks(seqs):
        which = f"FROM queue WHERE seq IN ({_marks(some)})"
        removed += connection.execute(f"SELECT header, size_bytes {which}", some).fetchall()
        connection.execute(f"DELETE {which}", some)
    return removed


def waiting_of(connection: sqlite3.Connection, tenant: Tenant) -> Waiting:
    """A tenant's events in the queue; of one moment, being one statement."""
    sql = """
        SELECT coalesce((SELECT events FROM waiting WHERE tenant = ?), 0),
            (SELECT enqueued_at_us FROM queue ORDER BY seq LIMIT 1)
    """
    events, head_us = connection.execute(sql, (tenant,)).fetchone()
    # What others accepted before is no matter, but to find one's own first batch would take a search.
    return Waiting(events, head_us) if events > 0 and head_us is not None else Waiting(0, None)


def totals(connection: sqlite3.Connection) -> Totals:
    """The sums kept beside the queue, and the age of its head."""
    batches, size_bytes = connection.execute("SELECT batches, size_bytes FROM totals").fetchone()
    head = connection.execute("SELECT enqueued_at_us FROM queue ORDER BY seq LIMIT 1").fetchone()
    return Totals(batches, size_bytes, head[0] if head else None)


def data_version(connection: sqlite3.Connection) -> int:
    """Changes when any other connection, of this process or another, has committed."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


def waiting_among(connection: sqlite3.Connection, batch_ids: Collection[UUID]) -> set[UUID]:
    """Which of these batches are in the queue."""
    return _among(connection, "queue", batch_ids)


def dead_among(connection: sqlite3.Connection, batch_ids: Collection[UUID]) -> set[UUID]:
    """Which of these batches are dead letters."""
    return _among(connection, "dead", batch_ids)


def _among(connection: sqlite3.Connection, table: str, batch_ids: Collection[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    for some in _chunks(batch_ids):
        sql = f"SELECT batch_id FROM {table} WHERE batch_id IN ({_marks(some)})"
        found.update(UUID(bytes=row[0]) for row in connection.execute(sql, [each.bytes for each in some]))
    return found


def _chunks(values: Collection[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, _VALUES_AT_ONCE)):
        yield some


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
