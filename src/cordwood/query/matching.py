"""Events → those that watchers wait for. CPU-heavy: for threads."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cordwood.language.match import Matcher, seen
from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id, expanded
from cordwood.model.derive_many import derive_many
from cordwood.query.answers import event_json
from cordwood.tail.interface import Stored

Wanted = Matcher | None
"""Tells whether an event is wanted; None: all are."""


class Line(NamedTuple):
    """An event as it is answered."""

    id: UUID
    inserted_at_us: int
    json: bytes


def stored_lines(stored: Stored) -> list[tuple[int, bytes]]:
    """The events of a batch with their ordinals, dead letters left out. Raises Corrupt."""
    lines = expanded(stored.batch).split(b"\n")
    lines.pop()  # behind the last newline
    dead = set(stored.dead)
    return [(ordinal, line) for ordinal, line in enumerate(lines) if ordinal not in dead]


def stored_events(stored: Stored, lines: Sequence[tuple[int, bytes]]) -> list[StoredEvent]:
    """Some of them, with what is derived. Raises msgspec.MsgspecError for what is no JSON object."""
    header = stored.batch.header
    columns = derive_many(b"".join(line + b"\n" for _, line in lines), header.received_at_us)
    return [
        StoredEvent(event_id(header.id, ordinal), timestamp_us, stored.inserted_at_us, level, service, line)
        for (ordinal, line), (timestamp_us, level, service) in zip(lines, columns, strict=True)
    ]


def matched(events: Sequence[StoredEvent], wanted: Sequence[Wanted]) -> list[list[Line]]:
    """What each of several watchers waits for, in order. An event is decoded and written once for all of them."""
    found: list[list[Line]] = [[] for _ in wanted]
    is_decoded = any(each is not None for each in wanted)
    for event in events:
        decoded = seen(event) if is_decoded else None
        line: Line | None = None
        for lines, each in zip(found, wanted, strict=True):
            if each is None or (decoded is not None and each(decoded)):
                line = line or Line(event.id, event.inserted_at_us, event_json(event))
                lines.append(line)
    return found
