"""Segments → the row groups of one that holds the same events, one of them in memory at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from cordwood.model.shape import shape_of
from cordwood.store.segments.layout import BASE
from cordwood.store.segments.parquet import OWN_GROUP_ROWS, ROW_GROUP_ROWS, Columns, columns_in, is_repeated
from cordwood.store.segments.runs import completed, runs
from cordwood.store.segments.tables import by_time, concatenated

_MIXED: Final = "several shapes"
_SAMPLE_ROWS, _FEW_VALUES = 8_192, 0.6
"""A large row group has more rows for each value than this sample: a dictionary is worth it where it would not be in a
fresh segment."""

Shaped: TypeAlias = dict[str | None, list[pa.Table]]


class Merge:
    """Enter it; then take `columns` and the row groups. The sources come in the order of their times. Everything raises
    OSError, pa.ArrowException."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._sources = [_Source(path, self._stack) for path in self._paths]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def columns(self) -> Columns:
        """All columns of the sources."""
        names = {name for source in self._sources for name in source.columns.schema.names}
        repeated = self._sources[0].columns.repeated
        seen = set(BASE.names)
        for shape in self._shapes():
            sample = next(self._tables(shape))
            for name in set(sample.column_names) - seen:
                is_dictionary = is_repeated(sample[name], _SAMPLE_ROWS, _FEW_VALUES)
                repeated = repeated | {name} if is_dictionary else repeated - {name}
            seen |= set(sample.column_names)
        return Columns.of(names - set(BASE.names), repeated)

    def row_groups(self) -> Iterator[list[pa.Table]]:
        """Rows of one shape together, those of the most frequent one first; each row group by time."""
        small: Shaped = {}
        for shape in self._shapes():
            gathered: list[pa.Table] = []
            for table in self._tables(shape):
                gathered.append(table)
                if sum(each.num_rows for each in gathered) >= ROW_GROUP_ROWS:
                    yield [by_time(concatenated(gathered).unify_dictionaries())]
                    gathered = []
            if sum(each.num_rows for each in gathered) >= OWN_GROUP_ROWS:
                yield [by_time(concatenated(gathered).unify_dictionaries())]
            elif gathered:
                small.setdefault(shape, []).extend(gathered)
        yield from self._mixed(small)

    def _mixed(self, small: Shaped) -> Iterator[list[pa.Table]]:
        """Shapes that are too few for row groups of their own."""
        rows = sum(table.num_rows for tables in small.values() for table in tables)
        for source in self._sources:
            for table in source.mixed():
                for shape, run in runs(completed(table)):
                    small.setdefault(shape, []).append(run)
                rows += table.num_rows
                if rows >= ROW_GROUP_ROWS:
                    yield _together(small)
                    small, rows = {}, 0
        if small:
            yield _together(small)

    def _shapes(self) -> list[str | None]:
        """Of row groups that have one shape only, the most frequent first."""
        counts: Counter[str | None] = Counter()
        for source in self._sources:
            counts.update(source.counts)
        return [shape for shape, _ in counts.most_common()]

    def _tables(self, shape: str | None) -> Iterator[pa.Table]:
        for source in self._sources:
            yield from source.tables(shape)


class _Source:
    """One of the segments."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        with pq.ParquetFile(path) as file:
            footer, self.columns = file.metadata, columns_in(file)
        dictionaries = sorted(name for name in self.columns.repeated if name in footer.schema.names)
        self._file = stack.enter_context(pq.ParquetFile(path, metadata=footer, read_dictionary=dictionaries))
        self._shapes = [self._shape(number) for number in range(footer.num_row_groups)]
        self._is_old = not frozenset(BASE.names) <= frozenset(footer.schema.names)
        self.counts: Counter[str | None] = Counter()
        for number, shape in enumerate(self._shapes):
            if shape != _MIXED:
                self.counts[shape] += footer.row_group(number).num_rows

    def _shape(self, number: int) -> str | None:
        """The one shape of a row group's rows, or `_MIXED`."""
        if "shape" not in self._file.schema_arrow.names:
            return None
        found = self._file.read_row_group(number, ["shape"], use_threads=False)["shape"].unique().to_pylist()
        only: str | None = found[0] if len(found) == 1 else _MIXED
        return only

    def tables(self, shape: str | None) -> Iterator[pa.Table]:
        """Row groups of this shape only, with its columns only."""
        further = [] if shape is None else [slot.column for slot in shape_of(shape).slots]
        for number, found in enumerate(self._shapes):
            if found == shape:
                names = [name for name in (*BASE.names, *further) if name in self._file.schema_arrow.names]
                table = self._file.read_row_group(number, names, use_threads=False)
                yield completed(table) if self._is_old else table

    def mixed(self) -> Iterator[pa.Table]:
        """Row groups of several shapes, with all columns."""
        for number, found in enumerate(self._shapes):
            if found == _MIXED:
                yield self._file.read_row_group(number, use_threads=False)


def _together(small: Shaped) -> list[pa.Table]:
    return [by_time(concatenated(tables).unify_dictionaries()) for tables in small.values()]
