"""What a store reports of each load it was given."""

from collections.abc import Mapping, Sequence, Set
from uuid import UUID

from cordwood.store.interface import Load, Written


def outcomes(
    loads: Sequence[Load], fresh: Set[UUID], repeated: Mapping[UUID, UUID], inserted_at_us: int
) -> list[Written]:
    """One outcome a load, in order: the first with an id in `fresh` was written, all others are duplicates.

    `repeated` are the fresh batches that repeat an earlier one's request.
    """
    reported: set[UUID] = set()
    written: list[Written] = []
    for load in loads:
        header = load.batch.header
        if header.id not in fresh or header.id in reported:
            written.append(Written(header.id, 0, 0, 0, is_duplicate=True, inserted_at_us=inserted_at_us))
            continue
        reported.add(header.id)
        if header.id in repeated:
            written.append(Written(header.id, 0, 0, header.events, is_duplicate=False, inserted_at_us=inserted_at_us))
        else:
            dead = load.dead_events
            written.append(
                Written(header.id, header.events - dead, dead, 0, is_duplicate=False, inserted_at_us=inserted_at_us)
            )
    return written
