"""What changes the catalog: segments, and which batches they hold. One writing process."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

import msgspec

from cordwood.db.sqlite import migrate
from cordwood.model.action import Action
from cordwood.model.batch import BatchHeader
from cordwood.model.deadletter import LetterId
from cordwood.model.ledger import Heartbeat
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import BatchEntry, Cut, Known, Segment, Stock
from cordwood.store.segments.catalog_reading import CatalogReading, away
from cordwood.store.segments.catalog_schema import SCHEMA
from cordwood.store.slices import FAR_SLICE

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

_MARKS_AT_ONCE = 10_000
"""SQLite takes 32,766 bound values in a statement."""


class Catalog(CatalogReading):
    """The same, and what changes it."""

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

    def note_damage(self, path: str, reason: str | None, now_us: int) -> None:
        """A segment was found damaged; or well again, after somebody has mended it. Raises Unavailable."""
        with self.transaction() as connection:
            if reason is None:
                connection.execute("DELETE FROM damaged WHERE path = ?", (path,))
            else:
                connection.execute("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?)", (path, reason, now_us))

    def forget_garbage(self, paths: Sequence[str]) -> None:
        with self.transaction() as connection:
            connection.executemany("DELETE FROM garbage WHERE path = ?", [(path,) for path in paths])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing. Raises Unavailable."""
        with self._turn:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise away(error) from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

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


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
