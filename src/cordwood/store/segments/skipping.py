"""Plan and segments → those segments, and those of their rows, that can hold an answer: by their columns, and by the
times and the words of their row groups."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.files import Files
from cordwood.store.segments.filter_sql import columns_of, is_number
from cordwood.store.segments.group_index import Group, GroupIndex
from cordwood.store.segments.words import Hashes, hashes_of, number_hashes

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
        wanted = [_Wanted.of(equals) for equals in plan.filters]
        parts = self._files.each(lambda segment: self._part(plan, wanted, segment), segments)
        return [part for part in parts if part is not None]

    def _part(self, plan: Plan, wanted: Sequence["_Wanted"], segment: Segment) -> Part | None:
        asked: list[_Wanted] = []
        for each in wanted:
            match each.looks_for(segment):
                case "nothing":
                    return None
                case "words":
                    asked.append(each)
        is_within = _is_within(plan, segment.min_us, segment.max_us)
        index = None if is_within and not asked else self._index(segment)
        if index is None:
            return Part(segment, None, segment.row_groups or 1)
        found = [
            group
            for group in index.groups
            if (is_within or _overlaps(plan, group)) and all(each.may_be_in(group) for each in asked)
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


class _Wanted(Struct, frozen=True):
    """What must be there for a field to have a value."""

    equals: Equals
    words: Hashes
    number: Hashes | None
    """When the value is a number: numbers are known by their value, and texts spell it in many ways."""

    @classmethod
    def of(cls, equals: Equals) -> "_Wanted":
        number = number_hashes(float(equals.text)) if is_number(equals.text) else None
        return cls(equals, hashes_of(equals.text), number)

    def looks_for(self, segment: Segment) -> str:
        """Whether a segment has the value in words that an index tells, perhaps in some that it does not ("anything"),
        or has no place for it ("nothing")."""
        is_spelled = segment.has_texts
        if self.equals.field not in DERIVED_FIELDS:
            columns = segment.columns.intersection(columns_of(self.equals.field))
            if not columns and not segment.has_texts:
                return "nothing"
            is_spelled |= any(column.endswith(":json") for column in columns)
            if self.equals.text in ("true", "false") and any(column.endswith(":bool") for column in columns):
                return "anything"
            if self.number is not None and is_spelled:
                return "anything"
        return "words" if len(self.words) or self.number is not None else "anything"

    def may_be_in(self, group: Group) -> bool:
        """Asked of words only."""
        if group.words is None:
            return True
        return group.words.may_hold(self.words) or (self.number is not None and group.words.may_hold(self.number))


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
