"""Places of rows → the events themselves, made from the columns of their files."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.compose import compose
from cordwood.model.shape import shape_of
from cordwood.store.segments.asking.binding import quoted_name
from cordwood.store.segments.few_rows import events_of
from cordwood.store.segments.layout import BASE
from cordwood.store.segments.runs import completed, runs

_REPEATED = ["shape", "level", "service"]
_FEW_ROWS = 1024
"""Of a file: so many are picked out of its pages, more are taken out of whole row groups."""
_VERY_FEW_ROWS = 512
"""Are made into events one by one."""
_FILES_AT_ONCE = 32
"""In one statement: the engine takes 0.7 MB for each, and plans a thousand of them for seconds."""
_PLACED = ["filename", "file_row_number"]
_BASE = ("batch_id", "ordinal", "level", "service")
_PICKED = """
    SELECT {columns}, {times}, filename, file_row_number
    FROM read_parquet($file{file}, filename = true, file_row_number = true, hive_partitioning = false)
    WHERE file_row_number IN (SELECT unnest($rows{file}::BIGINT[]))
"""
_AS_THEY_ARE, _AS_NUMBERS = "ts, inserted_at", "epoch_us(ts) AS ts, epoch_us(inserted_at) AS inserted_at"

Numbers: TypeAlias = NDArray[np.int64]
Place: TypeAlias = tuple[str, int, str | None]
"""The path of a file, the number of a row in it, and the shape of that row."""


class _Wanted(Struct):
    """Rows of a file, and their shapes."""

    numbers: list[int]
    shapes: set[str | None]

    def add(self, number: int, shape: str | None) -> None:
        self.numbers.append(number)
        self.shapes.add(shape)

    @property
    def columns(self) -> str:
        """Those that the events are made of, as SQL: to open any other takes as long as to read one of these."""
        shapes = self.shapes - {None}
        slots = {slot.column for shape in shapes if shape is not None for slot in shape_of(shape).slots}
        texts = ["raw"] if None in self.shapes else []
        return ", ".join(map(quoted_name, [*_BASE, *texts, *(["shape"] if shapes else []), *sorted(slots)]))


def fetch(cursor: duckdb.DuckDBPyConnection, places: Sequence[Place], wide: Collection[str]) -> list[StoredEvent]:
    """The events at these places, in the same order. Files that are `wide` have columns of many shapes.

    Raises duckdb.Error, OSError, pa.ArrowException.
    """
    files: dict[str, _Wanted] = {}
    for path, number, shape in places:
        files.setdefault(path, _Wanted([], set())).add(number, shape)
    few = {path: file for path, file in files.items() if len(file.numbers) <= _FEW_ROWS and path not in wide}
    found: dict[tuple[str, int], StoredEvent] = {}
    picked = _picked if sum(len(file.numbers) for file in few.values()) <= _VERY_FEW_ROWS else _picked_as_columns
    for start in range(0, len(few), _FILES_AT_ONCE):
        found |= picked(cursor, dict(islice(few.items(), start, start + _FILES_AT_ONCE)))
    for path in files.keys() - few.keys():
        wanted = sorted(files[path].numbers)
        found |= zip(((path, number) for number in wanted), _of_file(Path(path), np.array(wanted)), strict=True)
    return [found[path, number] for path, number, _ in places]


def _picked(cursor: duckdb.DuckDBPyConnection, files: Mapping[str, _Wanted]) -> dict[tuple[str, int], StoredEvent]:
    """Value by value."""
    cursor.execute(*_picking(files, _AS_NUMBERS))
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    path, number = (names.index(name) for name in _PLACED)
    return {(row[path], row[number]): event for row, event in zip(rows, events_of(names, rows), strict=True)}


def _picked_as_columns(
    cursor: duckdb.DuckDBPyConnection, files: Mapping[str, _Wanted]
) -> dict[tuple[str, int], StoredEvent]:
    """Many rows of one shape at once."""
    sql, values = _picking(files, _AS_THEY_ARE)
    table = cursor.sql(sql, params=values).to_arrow_table()
    placed = list(zip(*(table[name].to_pylist() for name in _PLACED), strict=True))
    found = completed(table.drop_columns(_PLACED))
    # Rows of one shape together: they are written out together.
    order = np.argsort(found["shape"].combine_chunks().dictionary_encode().indices, kind="stable")
    return {
        placed[row]: event for row, event in zip(order.tolist(), _written(found.take(pa.array(order))), strict=True)
    }


def _picking(files: Mapping[str, _Wanted], times: str) -> tuple[str, dict[str, object]]:
    """A statement for all of them, and its values."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for file, (path, wanted) in enumerate(files.items()):
        parts.append(_PICKED.format(file=file, columns=wanted.columns, times=times))
        values |= {f"file{file}": path, f"rows{file}": wanted.numbers}
    return " UNION ALL BY NAME ".join(parts), values


def _of_file(path: Path, wanted: Numbers) -> list[StoredEvent]:
    """Events at ascending row numbers."""
    events: list[StoredEvent] = []
    # As they are in the file: to write out a shape for each of thousands of rows would cost more than all the rest.
    with pq.ParquetFile(path, read_dictionary=_REPEATED) as file:
        start = 0
        for number in range(file.num_row_groups):
            end = start + file.metadata.row_group(number).num_rows
            first, last = np.searchsorted(wanted, (start, end)).tolist()
            if first < last:
                events += _of_row_group(file, number, wanted[first:last] - start)
            start = end
    return events


def _of_row_group(file: pq.ParquetFile, number: int, wanted: Numbers) -> list[StoredEvent]:
    """Only the columns of shapes that are asked for are read."""
    places = pa.array(wanted)
    present = [name for name in BASE.names if name in file.schema_arrow.names]
    base = completed(file.read_row_group(number, present).take(places))
    columns = {
        slot.column
        for shape in base["shape"].unique().to_pylist()
        if shape is not None
        for slot in shape_of(shape).slots
    }
    if columns:
        further = file.read_row_group(number, sorted(columns)).take(places)
        for name in further.column_names:
            base = base.append_column(name, further[name])
    return _written(base)


def _written(table: pa.Table) -> list[StoredEvent]:
    return [event for shape, alike in runs(table) for event in _events(shape, alike)]


def _events(shape: str | None, table: pa.Table) -> list[StoredEvent]:
    if shape is None:
        texts = table["raw"]
    else:
        further = {name: table[name].combine_chunks() for name in table.column_names[len(BASE) :]}
        texts = compose(shape, further, table.num_rows)
    return [
        StoredEvent(event_id(batch_id, ordinal), ts, inserted, level, service, text)
        for batch_id, ordinal, ts, inserted, level, service, text in zip(
            table["batch_id"].to_pylist(),
            table["ordinal"].to_pylist(),
            table["ts"].cast(pa.int64()).to_pylist(),
            table["inserted_at"].cast(pa.int64()).to_pylist(),
            table["level"].to_pylist(),
            table["service"].to_pylist(),
            texts.cast(pa.binary()).to_pylist(),
            strict=True,
        )
    ]
