"""Plan and segments → those segments, and those of their rows, that can hold an answer: by their columns, and by the
times and the words of stretches of rows."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from cordwood.model.plan import Plan
from cordwood.store.segments.asking.places import Kept, kept
from cordwood.store.segments.asking.wanting import Wanted, may_match, wanted
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.files import Files
from cordwood.store.segments.group_index import GroupIndex
from cordwood.store.segments.many_filters import Answers, ManyFilters
from cordwood.store.segments.sourcing import lies_within

_CACHE_BYTES = 96 << 20
"""Some 7 bytes an event."""
_OVERHEAD_BYTES, _STRETCH_BYTES = 1000, 200


class Part(Struct, frozen=True):
    """Of a segment, what can hold an answer: the rows first ≤ row < behind, or all of them (None)."""

    segment: Segment
    rows: Sequence[tuple[int, int]] | None
    groups: int
    """Stretches that these are; of a file without an index, as many as the catalog says, or one."""


class _Index:
    """What is known of the stretches of a file, as it is asked."""

    def __init__(self, index: GroupIndex) -> None:
        self.ranges = [(group.first, group.behind) for group in index.groups]
        self.words = ManyFilters([group.words for group in index.groups])
        self._min_us = np.array([group.min_us for group in index.groups], np.int64)
        self._max_us = np.array([group.max_us for group in index.groups], np.int64)

    @property
    def size_bytes(self) -> int:
        return self.words.size_bytes + _STRETCH_BYTES * len(self.ranges)

    def overlaps(self, start_us: int | None, end_us: int | None) -> Answers:
        """Whether each has events with start ≤ timestamp < end: it may."""
        found = np.ones(len(self.ranges), np.bool_)
        if start_us is not None:
            found &= self._max_us >= start_us
        if end_us is not None:
            found &= self._min_us < end_us
        return found


class Skipping:
    """Knows indexes that were asked for lately, within bounds. Synchronous; any thread may ask."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._turn = threading.Lock()
        self._indexes: OrderedDict[str, _Index | None] = OrderedDict()
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
        is_within = lies_within(segment, plan)
        index = None if is_within and need is True else self._index(segment)
        if index is None:
            return Part(segment, None, segment.row_groups or 1)
        possible = may_match(need, index.words)
        if not is_within:
            possible &= index.overlaps(plan.start_us, plan.end_us)
        found = [index.ranges[place] for place in np.flatnonzero(possible).tolist()]
        if not found:
            return None
        return Part(segment, None if len(found) == len(index.ranges) else _joined(found), len(found))

    def _index(self, segment: Segment) -> _Index | None:
        path = segment.path
        with self._turn:
            if path in self._indexes:
                self._indexes.move_to_end(path)
                return self._indexes[path]
        try:
            read = self._files.index(segment)
        except OSError:
            return None  # whoever reads the file itself tells what is wrong with it
        found = None if read is None else _Index(read)
        with self._turn:
            if path not in self._indexes:
                self._indexes[path] = found
                self._bytes += _size(found)
            while self._bytes > _CACHE_BYTES:
                _, dropped = self._indexes.popitem(last=False)
                self._bytes -= _size(dropped)
        return found


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same rows; neighbours together."""
    joined: list[tuple[int, int]] = []
    for first, behind in ranges:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], behind)
        else:
            joined.append((first, behind))
    return joined


def _size(found: _Index | None) -> int:
    return _OVERHEAD_BYTES + (0 if found is None else found.size_bytes)
