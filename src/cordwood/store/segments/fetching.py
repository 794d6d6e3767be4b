"""Places of rows → the events themselves, made from the columns of their files."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.compose import compose
from cordwood.model.shape import shape_of
from cordwood.store.segments.few_rows import GIVEN, Row, events_of
from cordwood.store.segments.layout import BASE
from cordwood.store.segments.runs import completed, runs

_REPEATED = ["shape", "level", "service"]
_FEW_ROWS = 1024
"""Of a file: so many are picked out of its pages, more are taken out of whole row groups."""
_VERY_FEW_ROWS = 512
"""Are made into events one by one."""
_FILES_AT_ONCE = 32
"""In one statement: the engine takes 0.7 MB for each, and plans a thousand of them for seconds."""
_PLACES = ["filename", "file_row_number"]
_PICKED = """
    SELECT {1}
    FROM read_parquet($file{0}, filename = true, file_row_number = true, hive_partitioning = false)
    WHERE file_row_number IN (SELECT unnest($rows{0}::BIGINT[]))
"""

Places: TypeAlias = NDArray[np.int64]
Place: TypeAlias = tuple[str, int]
"""The path of a file, and the number of a row in it."""


def fetch(cursor: duckdb.DuckDBPyConnection, rows: Sequence[Place], wide: Collection[str]) -> list[StoredEvent]:
    """The events at these places, in the same order. Files that are `wide` have columns of many shapes.

    Raises duckdb.Error, OSError, pa.ArrowException.
    """
    numbers: dict[str, list[int]] = {}
    for path, number in rows:
        numbers.setdefault(path, []).append(number)
    few = {path: wanted for path, wanted in numbers.items() if len(wanted) <= _FEW_ROWS and path not in wide}
    found: dict[Place, StoredEvent] = {}
    picked = _picked if sum(map(len, few.values())) <= _VERY_FEW_ROWS else _picked_as_columns
    for start in range(0, len(few), _FILES_AT_ONCE):
        found |= picked(cursor, dict(islice(few.items(), start, start + _FILES_AT_ONCE)))
    for path in numbers.keys() - few.keys():
        wanted = sorted(numbers[path])
        found |= zip(((path, number) for number in wanted), _of_file(Path(path), np.array(wanted)), strict=True)
    return [found[place] for place in rows]


def written(cursor: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object]) -> list[StoredEvent]:
    """The events of a statement, in its order, which gives what `few_rows` expects. Raises as `fetch`."""
    _, _, events = _asked(cursor, sql, values)
    return events


def _picked(cursor: duckdb.DuckDBPyConnection, numbers: Mapping[str, Sequence[int]]) -> dict[Place, StoredEvent]:
    """Value by value."""
    names, rows, events = _asked(cursor, *_picking(numbers, GIVEN))
    path, number = (names.index(name) for name in _PLACES)
    return {(row[path], row[number]): event for row, event in zip(rows, events, strict=True)}


def _asked(
    cursor: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object]
) -> tuple[Sequence[str], Sequence[Row], list[StoredEvent]]:
    """Names of columns, rows, and the events that these are."""
    cursor.execute(sql, dict(values))
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    return names, rows, events_of(names, rows)


def _picking(numbers: Mapping[str, Sequence[int]], columns: str) -> tuple[str, dict[str, object]]:
    """With all columns of the files, which is quicker than to ask first which columns there are to ask for."""
    sql = " UNION ALL BY NAME ".join(_PICKED.format(file, columns) for file in range(len(numbers)))
    values: dict[str, object] = {f"file{file}": path for file, path in enumerate(numbers)}
    return sql, values | {f"rows{file}": wanted for file, wanted in enumerate(numbers.values())}


def _picked_as_columns(
    cursor: duckdb.DuckDBPyConnection, numbers: Mapping[str, Sequence[int]]
) -> dict[Place, StoredEvent]:
    """Many rows of one shape at once."""
    sql, values = _picking(numbers, "*")
    found = cursor.sql(sql, params=values).to_arrow_table()
    places = list(zip(*(found[name].to_pylist() for name in _PLACES), strict=True))
    # Rows of one shape together: they are written out together.
    order = np.argsort(found["shape"].combine_chunks().dictionary_encode().indices, kind="stable")
    events = _written(completed(found.drop_columns(_PLACES).take(pa.array(order))))
    return {places[row]: event for row, event in zip(order.tolist(), events, strict=True)}


def _of_file(path: Path, wanted: Places) -> list[StoredEvent]:
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


def _of_row_group(file: pq.ParquetFile, number: int, wanted: Places) -> list[StoredEvent]:
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
