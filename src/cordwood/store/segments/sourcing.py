"""Plan and segments → SQL that gives what matches in their files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from cordwood.model.plan import Plan
from cordwood.model.search.filters import Filter
from cordwood.store.segments.asking.places import Kept, kept
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.filter_sql import Conditions

FILES = "read_parquet(${}, filename = true, file_row_number = true, hive_partitioning = false)"
"""All rows of files, whose paths are the value of that name."""
NEWEST_FIRST = "ORDER BY ts DESC, batch_id DESC, ordinal DESC"
PLACE = ("filename", "file_row_number", "shape")
"""The columns that `fetching.Place` is made of."""
_MOST_ALONE = 64
"""Segments asked each for itself, since only some of their rows can match."""

Rows: TypeAlias = Sequence[tuple[int, int]]
"""first ≤ row < behind"""
Asked: TypeAlias = tuple[str, dict[str, object]]
"""A statement and its values."""
_Alike: TypeAlias = tuple[Kept, str | None, bool]
"""How segments keep what is asked for, the path of one that is asked alone, and whether all is in the plan's time."""


class Source(Struct, frozen=True):
    """What matches a plan in segments below `root`; of those in `rows`, these rows are enough."""

    root: Path
    plan: Plan
    rows: Mapping[str, Rows]

    def of(self, segments: Sequence[Segment], columns: str, first: int = 0) -> Asked:
        """Those `columns` of what matches in some segments, whose files are numbered from `first` on. Segments that
        have different ones of the columns asked for are asked differently."""
        return self.selected(segments, self.plan.filter, lambda _: columns, first)

    def selected(
        self, segments: Sequence[Segment], asked: Filter, columns: Callable[[Kept], str], first: int = 0
    ) -> Asked:
        """The same, where columns are made of fields: `asked` looks at all of them, and `columns` are of segments that
        keep those so."""
        parts: list[str] = []
        values: dict[str, object] = {}
        for number, ((how, path, is_within), group) in enumerate(self._alike(segments, asked).items(), first):
            conditions = Conditions(f"part{number}_")
            if path is not None:
                conditions.of_rows(self.rows[path])
            if not is_within:
                conditions.between(self.plan.start_us, self.plan.end_us)
            conditions.matching(self.plan.filter, how)
            if self.plan.after is not None:
                conditions.behind(self.plan.after)
            parts.append(f"SELECT {columns(how)} FROM {FILES.format(f'files{number}')} {conditions.where}")
            values |= conditions.values | {f"files{number}": paths_of(self.root, group)}
        return " UNION ALL ".join(parts), values

    def places(self, segments: Sequence[Segment]) -> Asked:
        """Where those events are, how they are made, and what they are ordered by."""
        columns = ("ts", "batch_id", "ordinal")
        return self.selected(segments, self.plan.filter, lambda how: ", ".join([*place_in(how), *columns]))

    def _alike(self, segments: Sequence[Segment], asked: Filter) -> Mapping[_Alike, list[Segment]]:
        alike: dict[_Alike, list[Segment]] = {}
        alone = 0
        for segment in segments:
            is_alone = segment.path in self.rows and alone < _MOST_ALONE
            alone += is_alone
            how = kept(segment, asked)
            # To compare the times of ten million events takes as long as to count them by level.
            is_within = lies_within(segment, self.plan)
            alike.setdefault((how, segment.path if is_alone else None, is_within), []).append(segment)
        return alike


def place_in(how: Kept) -> Sequence[str]:
    """The columns of `PLACE`, as SQL over segments that keep events so."""
    return PLACE if how.has_shapes else [*PLACE[:-1], f"NULL::VARCHAR AS {PLACE[-1]}"]


def lies_within(segment: Segment, plan: Plan) -> bool:
    """Whether all events of a segment are in the time of a plan."""
    return (plan.start_us is None or plan.start_us <= segment.min_us) and (
        plan.end_us is None or segment.max_us < plan.end_us
    )


def paths_of(root: Path, segments: Sequence[Segment]) -> list[str]:
    """Where their files are read."""
    return [str(root / segment.path) for segment in segments]
