"""Dead letters in the catalog: listed, or given up. Storing them after all is the writer's work."""

from uuid import UUID

import msgspec

from cordwood.clock import Clock
from cordwood.model.action import Action
from cordwood.model.deadletter import DeadLetter, KeptLetter, LetterGroup, LetterId, Selection
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Catalog


class SegmentDeadLetters:
    """See `store.interface.DeadLetters`. Synchronous; call it in a thread."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def groups(self, tenant: Tenant) -> list[LetterGroup]:
        return [LetterGroup(*row) for row in self._catalog.rows(_GROUPS, (tenant,))]

    def letters(self, tenant: Tenant, selection: Selection, limit: int, after: LetterId | None) -> list[KeptLetter]:
        batch_id, ordinal = after or (None, None)
        values = {
            "tenant": tenant,
            "reason": selection.reason,
            "chosen": _chosen(selection),
            "after_batch": None if batch_id is None else batch_id.bytes,
            "after_ordinal": ordinal,
            "limit": limit,
        }
        return [
            KeptLetter(
                DeadLetter(
                    batch_id=UUID(bytes=row[0]),
                    ordinal=row[1],
                    tenant=tenant,
                    protocol=row[2],
                    reason=row[3],
                    received_at_us=row[4],
                    body=row[5],
                    events=row[6],
                ),
                row[7],
            )
            for row in self._catalog.rows(_LETTERS, values)
        ]

    def discard(self, tenant: Tenant, selection: Selection, actor: str) -> int:
        now_us = self._clock.now_us()
        values = {"tenant": tenant, "reason": selection.reason, "chosen": _chosen(selection), "now": now_us}
        with self._catalog.transaction() as connection:
            discarded = [row[0] for row in connection.execute(_DISCARD, values)]
            if discarded:
                action = Action(
                    id=self._clock.batch_id(),
                    tenant=tenant,
                    at_us=now_us,
                    actor=actor,
                    action="discard",
                    events=sum(discarded),
                    detail={"letters": str(len(discarded)), "reason": selection.reason or ""},
                )
                self._catalog.record(connection, action)
        return sum(discarded)

    def actions(self, tenant: Tenant, limit: int) -> list[Action]:
        return [
            Action(
                id=UUID(bytes=row[0]),
                tenant=tenant,
                at_us=row[1],
                actor=row[2],
                action=row[3],
                events=row[4],
                detail=msgspec.json.decode(row[5], type=dict[str, str]),
            )
            for row in self._catalog.rows(_ACTIONS, (tenant, limit))
        ]


def _chosen(selection: Selection) -> str | None:
    """The ids as JSON, as the statements take them."""
    if selection.ids is None:
        return None
    return msgspec.json.encode([[batch_id.hex, ordinal] for batch_id, ordinal in selection.ids]).decode()


_GROUPS = """
    SELECT reason, protocol, count(*), sum(events), min(dead_us), max(dead_us) FROM dead_letters
    WHERE tenant = ? AND settled_as IS NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 1000
"""

_CHOSEN = """
    tenant = :tenant AND settled_as IS NULL AND (:reason IS NULL OR reason = :reason) AND (:chosen IS NULL
        OR (lower(hex(batch_id)), ordinal) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:chosen)))
"""

_LETTERS = f"""
    SELECT batch_id, ordinal, protocol, reason, received_us, body, events, dead_us FROM dead_letters
    WHERE {_CHOSEN} AND (:after_batch IS NULL OR (batch_id, ordinal) > (:after_batch, :after_ordinal))
    ORDER BY batch_id, ordinal LIMIT :limit
"""

_DISCARD = f"""
    UPDATE dead_letters SET settled_us = :now, settled_as = 'discarded', body = x'' WHERE {_CHOSEN} RETURNING events
"""

_ACTIONS = """
    SELECT id, at_us, actor, action, events, detail FROM actions WHERE tenant = ? ORDER BY at_us DESC, id DESC LIMIT ?
"""
