"""Old batches, folded into sums: their rows go, and their numbers stay known."""

from collections.abc import Sequence
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.model.batch import BatchHeader

_ROWS_AT_ONCE = 5000
_ROWS_A_ROUND = 50_000
_BALANCED_AT_ONCE = 10_000
_PRODUCERS_A_ROUND = 200


class PostgresFolder:
    """Several at once do no harm: each works on producers that no other has locked."""

    def __init__(self, database: Database, keep_s: float) -> None:
        """Rows that are younger than `keep_s` stay."""
        self._database = database
        self._keep_s = keep_s

    async def tend(self) -> None:
        """A round of bounded work. Raises Unavailable."""
        async with self._database.connection() as connection:
            for row in await connection.fetch(_UNBALANCED):
                await connection.execute(_BALANCE, row["id"], _BALANCED_AT_ONCE)
            left = _ROWS_A_ROUND
            for row in await connection.fetch(_DUE, self._keep_s, _PRODUCERS_A_ROUND):
                while left > 0:
                    seen = await self._fold(connection, row["id"])
                    left -= seen
                    if seen < _ROWS_AT_ONCE:
                        break

    async def _fold(self, connection: Connection, producer: UUID) -> int:
        """How many rows were looked at."""
        async with connection.transaction(isolation="read_committed"):
            reach = await connection.fetchrow(_REACH, producer, self._keep_s, _ROWS_AT_ONCE)
            if reach is None:
                return 0  # another worker has it
            await connection.execute(_FOLD, producer, reach["reach"], self._keep_s)
            await connection.execute(
                "DELETE FROM abandoned WHERE producer = $1 AND last <= $2", producer, reach["reach"]
            )
            await connection.execute(_REST, producer, self._keep_s, reach["seen"] < _ROWS_AT_ONCE)
        return int(reach["seen"])


async def take_back_folded(connection: Connection, headers: Sequence[BatchHeader]) -> set[UUID]:
    """Of batches that this transaction has just inserted, those that were stored and folded before: their rows go.

    To be asked after the insertion, in a statement of its own: while a fold is deleting a batch's row, the insertion
    waits for it, so this one sees what the fold left. Makes producers known that were not.
    """
    ids = [header.id for header in headers]
    rows = await connection.fetch(
        _FOLDED, ids, [header.producer for header in headers], [header.tenant for header in headers],
        [header.sequence for header in headers],
    )  # fmt: skip
    folded = {row["id"] for row in rows}
    if folded:
        await connection.execute("DELETE FROM batches WHERE id = ANY($1::uuid[])", list(folded))
        marked = [each for each in headers if each.id in folded and each.idempotency is not None]
        await connection.execute(
            _UNMARK,
            [each.tenant for each in marked],
            [each.idempotency for each in marked],
            [each.id for each in marked],
        )
    return folded


async def count_in(connection: Connection, ids: Sequence[UUID]) -> None:
    """Add batches that this transaction has inserted to the sums. The last thing to do: others wait for these rows."""
    await connection.execute(_COUNT_IN, ids)


async def count_over(connection: Connection, ids: Sequence[UUID], events: Sequence[int]) -> None:
    """So many events of these batches are stored now, and dead no more. The last thing to do."""
    await connection.execute(_COUNT_OVER, ids, events)


_SUMS = """batches = {0}.batches + excluded.batches, accepted = {0}.accepted + excluded.accepted,
        stored = {0}.stored + excluded.stored, deduplicated = {0}.deduplicated + excluded.deduplicated,
        dead_lettered = {0}.dead_lettered + excluded.dead_lettered"""

_COUNT_IN = f"""
    WITH fresh AS (
        SELECT tenant, floor(extract(epoch FROM received_at) / 60)::bigint AS minute, count(*) AS batches,
            sum(events) AS accepted, sum(stored) AS stored, sum(deduplicated) AS deduplicated,
            sum(dead_lettered) AS dead_lettered
        FROM batches WHERE id = ANY($1::uuid[]) GROUP BY 1, 2
    ), counted AS (
        INSERT INTO minutes SELECT * FROM fresh ORDER BY tenant, minute
        ON CONFLICT (tenant, minute) DO UPDATE SET {_SUMS.format("minutes")}
    )
    INSERT INTO totals
        SELECT tenant, false, sum(batches), sum(accepted), sum(stored), sum(deduplicated), sum(dead_lettered)
        FROM fresh GROUP BY tenant ORDER BY tenant
    ON CONFLICT (tenant, is_folded) DO UPDATE SET {_SUMS.format("totals")}
"""

_COUNT_OVER = """
    WITH moved AS (
        SELECT tenant, floor(extract(epoch FROM received_at) / 60)::bigint AS minute, sum(m.events)::bigint AS events
        FROM unnest($1::uuid[], $2::int[]) AS m(id, events) JOIN batches b USING (id) GROUP BY 1, 2
    ), counted AS (
        UPDATE minutes c SET stored = stored + m.events, dead_lettered = dead_lettered - m.events
        FROM moved m WHERE c.tenant = m.tenant AND c.minute = m.minute
    )
    UPDATE totals t SET stored = stored + m.events, dead_lettered = dead_lettered - m.events
    FROM (SELECT tenant, sum(events) AS events FROM moved GROUP BY tenant) m
    WHERE t.tenant = m.tenant AND NOT t.is_folded
"""

