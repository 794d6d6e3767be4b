"""Plan: a question as data. Both stores compile it; neither parses text."""

from uuid import UUID

import msgspec

from cordwood.model.search.filters import Everything, Filter


class Position(msgspec.Struct, frozen=True):
    """A place in the newest-first order: by timestamp (µs), then id, both descending."""

    timestamp_us: int
    id: UUID


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Events with start ≤ timestamp < end that a filter selects, newest first.

    `limit` None means all; `after` starts behind a position (the last event of the page before).
    """

    start_us: int | None = None
    end_us: int | None = None
    filter: Filter = Everything()
    limit: int | None = None
    after: Position | None = None


def paths(field: str) -> list[tuple[str, ...]]:
    """Every way to read a dotted field as nested keys: `a.b` is the key `a.b`, or `b` within `a`.

    The literal key comes first, the fully nested one last. Beyond six segments only those two are tried.
    """
    segments = field.split(".")
    if len(segments) > 6:
        return [(field,), tuple(segments)]
    found: list[tuple[str, ...]] = []
    for head in range(len(segments), 0, -1):
        key, rest = ".".join(segments[:head]), segments[head:]
        found += [(key, *tail) for tail in paths(".".join(rest))] if rest else [(key,)]
    return found
