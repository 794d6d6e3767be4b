"""Plan and segments → those segments, and those of their rows, that can hold an answer: by their columns, and by the
times and the words of their row groups."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from cordwood.model.plan import Plan
from cordwood.store.segments.asking.places import Kept, kept
from cordwood.store.segments.asking.wanting import Wanted, may_match, wanted
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.files import Files
from cordwood.store.segments.group_index import Group, GroupIndex

_CACHE_BYTES = 64 << 20
_OVERHEAD_BYTES = 200


class Part(Struct, frozen=True):
    """Of a segment, what can hold an answer: the rows first ≤ row < behind, or all of them (None)."""

    segment: Segment
    rows: Sequence[tuple[int, int]] | None
    groups: int
    """Row groups that these are; of a file of an earlier release, one is counted."""


class Skipping:
    """Knows indexes that were asked for lately, within bounds. Synchronous; any thread may ask."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._turn = threading.Lock()
        self._indexes: OrderedDict[str, GroupIndex | None] = OrderedDict()
        self._bytes = 0

    def possible(self, plan: Plan, segments: Sequence[Segment]) -> list[Part]:
        """What may hold an event that matches all filters of the plan, in its time. Raises Unavailable."""
        needs: dict[Kept, Wanted] = {}
        parts = self._files.each(lambda segment: self._part(plan, needs, segment), segments)
        return [part for part in parts if part is not None]

    def _part(self, plan: Plan, needs: dict[Kept, Wanted], segment: Segment) -> Part | None:
        """`needs` remembers what segments need that keep events in the same way."""
        how = kept(segment, plan.filter)
        if how not in needs:
            needs[how] = wanted(plan.filter, how)
        need = needs[how]
        if need is False:
            return None
        is_within = _is_within(plan, segment.min_us, segment.max_us)
        index = None if is_within and need is True else self._index(segment)
        if index is None:
            return Part(segment, None, segment.row_groups or 1)
        found = [
            group for group in index.groups if (is_within or _overlaps(plan, group)) and may_match(need, group.words)
        ]
        if not found:
            return None
        return Part(segment, None if len(found) == len(index.groups) else _rows(found), len(found))

    def _index(self, segment: Segment) -> GroupIndex | None:
        path = segment.path
        with self._turn:
            if path in self._indexes:
                self._indexes.move_to_end(path)
                return self._indexes[path]
        try:
            found = self._files.index(segment)
        except OSError:
            return None  # whoever reads the file itself tells what is wrong with it
        with self._turn:
            if path not in self._indexes:
                self._indexes[path] = found
                self._bytes += _size(found)
            while self._bytes > _CACHE_BYTES:
                _, dropped = self._indexes.popitem(last=False)
                self._bytes -= _size(dropped)
        return found


def _is_within(plan: Plan, min_us: int, max_us: int) -> bool:
    return (plan.start_us is None or plan.start_us <= min_us) and (plan.end_us is None or max_us < plan.end_us)


def _overlaps(plan: Plan, group: Group) -> bool:
    return (plan.start_us is None or plan.start_us <= group.max_us) and (
        plan.end_us is None or group.min_us < plan.end_us
    )


def _rows(groups: Sequence[Group]) -> list[tuple[int, int]]:
    """The rows of some row groups in their order; neighbours together."""
    ranges: list[tuple[int, int]] = []
    for group in groups:
        if ranges and ranges[-1][1] == group.first:
            ranges[-1] = (ranges[-1][0], group.behind)
        else:
            ranges.append((group.first, group.behind))
    return ranges


def _size(found: GroupIndex | None) -> int:
    return _OVERHEAD_BYTES + (0 if found is None else found.size_bytes)
