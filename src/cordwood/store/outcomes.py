"""What a store reports of each load it was given."""

from collections.abc import Sequence, Set
from uuid import UUID

from cordwood.store.interface import Load, Written


def outcomes(loads: Sequence[Load], fresh: Set[UUID]) -> list[Written]:
    """One outcome a load, in order: the first with an id in `fresh` was written, all others are duplicates."""
    reported: set[UUID] = set()
    written: list[Written] = []
    for load in loads:
        header = load.batch.header
        if header.id in fresh and header.id not in reported:
            reported.add(header.id)
            stored = header.events - len(load.dead)
            written.append(Written(header.id, stored, len(load.dead), is_duplicate=False))
        else:
            written.append(Written(header.id, 0, 0, is_duplicate=True))
    return written
