"""Tables → a Parquet file, with the encodings that fit what is in it, and an index of its row groups."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from cordwood.errors import Refused, Unavailable
from cordwood.store.columns.dictionaries import TYPE, without_dictionary
from cordwood.store.segments.group_index import Group, GroupIndex
from cordwood.store.segments.indexing import token_filter_of
from cordwood.store.segments.layout import BASE, field_of
from cordwood.store.segments.rollup import Rolling
from cordwood.store.segments.token_filter import TokenFilter

ROW_GROUP_ROWS = 65_536
OWN_GROUP_ROWS = 8_192
"""Tables smaller than this share a row group."""
_SAMPLE_ROWS = 2_000
_FEW_VALUES = 0.5
_LEVEL = 1
_PAGE_BYTES = 1 << 16
"""To fetch a few rows, the pages that they are in are decompressed."""
_STRETCH_ROWS = 16_384
"""Rows of which the index tells together: the engine reads only the pages of those that it is told."""
_SORTED = ("ordinal", "ts")
"""Columns of numbers that mostly rise."""
_REPEATED = ("batch_id", "inserted_at", "level", "shape")
"""Columns of few values, whatever the events are."""


class Columns(Struct, frozen=True):
    """The columns of a file, and those of them that are kept as a dictionary in each row group."""

    schema: pa.Schema
    repeated: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str], repeated: Iterable[str]) -> "Columns":
        """Those that every segment has, and further ones."""
        return cls(pa.schema([*BASE, *map(field_of, sorted(names))]), frozenset((*_REPEATED, *repeated)))


def columns_of(tables: Sequence[pa.Table]) -> Columns:
    """All that these have. Whether a column is kept as a dictionary, the largest table that has it tells."""
    largest: dict[str, pa.Table] = {}
    for table in sorted(tables, key=lambda table: table.num_rows):
        largest |= dict.fromkeys(table.column_names, table)
    guessed = largest.keys() - {*_SORTED, *_REPEATED}
    repeated = [name for name in guessed if is_repeated(largest[name][name], _SAMPLE_ROWS, _FEW_VALUES)]
    return Columns.of(largest.keys() - set(BASE.names), repeated)


def columns_in(file: pq.ParquetFile) -> Columns:
    """Those of a segment that is there, kept as they are in its first row group."""
    first = file.metadata.row_group(0)
    repeated = [
        column.path_in_schema
        for column in map(first.column, range(first.num_columns))
        if "RLE_DICTIONARY" in column.encodings and column.physical_type == "BYTE_ARRAY"
    ]
    return Columns.of(set(file.metadata.schema.names) - set(BASE.names), repeated)


def is_repeated(column: pa.ChunkedArray, sample_rows: int, few: float) -> bool:
    """Whether a dictionary is worth it: a column is one already, or its first rows have few values for their number."""
    if pa.types.is_dictionary(column.type):
        return True
    sample = column.slice(0, sample_rows)
    return bool(pc.count_distinct(sample).as_py() <= few * len(sample))


def row_groups(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """What belongs into one row group each: a table, or several small ones."""
    small: list[pa.Table] = []
    for table in tables:
        if table.num_rows < OWN_GROUP_ROWS:
            small.append(table)
            continue
        for start in range(0, table.num_rows, ROW_GROUP_ROWS):
            yield [table.slice(start, ROW_GROUP_ROWS)]
    if small:
        yield small


class SegmentFile:
    """A new file, written row group by row group; complete once the block has ended without an error. Entering, adding
    and the end raise Unavailable, and Refused (more than a file can hold).

    Texts get no bounds: those hardly ever keep a row group from being read, and cost a tenth of the writing.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self._path = path
        self._columns = columns
        self._fields = [
            pa.field(field.name, TYPE if _is_dictionary(field, columns) else field.type, field.nullable)
            for field in columns.schema
        ]
        self._groups: list[Group] = []
        self.texts = 0
        """How many events were added as text."""
        self.plain_bytes = 0
        """What the rows will take in memory when they are read."""
        self._rolling = Rolling()

    @property
    def events(self) -> int:
        return self._groups[-1].behind if self._groups else 0

    @property
    def row_groups(self) -> int:
        return len(self._groups)

    @property
    def rollup(self) -> bytes | None:
        """See `rollup.Rollup`."""
        return self._rolling.rollup()

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last timestamp, µs. Something has been added."""
        return min(group.min_us for group in self._groups), max(group.max_us for group in self._groups)

    def __enter__(self) -> Self:
        with _telling(self._path), ExitStack() as stack:
            self._file = stack.enter_context(pa.OSFile(str(self._path), "wb"))
            self._writer = stack.enter_context(
                pq.ParquetWriter(
                    self._file,
                    pa.schema(self._fields),
                    compression="zstd",
                    compression_level=_LEVEL,
                    use_dictionary=sorted(self._columns.repeated),
                    data_page_size=_PAGE_BYTES,
                    write_statistics=[
                        field.name for field in self._columns.schema if not pa.types.is_string(field.type)
                    ],
                    column_encoding=dict.fromkeys(_SORTED, "DELTA_BINARY_PACKED"),
                    store_schema=False,
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        with _telling(self._path), self._stack:
            if kind is None:
                self._file.write(GroupIndex(self._groups).to_bytes())

    def add(self, tables: Sequence[pa.Table]) -> None:
        """A row group of these rows. A table may lack some of the columns, and have any of them as a dictionary."""
        with _telling(self._path):
            group = _together(tables, self._fields)
            stretches = [group.slice(first, _STRETCH_ROWS) for first in range(0, group.num_rows, _STRETCH_ROWS)]
            known = [_known_of(stretch, is_whole=len(stretches) == 1) for stretch in stretches]
            self._rolling.add(group)
            self._writer.write_table(group, row_group_size=max(1, group.num_rows))
        for rows, min_us, max_us, words in known:
            self._groups.append(Group(self.events, rows, min_us, max_us, words))
        self.texts += group.num_rows - group["raw"].null_count
        self.plain_bytes += sum(map(_plain_bytes, group.columns))


def _known_of(stretch: pa.Table, *, is_whole: bool) -> tuple[int, int, int, TokenFilter | None]:
    """Rows, first and last time, and words."""
    times = pc.min_max(stretch["ts"].cast(pa.int64())).as_py()
    return stretch.num_rows, times["min"], times["max"], token_filter_of([stretch], is_whole=is_whole)


def _together(tables: Sequence[pa.Table], fields: Sequence[pa.Field]) -> pa.Table:
    """All rows, with these columns and their types: null where a table lacks one.

    There may be a thousand tables and a thousand columns, of which each table has few: nulls of several tables in a row
    are one stretch, and those of a type are the same bytes.
    """
    starts = list(accumulate((table.num_rows for table in tables), initial=0))
    holders: dict[str, list[int]] = {}
    for place, table in enumerate(tables):
        for name in table.column_names:
            holders.setdefault(name, []).append(place)
    nulls: dict[pa.DataType, pa.Array] = {}
    columns: list[pa.ChunkedArray] = []
    for field in fields:
        chunks: list[pa.Array] = []
        end = 0
        for place in [*holders.get(field.name, ()), len(tables)]:
            if starts[place] > end:
                if field.type not in nulls:
                    nulls[field.type] = pa.nulls(starts[-1], field.type)
                chunks.append(nulls[field.type].slice(0, starts[place] - end))
            if place < len(tables):
                chunks += _as(tables[place][field.name], field).chunks
                end = starts[place + 1]
        columns.append(pa.chunked_array(chunks, field.type))
    return pa.table(columns, pa.schema(fields)).unify_dictionaries()


def _plain_bytes(column: pa.ChunkedArray) -> int:
    """Texts of a dictionary take room each time that they occur, and a null takes that of a number."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return sum(
        chunk.indices.nbytes + (pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() or 0)
        for chunk in column.chunks
    )


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Errors of a block that writes a file, in our words."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"cannot write {path}: {error.strerror or error}", hint="free disk space, or look at the disk"
        ) from error
    except pa.ArrowCapacityError as error:
        raise Refused(f"the events do not fit into a segment: {error}") from error


def _is_dictionary(field: pa.Field, columns: Columns) -> bool:
    return field.name in columns.repeated and pa.types.is_string(field.type)


def _as(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """The same values, as a dictionary or not."""
    if pa.types.is_string(column.type) and pa.types.is_dictionary(field.type):
        return pc.dictionary_encode(column)
    if pa.types.is_dictionary(column.type) and pa.types.is_string(field.type):
        return without_dictionary(column)
    return column
