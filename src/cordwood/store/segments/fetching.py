"""Places of rows → the events themselves, made from the columns of their files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.compose import compose
from cordwood.model.shape import shape_of
from cordwood.store.segments.layout import BASE
from cordwood.store.segments.runs import completed, runs

_REPEATED = ["shape", "level", "service"]

Places: TypeAlias = NDArray[np.int64]


def fetch(rows: Sequence[tuple[str, int]]) -> list[StoredEvent]:
    """The events at these places, path and row number, in the same order. Opens each file once.

    Raises OSError, pa.ArrowException.
    """
    by_file: dict[str, list[int]] = {}
    for place, (path, _) in enumerate(rows):
        by_file.setdefault(path, []).append(place)
    events: list[StoredEvent | None] = [None] * len(rows)
    for path, places in by_file.items():
        wanted = np.array([rows[place][1] for place in places], np.int64)
        order = np.argsort(wanted, kind="stable")
        for place, event in zip(order.tolist(), _of_file(Path(path), wanted[order]), strict=True):
            events[places[place]] = event
    return [event for event in events if event is not None]


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
    return [event for shape, table in runs(base) for event in _events(shape, table)]


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
