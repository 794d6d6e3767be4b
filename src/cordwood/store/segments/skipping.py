"""Plan and segments → those segments that can hold an answer, by their columns and their token filters."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.filter_sql import columns_of, is_number
from cordwood.store.segments.token_filter import TokenFilter
from cordwood.store.segments.words import Hashes, hashes_of, number_hashes

_CACHE_BYTES = 64 << 20
_OVERHEAD_BYTES = 200


class Skipping:
    """Knows filters that were asked for lately, within bounds. Synchronous; any thread may ask."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._turn = threading.Lock()
        self._filters: OrderedDict[str, TokenFilter | None] = OrderedDict()
        self._bytes = 0

    def possible(self, plan: Plan, segments: Sequence[Segment]) -> list[Segment]:
        """The segments that may hold an event which matches all filters of the plan."""
        wanted = [_Wanted.of(equals) for equals in plan.filters]
        return [segment for segment in segments if all(each.may_be_in(segment, self._filter) for each in wanted)]

    def _filter(self, path: str) -> TokenFilter | None:
        with self._turn:
            if path in self._filters:
                self._filters.move_to_end(path)
                return self._filters[path]
        try:
            found = TokenFilter.read(self._root / path)
        except OSError:
            return None  # whoever reads the file itself tells what is wrong with it
        with self._turn:
            if path not in self._filters:
                self._filters[path] = found
                self._bytes += _size(found)
            while self._bytes > _CACHE_BYTES:
                _, dropped = self._filters.popitem(last=False)
                self._bytes -= _size(dropped)
        return found


class _Wanted(Struct, frozen=True):
    """What a segment must have for a field to have a value."""

    equals: Equals
    words: Hashes
    number: Hashes | None
    """When the value is a number: numbers are known by their value, and texts spell it in many ways."""

    @classmethod
    def of(cls, equals: Equals) -> "_Wanted":
        number = number_hashes(float(equals.text)) if is_number(equals.text) else None
        return cls(equals, hashes_of(equals.text), number)

    def may_be_in(self, segment: Segment, filter_of: Callable[[str], TokenFilter | None]) -> bool:
        is_spelled = segment.has_texts
        if self.equals.field not in DERIVED_FIELDS:
            columns = segment.columns.intersection(columns_of(self.equals.field))
            if not columns and not segment.has_texts:
                return False
            is_spelled |= any(column.endswith(":json") for column in columns)
            if self.equals.text in ("true", "false") and any(column.endswith(":bool") for column in columns):
                return True
            if self.number is not None and is_spelled:
                return True
        if not len(self.words) and self.number is None:
            return True
        found = filter_of(segment.path)
        if found is None:
            return True
        return found.may_hold(self.words) or (self.number is not None and found.may_hold(self.number))


def _size(found: TokenFilter | None) -> int:
    return _OVERHEAD_BYTES + (0 if found is None else len(found.bits))
