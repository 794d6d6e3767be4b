"""Old batches, folded into sums: their rows go, and their numbers stay known."""

import sqlite3

from cordwood.clock import Clock
from cordwood.store.segments.catalog import Catalog

_ROWS_AT_ONCE = 5000
_ROWS_A_ROUND = 50_000
_BALANCED_AT_ONCE = 10_000
_PRODUCERS_A_ROUND = 200
_HOUR_US = 3_600_000_000


class SegmentFolder:
    """Synchronous; call it in a thread."""

    def __init__(self, catalog: Catalog, clock: Clock, keep_s: float) -> None:
        """Rows that are younger than `keep_s` stay."""
        self._catalog = catalog
        self._clock = clock
        self._keep_us = int(keep_s * 1e6)

    def tend(self) -> None:
        """A round of bounded work, in short transactions: writes take turns with it. Raises Unavailable."""
        now_us = self._clock.now_us()
        hour_ago = now_us - _HOUR_US
        for (producer,) in self._catalog.rows(_UNBALANCED, (hour_ago,)):
            with self._catalog.transaction() as connection:
                values = {"id": producer, "most": _BALANCED_AT_ONCE, "hour_ago": hour_ago}
                connection.execute(_BALANCE, values)
        cutoff = now_us - self._keep_us
        left = _ROWS_A_ROUND
        for (producer,) in self._catalog.rows(_DUE, {"cutoff": cutoff, "most": _PRODUCERS_A_ROUND}):
            while left > 0:
                with self._catalog.transaction() as connection:
                    seen = _fold(connection, producer, cutoff)
                left -= seen
                if seen < _ROWS_AT_ONCE:
                    break


def _fold(connection: sqlite3.Connection, producer: bytes, cutoff: int) -> int:
    """How many rows were looked at."""
    values = {"id": producer, "cutoff": cutoff, "most": _ROWS_AT_ONCE}
    reach, seen = connection.execute(_REACH, values).fetchone()
    values |= {"reach": reach, "later": cutoff + _HOUR_US, "is_done": seen < _ROWS_AT_ONCE}
    ((last_id,),) = connection.execute(f"SELECT max(id) FROM batches {_OLD}", values).fetchall()
    connection.execute(_FOLD_COUNTS, values)
    connection.execute(_FOLD_LETTERS, values)
    connection.execute(f"DELETE FROM batches {_OLD}", values)
    connection.execute("DELETE FROM abandoned WHERE producer = :id AND last <= :reach", values)
    connection.execute(
        "UPDATE producers SET folded = :reach, folded_id = coalesce(max(folded_id, :last), :last, folded_id) "
        "WHERE id = :id",
        values | {"last": last_id},
    )
    connection.execute(_REST, values)
    return int(seen)


_UNBALANCED = """
    SELECT id FROM producers p WHERE stage = 0 AND (balanced < settled OR (is_ended AND heard_us < ?)
        OR EXISTS (SELECT 1 FROM batches b WHERE b.producer = p.id AND b.sequence > p.balanced))
"""

_BALANCE = """
    WITH mine AS (SELECT id, settled, balanced FROM producers WHERE id = :id), recorded AS (
        SELECT b.sequence, b.inserted_us FROM mine m JOIN batches b ON b.producer = m.id AND b.sequence > m.balanced
        ORDER BY b.sequence LIMIT :most
    ), known AS (
        SELECT sequence AS first, sequence AS last FROM recorded
        UNION ALL
        SELECT a.first, min(a.last, m.settled) FROM mine m
            JOIN abandoned a ON a.producer = m.id AND a.last > m.balanced AND a.first <= m.settled
    ), ordered AS (
        SELECT first, last, max(balanced, coalesce(max(last) OVER (ORDER BY first, last
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS before
        FROM known, mine
    ), reached AS (
        SELECT coalesce(min(before) FILTER (WHERE first > before + 1), max(last), 0) AS number FROM ordered
    ), heard AS (SELECT coalesce(max(inserted_us), 0) AS at_us FROM recorded, reached WHERE sequence <= number)
    UPDATE producers SET balanced = max(balanced, number), heard_us = max(heard_us, at_us),
        stage = iif(is_ended AND max(balanced, number) >= settled AND max(heard_us, at_us) < :hour_ago
            AND NOT EXISTS (SELECT 1 FROM recorded WHERE sequence > number), 1, stage),
        resting_us = max(heard_us, at_us)
    FROM reached, heard
    WHERE id = :id AND stage = 0 AND (number > balanced OR is_ended)
"""

_DUE = """
    SELECT * FROM (SELECT id FROM producers WHERE stage = 1 AND resting_us < :cutoff ORDER BY resting_us LIMIT :most)
    UNION ALL
    SELECT * FROM (SELECT id FROM producers p WHERE stage = 0 AND folded < min(balanced, settled)
        AND coalesce((SELECT inserted_us FROM batches WHERE producer = p.id AND sequence > p.folded
            ORDER BY sequence LIMIT 1) < :cutoff, 1) LIMIT :most)
"""

# Only what the producer itself has called settled: others may number as they like.
_REACH = """
    WITH mine AS (SELECT id, folded, min(balanced, settled) AS most FROM producers WHERE id = :id), seen AS (
        SELECT sequence, max(b.inserted_us, b.received_us) < :cutoff AS is_old
        FROM mine m JOIN batches b ON b.producer = m.id AND b.sequence > m.folded ORDER BY sequence LIMIT :most
    )
    SELECT max(folded, min(most, coalesce((SELECT min(sequence) - 1 FROM seen WHERE NOT is_old), most),
            coalesce((SELECT max(sequence) FROM seen HAVING count(*) = :most), most))),
        (SELECT count(*) FROM seen)
    FROM mine
"""

_OLD = """
    WHERE producer = :id AND sequence BETWEEN 1 AND :reach AND max(inserted_us, received_us) < :cutoff
        AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.batch_id = batches.id AND d.settled_as IS NULL)
"""

_FOLD_COUNTS = f"""
    INSERT INTO totals
        SELECT tenant, 1, count(*), sum(events), sum(stored), sum(deduplicated), sum(dead_lettered),
            coalesce(sum((SELECT sum(d.events) FROM dead_letters d WHERE d.batch_id = batches.id)), 0), max(id)
        FROM batches {_OLD} GROUP BY tenant
    ON CONFLICT (tenant, is_folded) DO UPDATE SET batches = batches + excluded.batches,
        accepted = accepted + excluded.accepted, stored = stored + excluded.stored,
        deduplicated = deduplicated + excluded.deduplicated, dead_lettered = dead_lettered + excluded.dead_lettered,
        letters = letters + excluded.letters, last_id = max(last_id, excluded.last_id)
"""

_FOLD_LETTERS = f"DELETE FROM dead_letters WHERE batch_id IN (SELECT id FROM batches {_OLD} AND dead_lettered > 0)"

# What cannot be folded yet is looked at again in an hour.
_REST = """
    UPDATE producers SET
        stage = iif(folded < settled OR EXISTS (SELECT 1 FROM batches WHERE producer = :id AND sequence > 0), 1, 2),
        resting_us = iif(:is_done, :later, resting_us)
    WHERE id = :id AND stage = 1
"""
