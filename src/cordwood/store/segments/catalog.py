"""The catalog: which segments exist, which batches they hold. SQLite; one writing process."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from cordwood.db.sqlite import migrate, open_database
from cordwood.errors import Unavailable
from cordwood.model.action import Action
from cordwood.model.batch import BatchHeader
from cordwood.model.deadletter import DeadLetter, LetterId
from cordwood.model.ledger import Heartbeat
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_schema import SCHEMA
from cordwood.store.slices import FAR_SLICE, hours

_SUMS = """batches = batches + excluded.batches, accepted = accepted + excluded.accepted,
    stored = stored + excluded.stored, deduplicated = deduplicated + excluded.deduplicated,
    dead_lettered = dead_lettered + excluded.dead_lettered"""

_COUNT_IN = (
    f"""
    INSERT INTO minutes
        SELECT tenant, received_us / 60000000, count(*), sum(events), sum(stored), sum(deduplicated),
            sum(dead_lettered)
        FROM batches WHERE id IN ({{}}) GROUP BY 1, 2
    ON CONFLICT (tenant, minute) DO UPDATE SET {_SUMS}
    """,
    f"""
    INSERT INTO totals
        SELECT tenant, 0, count(*), sum(events), sum(stored), sum(deduplicated), sum(dead_lettered), 0, NULL
        FROM batches WHERE id IN ({{}}) GROUP BY tenant
    ON CONFLICT (tenant, is_folded) DO UPDATE SET {_SUMS}
    """,
)
"""The sums that batches add to, which the transaction has inserted."""

_COUNT_OVER = (
    """
    UPDATE minutes SET stored = stored + ?, dead_lettered = dead_lettered - ?
    WHERE (tenant, minute) = (SELECT tenant, received_us / 60000000 FROM batches WHERE id = ?)
    """,
    """
    UPDATE totals SET stored = stored + ?, dead_lettered = dead_lettered - ?
    WHERE tenant = (SELECT tenant FROM batches WHERE id = ?) AND NOT is_folded
    """,
)
"""So many events of a batch are stored now, and dead no more."""

_CACHE_BYTES = 16 << 20
"""A year's rollups take 4 MB: where they do not fit, each question reads them anew, in twice the time."""

_MARKS_AT_ONCE = 10_000
"""SQLite takes 32,766 bound values in a statement."""


class Segment(Struct, frozen=True):
    """A row of the catalog. `path` is relative to the store's root; times are µs since 1970 UTC."""

    path: str
    tenant: Tenant
    events: int
    size_bytes: int
    min_us: int
    max_us: int
    digest: bytes | None = None
    """BLAKE2b-128 of the file; None for files that an earlier release wrote."""
    columns: frozenset[str] = frozenset()
    """The columns of fields, as `shape.column_of` names them."""
    texts: int | None = None
    """How many events are kept as text; None: all, in a file of an earlier release, without a column `shape`."""
    row_groups: int | None = None
    """None in a file of an earlier release."""
    plain_bytes: int | None = None
    """What its rows take in memory when they are read; None: not known, of a file of an earlier release."""
    rollup: bytes | None = None
    """Of one that is being made: see `rollup.Rollup`. `Catalog.told` tells that of others."""

    @property
    def has_texts(self) -> bool:
        return self.texts != 0


class Cut(Struct, frozen=True):
    """A segment that loses events, and the one that keeps the rest; None when all of it goes."""

    old: Segment
    rest: Segment | None


class BatchEntry(Struct, frozen=True):
    """What is kept of a batch; `min_us` and `max_us` are None when none of its events was stored. One that repeats
    an earlier batch's request has none stored and none dead."""

    header: BatchHeader
    stored: int
    dead: Sequence[DeadLetter]
    min_us: int | None
    max_us: int | None
    duplicate_of: UUID | None


class Stock(Struct, frozen=True):
    """What a transaction brings: segments, the hours they touch by tenant, their events by tenant and day."""

    segments: Sequence[Segment]
    slices: Mapping[Tenant, set[int]]
    held: Mapping[tuple[Tenant, int], int]


class Known(Exception):
    """A batch of the transaction, or its request, is in the catalog already: nothing was written."""


