"""Letters that wait to be delivered, and the history of what was told: in tables."""

import hashlib
from collections.abc import Sequence
from typing import cast
from uuid import UUID, uuid4

from cordwood.alerts.interface import Delivery, DeliveryStatus, Dispatch, Entry, Letter, Rows, Tables
from cordwood.alerts.rows import decoded, encoded, identity, moment_us
from cordwood.model.tenant import Tenant


async def add_letters(rows: Rows, entry: UUID, letters: Sequence[Letter], now_us: int) -> None:
    """Put letters into the outbox, in the transaction of what they tell of."""
    for letter in letters:
        await rows.fetch(
            "INSERT INTO alert_letters (id, entry, tenant, lane, letter, status, created_at, try_at, attempts, error) "
            "VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, 0, '')",
            letter.notice.id,
            entry,
            letter.notice.tenant,
            _lane(letter),
            encoded(letter),
            now_us,
        )


class Outbox:
    """Letters on their way. Every call returns when what it did is durable; all raise Unavailable."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def take(self, now_us: int, until_us: int, limit: int) -> Sequence[Dispatch]:
        """Letters to send now, for this caller alone until `until_us`. None before an older one of its lane is done."""
        token = uuid4()
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                "WITH due AS MATERIALIZED (SELECT number AS chosen FROM alert_letters AS mine WHERE status = 'waiting' "
                "AND try_at <= $3 AND NOT EXISTS (SELECT 1 FROM alert_letters AS older WHERE older.status = 'waiting' "
                "AND older.tenant = mine.tenant AND older.lane = mine.lane AND older.number < mine.number) "
                f"ORDER BY number LIMIT $4 {self._tables.skip_locked}) "
                "UPDATE alert_letters SET claim = $1, try_at = $2, attempts = attempts + 1 FROM due "
                "WHERE number = chosen RETURNING letter, created_at, attempts",
                token,
                until_us,
                now_us,
                limit,
            )
        return [
            Dispatch(token, decoded(letter, Letter), moment_us(created_us), moment_us(attempts))
            for letter, created_us, attempts in found
        ]

    async def settle(
        self, dispatch: Dispatch, status: DeliveryStatus, now_us: int, error: str = "", *, try_us: int = 0
    ) -> bool:
        """Note what became of a dispatch; False when it is somebody else's by now."""
        async with self._tables.transaction() as rows:
            held = await rows.fetch(
                "UPDATE alert_letters SET status = $1, error = $2, done_at = $3, try_at = $4, claim = NULL "
                "WHERE id = $5 AND claim = $6 RETURNING id",
                status,
                error,
                None if status == "waiting" else now_us,
                try_us,
                dispatch.letter.notice.id,
                dispatch.token,
            )
        return bool(held)

    async def history(
        self, tenant: Tenant, rule: str | None, before: UUID, limit: int
    ) -> tuple[Sequence[Entry], Sequence[Delivery]]:
        """Transitions whose ids sort before one, the latest first, and what became of their letters."""
        async with self._tables.transaction() as rows:
            entries = await rows.fetch(
                "SELECT entry FROM alert_history WHERE tenant = $1 AND (rule = $2 OR CAST($2 AS text) IS NULL) "
                "AND id < $3 ORDER BY id DESC LIMIT $4",
                tenant,
                rule,
                before,
                limit,
            )
            letters = await rows.fetch(
                "SELECT id, entry, letter, status, attempts, error, done_at FROM alert_letters WHERE entry IN "
                "(SELECT id FROM alert_history WHERE tenant = $1 AND (rule = $2 OR CAST($2 AS text) IS NULL) "
                "AND id < $3 ORDER BY id DESC LIMIT $4) ORDER BY number",
                tenant,
                rule,
                before,
                limit,
            )
        return [decoded(entry, Entry) for (entry,) in entries], list(map(_delivery, letters))

    async def forget(self, before_us: int) -> None:
        """Remove what is older. Letters that wait stay."""
        async with self._tables.transaction() as rows:
            await rows.fetch("DELETE FROM alert_history WHERE at < $1", before_us)
            await rows.fetch("DELETE FROM alert_letters WHERE status <> 'waiting' AND created_at < $1", before_us)
            await rows.fetch("DELETE FROM alert_silences WHERE ends_at < $1", before_us)


def _lane(letter: Letter) -> str:
    receiver = hashlib.sha256(encoded(letter.receiver).encode()).hexdigest()[:16]
    return f"{letter.notice.rule}/{receiver}"


def _delivery(row: Sequence[object]) -> Delivery:
    letter_id, entry, letter, status, attempts, error, done_us = row
    return Delivery(
        identity(letter_id),
        identity(entry),
        decoded(letter, Letter).receiver,
        cast("DeliveryStatus", status),
        moment_us(attempts),
        str(error),
        None if done_us is None else moment_us(done_us),
    )
