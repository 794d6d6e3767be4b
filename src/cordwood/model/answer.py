"""What a store gives back for a plan."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from cordwood.model.ledger import Damage


class StoredEvent(msgspec.Struct, frozen=True):
    """One event with what was derived beside it. `data` is its JSON text; times are µs since 1970 UTC."""

    id: UUID
    timestamp_us: int
    inserted_at_us: int
    level: str | None
    service: str | None
    data: bytes


class Row(msgspec.Struct, frozen=True):
    """A row that pipes made. `event` is None in a table; else its `data` is without what was left out, and `columns`
    hide what it has under their names. Values are those of JSON; times are texts."""

    event: StoredEvent | None
    columns: dict[str, Any]


Block = Sequence[StoredEvent]
"""Some consecutive events of an answer, in its order."""


class Arrived(msgspec.Struct, frozen=True):
    """What of the events that were accepted can be found. None: nobody here knows."""

    watermark_us: int | None = None
    """All that was accepted before this can be found, µs since 1970 UTC."""
    in_flight: int | None = None
    """Events that were accepted and may not be found yet."""


class Coverage(msgspec.Struct, frozen=True):
    """What an answer would be made of: `version` rises with every write that a plan could see. It starts at random, so
    that no two stores share one (but 0, which means: nothing)."""

    version: int
    damaged: Sequence[Damage] = ()
    """Segments in the plan's range that cannot be read, and so are left out."""
    read: int | None = None
    """Segments that may hold an answer; None for a store that has none."""
    skipped: int = 0
    """Further segments in the plan's range that hold none, as their columns and filters tell."""
    groups_read: int = 0
    """Stretches of row groups, which segments consist of, that may hold an answer."""
    groups_skipped: int = 0
    """Further ones of the segments in the plan's range."""
    events: int | None = None
    """Events in those that may hold an answer: at most so many are looked at. None where nobody knows."""
    arrived: Arrived = Arrived()
    """As it was before the version was asked for, so that it holds for whatever is kept under that, too. Stores leave
    it as it is."""
    looked: object = None
    """What the store that made it remembers, to answer the same question."""