class Catalog:
    """Synchronous; call it in a thread. Each thread of a process may use it: calls take turns."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when the file cannot be used."""
        self._connection = open_database(path, synchronous="FULL", cache_bytes=_CACHE_BYTES)
        self._turn = threading.RLock()

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def migrate(self) -> list[int]:
        with self._turn:
            return migrate(self._connection, SCHEMA)

    def known(self, headers: Sequence[BatchHeader]) -> set[UUID]:
        """The ids of those batches that are in the catalog, or were until they were folded."""
        ids = [header.id for header in headers]
        known: set[UUID] = set()
        for start in range(0, len(ids), _MARKS_AT_ONCE):
            some = [each.bytes for each in ids[start : start + _MARKS_AT_ONCE]]
            known |= {
                UUID(bytes=row[0]) for row in self.rows(f"SELECT id FROM batches WHERE id IN ({_marks(some)})", some)
            }
        return known | {header.id for header in headers if header.id not in known and self._is_folded(header)}

    def _is_folded(self, header: BatchHeader) -> bool:
        """Whether it was stored, and its row folded away. Not by the number alone: should a producer number anew, its
        batches are younger than those that were folded."""
        sql = "SELECT 1 FROM producers WHERE id = ? AND ? BETWEEN 1 AND folded AND folded_id >= ?"
        return bool(self.rows(sql, (header.producer.bytes, header.sequence, header.id.bytes)))

    def first_of(self, marks: Sequence[tuple[Tenant, str]]) -> dict[tuple[Tenant, str], UUID]:
        """For each idempotency mark that is known, the batch that came first with it."""
        first: dict[tuple[Tenant, str], UUID] = {}
        for tenant, mark in marks:
            rows = self.rows(
                "SELECT batch_id FROM idempotency WHERE tenant = ? AND mark = ?", (tenant, bytes.fromhex(mark))
            )
            for (batch_id,) in rows:
                first[tenant, mark] = UUID(bytes=batch_id)
        return first

    def commit(self, batches: Sequence[BatchEntry], stock: Stock, now_us: int) -> None:
        """Batches and what they brought, in one transaction. Raises Known, Unavailable."""
        with self.transaction() as connection:
            for entry in batches:
                self._insert_batch(connection, entry, now_us)
            self._take_in(connection, stock, now_us)
            ids = [entry.header.id.bytes for entry in batches]
            for start in range(0, len(ids), _MARKS_AT_ONCE):
                some = ids[start : start + _MARKS_AT_ONCE]
                for sql in _COUNT_IN:
                    connection.execute(sql.format(_marks(some)), some)

    def replay(
        self,
        letters: Sequence[LetterId],
        moved: Sequence[tuple[UUID, int, int, int]],
        stock: Stock,
        action: Action,
        now_us: int,
    ) -> None:
        """Dead letters become stored events, in one transaction. `moved`: batch, events, first and last timestamp.

        Raises Known when a letter is not there any more, Unavailable.
        """
        with self.transaction() as connection:
            for batch_id, ordinal in letters:
                sql = "DELETE FROM dead_letters WHERE batch_id = ? AND ordinal = ? AND settled_as IS NULL"
                if not connection.execute(sql, (batch_id.bytes, ordinal)).rowcount:
                    raise Known(str(batch_id))
            connection.executemany(
                "UPDATE batches SET stored = stored + ?, dead_lettered = dead_lettered - ?, "
                "min_us = min(coalesce(min_us, ?), ?), max_us = max(coalesce(max_us, ?), ?) WHERE id = ?",
                [(events, events, first, first, last, last, batch_id.bytes) for batch_id, events, first, last in moved],
            )
            for sql in _COUNT_OVER:
                connection.executemany(sql, [(events, events, batch_id.bytes) for batch_id, events, _, _ in moved])
            self._take_in(connection, stock, now_us)
            self.record(connection, action)

    def waiting_letters(self, tenant: Tenant, letters: Sequence[LetterId]) -> set[LetterId]:
        """Those that are there, and not settled."""
        sql = "SELECT 1 FROM dead_letters WHERE batch_id = ? AND ordinal = ? AND tenant = ? AND settled_as IS NULL"
        return {letter for letter in letters if self.rows(sql, (letter[0].bytes, letter[1], tenant))}

    def record(self, connection: sqlite3.Connection, action: Action) -> None:
        """Keep an action, in the transaction that does it."""
        detail = msgspec.json.encode(action.detail).decode()
        connection.execute(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (action.id.bytes, action.tenant, action.at_us, action.actor, action.action, action.events, detail),
        )

    def forget_marks(self, before_us: int) -> None:
        """Repetitions of requests that were first stored before then are not known any more. Raises Unavailable."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM idempotency WHERE first_us < ?", (before_us,))

    def hear(self, beats: Sequence[Heartbeat], now_us: int) -> None:
        """What producers say of their numbers, in one transaction. Raises Unavailable."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO producers (id, tenant, settled, said_us, heard_us, is_ended) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET stage = iif(excluded.settled > settled, 0, stage), "
                "settled = max(settled, excluded.settled), "
                "heard_us = iif(excluded.said_us > said_us, excluded.heard_us, heard_us), "
                "said_us = max(said_us, excluded.said_us), "
                "is_ended = max(is_ended, excluded.is_ended)",
                [
                    (beat.producer.bytes, beat.tenant, beat.settled, beat.said_at_us, now_us, beat.is_ended)
                    for beat in beats
                ],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO abandoned SELECT id, ?, ? FROM producers WHERE id = ? AND folded < ?",
                [(first, last, beat.producer.bytes, last) for beat in beats for first, last in beat.abandoned],
            )

    def report(self, worker: UUID, now_us: int, *, is_drained: bool) -> None:
        """That a worker is there, and whether it finds the queue empty. Raises Unavailable."""
        with self.transaction() as connection:
            # Only one process writes here: a row of another worker is one of an earlier process.
            connection.execute("DELETE FROM workers WHERE id <> ?", (worker.bytes,))
            connection.execute(
                "INSERT INTO workers VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET seen_us = excluded.seen_us, "
                "drained_us = coalesce(excluded.drained_us, drained_us)",
                (worker.bytes, now_us, now_us if is_drained else None),
            )

    def swap(self, old: Sequence[Segment], new: Segment, now_us: int) -> None:
        """Replace segments by one that holds the same events. Readers of the old ones may go on for a while."""
        with self.transaction() as connection:
            for segment in old:
                removed = connection.execute("DELETE FROM segments WHERE path = ?", (segment.path,)).rowcount
                assert removed == 1, "only the one writer removes segments"
                connection.execute("INSERT INTO garbage VALUES (?, ?)", (segment.path, now_us))
            self._insert_segment(connection, new, now_us)

    def erase(self, cuts: Sequence[Cut], gone: Mapping[int, int], action: Action) -> None:
        """Segments go, or are replaced by what is left of them; `gone` counts events by day. Raises Unavailable."""
        column = "expired" if action.action == "expire" else "deleted"
        with self.transaction() as connection:
            for cut in cuts:
                removed = connection.execute("DELETE FROM segments WHERE path = ?", (cut.old.path,)).rowcount
                assert removed == 1, "only the one writer removes segments"
                connection.execute("INSERT INTO garbage VALUES (?, ?)", (cut.old.path, action.at_us))
                if cut.rest is not None:
                    self._insert_segment(connection, cut.rest, action.at_us)
            connection.executemany(
                f"UPDATE holdings SET {column} = {column} + ? WHERE tenant = ? AND day = ?",
                [(count, action.tenant, day) for day, count in gone.items()],
            )
            connection.executemany(
                "UPDATE slices SET version = version + 1 WHERE tenant = ? AND (hour = ? OR hour BETWEEN ? AND ?)",
                [(action.tenant, FAR_SLICE, day * 24, day * 24 + 23) for day in gone],
            )
            self.record(connection, action)

    def expire_letters(self, before_us: int, now_us: int) -> None:
        """Dead letters from before then lose their bytes, and count as expired. Raises Unavailable."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE dead_letters SET settled_us = ?, settled_as = 'expired', body = x'' "
                "WHERE settled_as IS NULL AND dead_us < ?",
                (now_us, before_us),
            )

    def segments(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> list[Segment]:
        """Segments that may hold events with start ≤ timestamp < end, newest first."""
        rows = self.rows(
            f"SELECT {_SEGMENT} FROM segments WHERE tenant = ? "
            "AND max_us >= coalesce(?, max_us) AND min_us < coalesce(?, min_us + 1) ORDER BY max_us DESC, path",
            (tenant, start_us, end_us),
        )
        return [_segment(row) for row in rows]

    def told(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> tuple[dict[str, bytes], list[Segment]]:
        """Of the segments that may hold events with start ≤ timestamp < end: rollups of those that have one and no
        other events, by path; and the rest, newest first."""
        values = {"tenant": tenant, "start": start_us, "end": end_us}
        with self.snapshot():
            told = self.rows(f"SELECT path, rollup FROM segments WHERE tenant = :tenant AND {_IS_TOLD}", values)
            rest = self.rows(
                f"SELECT {_SEGMENT} FROM segments WHERE tenant = :tenant AND max_us >= coalesce(:start, max_us) "
                f"AND min_us < coalesce(:end, min_us + 1) AND NOT ({_IS_TOLD}) ORDER BY max_us DESC, path",
                values,
            )
        return dict(told), [_segment(row) for row in rest]

    def all_rollups(self, tenant: Tenant | None) -> dict[str, bytes]:
        """Every rollup, or every one of a tenant, by path."""
        rows = self.rows(
            "SELECT path, rollup FROM segments WHERE rollup IS NOT NULL AND (:tenant IS NULL OR tenant = :tenant)",
            {"tenant": tenant},
        )
        return dict(rows)

    def all_segments(self, tenant: Tenant | None) -> list[Segment]:
        """Every segment, or every one of a tenant."""
        rows = self.rows(
            f"SELECT {_SEGMENT} FROM segments WHERE :tenant IS NULL OR tenant = :tenant ORDER BY path",
            {"tenant": tenant},
        )
        return [_segment(row) for row in rows]

    def small_segments(self, events: int, tenant: Tenant | None) -> list[Segment]:
        """Segments with fewer than so many events, of every tenant or of one."""
        owned, values = ("", (events,)) if tenant is None else ("AND tenant = ?", (events, tenant))
        rows = self.rows(f"SELECT {_SEGMENT} FROM segments WHERE events < ? {owned} ORDER BY path", values)
        return [_segment(row) for row in rows]

    def span(self, batch_id: UUID, tenant: Tenant) -> tuple[int, int] | None:
        """The first and last timestamp of a batch's stored events; None when it has none here."""
        rows = self.rows("SELECT min_us, max_us FROM batches WHERE id = ? AND tenant = ?", (batch_id.bytes, tenant))
        return (rows[0][0], rows[0][1]) if rows and rows[0][0] is not None else None

    def forgotten(self, tenant: Tenant) -> UUID | None:
        """The youngest of a tenant's batches whose row was folded away."""
        rows = self.rows("SELECT last_id FROM totals WHERE tenant = ? AND is_folded", (tenant,))
        return UUID(bytes=rows[0][0]) if rows else None

    def version(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> int:
        """Rises with every write that start ≤ timestamp < end can see."""
        first, last = hours(start_us, end_us)
        ((version,),) = self.rows(
            "SELECT coalesce(sum(version), 0) FROM slices WHERE tenant = ? AND "
            "(hour = ? OR (hour >= coalesce(?, hour) AND hour <= coalesce(?, hour)))",
            (tenant, FAR_SLICE, first, last),
        )
        return int(version)

    def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> dict[int, int]:
        """The same by slice."""
        first, last = hours(start_us, end_us)
        rows = self.rows(
            "SELECT hour, version FROM slices WHERE tenant = ? AND "
            "(hour = ? OR (hour >= coalesce(?, hour) AND hour <= coalesce(?, hour)))",
            (tenant, FAR_SLICE, first, last),
        )
        return dict(rows)

    def damaged(self) -> dict[str, str]:
        """Segments that were found damaged, and why."""
        return dict(self.rows("SELECT path, reason FROM damaged JOIN segments USING (path)", ()))

    def note_damage(self, path: str, reason: str | None, now_us: int) -> None:
        """A segment was found damaged; or well again, after somebody has mended it. Raises Unavailable."""
        with self.transaction() as connection:
            if reason is None:
                connection.execute("DELETE FROM damaged WHERE path = ?", (path,))
            else:
                connection.execute("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?)", (path, reason, now_us))

    def garbage(self, before_us: int) -> list[str]:
        """Files that no query started before `before_us` can still need."""
        return [row[0] for row in self.rows("SELECT path FROM garbage WHERE since_us < ?", (before_us,))]

    def forget_garbage(self, paths: Sequence[str]) -> None:
        with self.transaction() as connection:
            connection.executemany("DELETE FROM garbage WHERE path = ?", [(path,) for path in paths])

    def named(self) -> set[str]:
        """Every file that is a segment, or was one and is still to be removed."""
        return {row[0] for row in self.rows("SELECT path FROM segments UNION SELECT path FROM garbage", ())}

    def names(self, path: str) -> bool:
        """Whether a file is one of the segments."""
        return bool(self.rows("SELECT 1 FROM segments WHERE path = ?", (path,)))

    def check(self) -> None:
        """Raises Unavailable."""
        self.rows("SELECT 1 FROM segments LIMIT 1", ())

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that the block reads is of one moment. Raises Unavailable."""
        with self._turn:
            self.rows("BEGIN", ())
            try:
                yield
            finally:
                self.rows("COMMIT", ())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing. Raises Unavailable."""
        with self._turn:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise _away(error) from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[object] | Mapping[str, object]) -> list[tuple]:  # type: ignore[type-arg]  # as sqlite3 types it
        """All rows of a statement. Raises Unavailable."""
        with self._turn:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _away(error) from error

    def _take_in(self, connection: sqlite3.Connection, stock: Stock, now_us: int) -> None:
        for segment in stock.segments:
            self._insert_segment(connection, segment, now_us)
        for tenant, touched in stock.slices.items():
            connection.executemany(
                "INSERT INTO slices VALUES (?, ?, abs(random() % 1099511627776)) "
                "ON CONFLICT (tenant, hour) DO UPDATE SET version = version + 1",
                [(tenant, hour) for hour in touched],
            )
        connection.executemany(
            "INSERT INTO holdings (tenant, day, stored) VALUES (?, ?, ?) "
            "ON CONFLICT (tenant, day) DO UPDATE SET stored = stored + excluded.stored",
            [(tenant, day, count) for (tenant, day), count in stock.held.items()],
        )

    def _insert_batch(self, connection: sqlite3.Connection, entry: BatchEntry, now_us: int) -> None:
        header = entry.header
        is_repeated = entry.duplicate_of is not None
        if self._is_folded(header):
            raise Known(str(header.id))
        try:
            if header.idempotency is not None and not is_repeated:
                mark = bytes.fromhex(header.idempotency)
                connection.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, ?)", (header.tenant, mark, header.id.bytes, now_us)
                )
            connection.execute(
                f"INSERT INTO batches VALUES ({_marks(range(14))})",
                (
                    header.id.bytes,
                    header.tenant,
                    header.protocol,
                    header.producer.bytes,
                    header.sequence,
                    header.events,
                    entry.stored,
                    sum(letter.events for letter in entry.dead),
                    header.received_at_us,
                    now_us,
                    entry.min_us,
                    entry.max_us,
                    header.events if is_repeated else 0,
                    entry.duplicate_of.bytes if entry.duplicate_of is not None else None,
                ),
            )
        except sqlite3.IntegrityError as error:
            raise Known(str(header.id)) from error
        connection.execute(
            "INSERT OR IGNORE INTO producers (id, tenant, settled, said_us, heard_us, is_ended) "
            "VALUES (?, ?, 0, 0, ?, 0)",
            (header.producer.bytes, header.tenant, now_us),
        )
        connection.executemany(
            "INSERT INTO dead_letters "
            "(batch_id, ordinal, tenant, protocol, reason, received_us, body, events, dead_us) "
            f"VALUES ({_marks(range(9))})",
            [
                (dead.batch_id.bytes, dead.ordinal, dead.tenant, dead.protocol, dead.reason, dead.received_at_us,
                 dead.body, dead.events, now_us)
                for dead in entry.dead
            ],
        )  # fmt: skip

    def _insert_segment(self, connection: sqlite3.Connection, segment: Segment, now_us: int) -> None:
        connection.execute(
            f"INSERT INTO segments VALUES ({_marks(range(13))})",
            (
                segment.path,
                segment.tenant,
                segment.events,
                segment.size_bytes,
                segment.min_us,
                segment.max_us,
                now_us,
                segment.digest,
                msgspec.json.encode(sorted(segment.columns)).decode(),
                segment.texts,
                segment.row_groups,
                segment.plain_bytes,
                segment.rollup,
            ),
        )


_IS_TOLD = "rollup IS NOT NULL AND min_us >= coalesce(:start, min_us) AND max_us < coalesce(:end, max_us + 1)"

_SEGMENT = "path, tenant, events, size_bytes, min_us, max_us, digest, columns, texts, row_groups, plain_bytes"


@lru_cache(maxsize=4096)
def _columns(text: str) -> frozenset[str]:
    """Most segments of a store have the same ones, and each question asks for all segments in its time."""
    return msgspec.json.decode(text, type=frozenset[str])


def _segment(row: tuple) -> Segment:  # type: ignore[type-arg]  # as sqlite3 types it
    path, tenant, events, size_bytes, min_us, max_us, digest, columns, *rest = row
    known = _columns(columns) if columns else frozenset()
    return Segment(path, tenant, events, size_bytes, min_us, max_us, digest, known, *rest)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _away(error: sqlite3.Error) -> Unavailable:
    return Unavailable(f"the catalog of segments fails: {error}", hint="free disk space, or look at the disk")
