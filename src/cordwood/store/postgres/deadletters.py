"""Dead letters in PostgreSQL: listed, stored after all, or given up."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from cordwood.clock import Clock
from cordwood.db.postgres import Connection, Database
from cordwood.model.action import Action, ActionKind
from cordwood.model.deadletter import DeadLetter, KeptLetter, LetterGroup, LetterId, Selection
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Replay
from cordwood.store.postgres.folding import count_over
from cordwood.store.postgres.keeping import Entry, Keeper, require
from cordwood.store.postgres.writer import hold, raise_versions


class PostgresDeadLetters:
    """See `store.interface.DeadLetters`."""

    def __init__(self, database: Database, keeper: Keeper, clock: Clock) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock

    async def groups(self, tenant: Tenant) -> list[LetterGroup]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_GROUPS, tenant)
        return [
            LetterGroup(row["reason"], row["protocol"], row["letters"], row["events"], row["first"], row["last"])
            for row in rows
        ]

    async def letters(
        self, tenant: Tenant, selection: Selection, limit: int, after: LetterId | None
    ) -> list[KeptLetter]:
        batch_id, ordinal = after or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LETTERS, tenant, *_selected(selection), batch_id, ordinal, limit)
        return [_kept(row) for row in rows]

    async def replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        unique = {replay.letter: replay.load for replay in replays}
        places = {letter: place for place, letter in enumerate(unique)}
        async with (
            self._keeper.keeping(list(unique.values()), self._clock.now_us()) as kept,
            self._database.connection() as connection,
            connection.transaction(),
        ):
            gone = await connection.fetch(_TAKE, tenant, *_columns(list(unique)))
            await require(connection, self._keeper.answers)
            taken = sorted(places[row["batch_id"], row["ordinal"]] for row in gone)
            rows = [kept.entries[place] for place in taken]
            added = await kept.put(connection, taken)
            await _move_counts(connection, rows)
            await raise_versions(connection, added)
            await hold(connection, added)
            await count_over(connection, [each.id for each in rows], [each.stored for each in rows])
            events = sum(each.stored for each in rows)
            if events:
                await self._record(connection, tenant, actor, "replay", events, {"letters": str(len(rows))})
        return events

    async def discard(self, tenant: Tenant, selection: Selection, actor: str) -> int:
        async with self._database.connection() as connection, connection.transaction():
            rows = await connection.fetch(_DISCARD, tenant, *_selected(selection))
            events = sum(int(row["events"]) for row in rows)
            if events:
                detail = {"letters": str(len(rows)), "reason": selection.reason or ""}
                await self._record(connection, tenant, actor, "discard", events, detail)
        return events

    async def actions(self, tenant: Tenant, limit: int) -> list[Action]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_ACTIONS, tenant, limit)
        return [
            Action(
                id=row["id"],
                tenant=tenant,
                at_us=row["at"],
                actor=row["actor"],
                action=row["action"],
                events=row["events"],
                detail=msgspec.json.decode(row["detail"], type=dict[str, str]),
            )
            for row in rows
        ]

    async def _record(
        self, connection: Connection, tenant: Tenant, actor: str, kind: ActionKind, events: int, detail: dict[str, str]
    ) -> None:
        text = msgspec.json.encode(detail)
        await connection.execute(_RECORD, self._clock.batch_id(), tenant, actor, kind, events, text)


async def _move_counts(connection: Connection, rows: Sequence[Entry]) -> None:
    """What was dead is stored: in the batches' own rows, so that they go on balancing."""
    by_batch: dict[UUID, list[Entry]] = {}
    for each in rows:
        by_batch.setdefault(each.id, []).append(each)
    ids = sorted(by_batch)
    spans = [_span(by_batch[batch_id]) for batch_id in ids]
    await connection.execute(
        _MOVE,
        ids,
        [sum(each.stored for each in by_batch[batch_id]) for batch_id in ids],
        [first for first, _ in spans],
        [last for _, last in spans],
    )


def _span(rows: Sequence[Entry]) -> tuple[int, int]:
    moments = [moment for each in rows for moment in (each.min_us, each.max_us) if moment is not None]
    return min(moments), max(moments)


def _selected(selection: Selection) -> tuple[str | None, list[UUID] | None, list[int] | None]:
    if selection.ids is None:
        return selection.reason, None, None
    return selection.reason, *_columns(selection.ids)


def _columns(ids: Sequence[LetterId]) -> tuple[list[UUID], list[int]]:
    return [batch_id for batch_id, _ in ids], [ordinal for _, ordinal in ids]


def _kept(row: Any) -> KeptLetter:
    letter = DeadLetter(
        batch_id=row["batch_id"],
        ordinal=row["ordinal"],
        tenant=Tenant(row["tenant"]),
        protocol=row["protocol"],
        reason=row["reason"],
        received_at_us=row["received_at"],
        body=row["body"],
        events=row["events"],
    )
    return KeptLetter(letter, row["dead_at"])


_GROUPS = """
    SELECT reason, protocol, count(*) AS letters, sum(events)::bigint AS events, min(dead_at) AS first,
        max(dead_at) AS last
    FROM dead_letters WHERE tenant = $1 AND settled_as IS NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 1000
"""

_CHOSEN = """
    tenant = $1 AND settled_as IS NULL AND ($2::text IS NULL OR reason = $2) AND ($3::uuid[] IS NULL
        OR (batch_id, ordinal) IN (SELECT * FROM unnest($3::uuid[], $4::bigint[])))
"""

_LETTERS = f"""
    SELECT * FROM dead_letters WHERE {_CHOSEN} AND ($5::uuid IS NULL OR (batch_id, ordinal) > ($5, $6))
    ORDER BY batch_id, ordinal LIMIT $7
"""

_TAKE = """
    DELETE FROM dead_letters d USING unnest($2::uuid[], $3::bigint[]) AS chosen(batch_id, ordinal)
    WHERE d.tenant = $1 AND d.settled_as IS NULL AND d.batch_id = chosen.batch_id AND d.ordinal = chosen.ordinal
    RETURNING d.batch_id, d.ordinal
"""

_MOVE = """
    UPDATE batches b SET stored = b.stored + m.events, dead_lettered = b.dead_lettered - m.events,
        min_ts = least(b.min_ts, m.first), max_ts = greatest(b.max_ts, m.last)
    FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS m(id, events, first, last)
    WHERE b.id = m.id
"""

_DISCARD = f"""
    UPDATE dead_letters SET settled_at = now(), settled_as = 'discarded', body = '' WHERE {_CHOSEN} RETURNING events
"""

_RECORD = "INSERT INTO actions (id, tenant, actor, action, events, detail) VALUES ($1, $2, $3, $4, $5, $6)"

_ACTIONS = """
    SELECT id, at, actor, action, events, detail FROM actions WHERE tenant = $1 ORDER BY at DESC, id DESC LIMIT $2
"""