_FOLDED = """
    WITH given AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS g(id, producer, tenant, sequence)
    ), heard AS (
        INSERT INTO producers (id, tenant, settled, said_at, is_ended)
        SELECT producer, min(tenant), 0, to_timestamp(0), false FROM given GROUP BY producer ORDER BY producer
        ON CONFLICT (id) DO NOTHING
    )
    SELECT g.id FROM given g JOIN producers p ON p.id = g.producer
    WHERE g.sequence BETWEEN 1 AND p.folded AND g.id <= p.folded_id
"""

_UNMARK = """
    DELETE FROM idempotency i USING unnest($1::text[], $2::text[]::uuid[], $3::uuid[]) AS m(tenant, mark, id)
    WHERE i.tenant = m.tenant AND i.mark = m.mark AND i.batch_id = m.id
"""

_UNBALANCED = """
    SELECT id FROM producers p WHERE stage = 0 AND (balanced < settled
        OR (is_ended AND heard_at < now() - interval '1 hour')
        OR EXISTS (SELECT FROM batches b WHERE b.producer = p.id AND b.sequence > p.balanced))
"""

# What is known stays known: a mark that was worked out a moment ago is still true.
_BALANCE = """
    WITH mine AS (SELECT id, settled, balanced FROM producers WHERE id = $1), recorded AS (
        SELECT b.sequence, b.inserted_at FROM mine m JOIN batches b ON b.producer = m.id AND b.sequence > m.balanced
        ORDER BY b.sequence LIMIT $2
    ), known AS (
        SELECT sequence AS first, sequence AS last FROM recorded
        UNION ALL
        SELECT a.first, least(a.last, m.settled) FROM mine m
            JOIN abandoned a ON a.producer = m.id AND a.last > m.balanced AND a.first <= m.settled
    ), ordered AS (
        SELECT first, last, greatest(balanced, max(last) OVER (ORDER BY first, last
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before
        FROM known, mine
    ), reached AS (
        SELECT coalesce(min(before) FILTER (WHERE first > before + 1), max(last), 0) AS number FROM ordered
    ), heard AS (SELECT max(inserted_at) AS at FROM recorded, reached WHERE sequence <= number)
    UPDATE producers p SET balanced = greatest(balanced, number), heard_at = greatest(heard_at, at),
        stage = CASE WHEN is_ended AND greatest(balanced, number) >= settled
                AND greatest(heard_at, at) < now() - interval '1 hour'
                AND NOT EXISTS (SELECT FROM recorded WHERE sequence > number) THEN 1 ELSE stage END,
        resting_at = greatest(heard_at, at)
    FROM reached, heard
    WHERE id = $1 AND stage = 0 AND (number > balanced OR is_ended)
"""

_DUE = """
    (SELECT id FROM producers WHERE stage = 1 AND resting_at < now() - make_interval(secs => $1)
        ORDER BY resting_at LIMIT $2)
    UNION ALL
    (SELECT id FROM producers p WHERE stage = 0 AND folded < least(balanced, settled)
        AND coalesce((SELECT inserted_at FROM batches WHERE producer = p.id AND sequence > p.folded
            ORDER BY sequence LIMIT 1) < now() - make_interval(secs => $1), true) LIMIT $2)
"""

# Only what the producer itself has called settled: others may number as they like.
_REACH = """
    WITH mine AS (
        SELECT id, folded, least(balanced, settled) AS most FROM producers WHERE id = $1 FOR UPDATE SKIP LOCKED
    ), seen AS (
        SELECT sequence, greatest(b.inserted_at, b.received_at) < now() - make_interval(secs => $2) AS is_old
        FROM mine m JOIN batches b ON b.producer = m.id AND b.sequence > m.folded ORDER BY sequence LIMIT $3
    )
    SELECT greatest(folded, least(most, (SELECT min(sequence) - 1 FROM seen WHERE NOT is_old),
            (SELECT max(sequence) FROM seen HAVING count(*) = $3))) AS reach,
        (SELECT count(*) FROM seen) AS seen
    FROM mine
"""

_FOLD = f"""
    WITH gone AS (
        DELETE FROM batches b WHERE producer = $1 AND sequence BETWEEN 1 AND $2
            AND greatest(inserted_at, received_at) < now() - make_interval(secs => $3)
            AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.batch_id = b.id AND d.settled_as IS NULL)
        RETURNING id, tenant, events, stored, deduplicated, dead_lettered
    ), letters AS (
        DELETE FROM dead_letters d USING gone g WHERE d.batch_id = g.id RETURNING g.tenant, d.events
    ), counted AS (
        INSERT INTO totals
            SELECT tenant, true, count(*), sum(events), sum(stored), sum(deduplicated), sum(dead_lettered),
                coalesce((SELECT sum(events) FROM letters l WHERE l.tenant = g.tenant), 0), max(id::text)::uuid
            FROM gone g GROUP BY tenant ORDER BY tenant
        ON CONFLICT (tenant, is_folded) DO UPDATE SET {_SUMS.format("totals")},
            letters = totals.letters + excluded.letters, last_id = greatest(totals.last_id, excluded.last_id)
    )
    UPDATE producers SET folded = $2, folded_id = greatest(folded_id, (SELECT max(id::text)::uuid FROM gone))
    WHERE id = $1
"""

# What cannot be folded yet is looked at again in an hour.
_REST = """
    UPDATE producers p
    SET stage = CASE WHEN has_rows OR folded < settled THEN 1 ELSE 2 END,
        resting_at = CASE WHEN $3 THEN now() - make_interval(secs => $2) + interval '1 hour' ELSE resting_at END
    FROM (SELECT EXISTS (SELECT FROM batches WHERE producer = $1 AND sequence > 0) AS has_rows) r
    WHERE id = $1 AND stage = 1
"""
