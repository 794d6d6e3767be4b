"""The rows of a segment file, cut where the shape changes: each run has only the columns of its shape."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cordwood.model.compose import shape_runs
from cordwood.model.shape import shape_of
from cordwood.store.segments.layout import BASE, field_of
from cordwood.store.segments.tables import FEW_EVENTS


def runs_of(path: Path) -> Iterator[tuple[str | None, pa.Table]]:
    """All rows of a file by shape, one row group in memory at a time; None is the shape of events kept as text.

    Raises OSError, pa.ArrowException.
    """
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield from runs(completed(file.read_row_group(number)))


def completed(table: pa.Table) -> pa.Table:
    """The rows with all columns of `layout.BASE` in front: files of an earlier release have no shapes."""
    present = set(table.column_names)
    columns = [
        table[field.name].cast(field.type) if field.name in present else pa.nulls(table.num_rows, field.type)
        for field in BASE
    ]
    further = [name for name in table.column_names if name not in BASE.names]
    schema = pa.schema([*BASE, *map(field_of, further)])
    return pa.table([*columns, *(table[name] for name in further)], schema)


def runs(table: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The same rows, a table for each stretch of one shape."""
    for start, end, shape in shape_runs(table["shape"].combine_chunks()):
        further = [] if shape is None else [slot.column for slot in shape_of(shape).slots]
        yield shape, table.select([*BASE.names, *further]).slice(start, end - start)


def typed(texts: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """Events kept as text, taken apart where enough of them are alike; what was derived stays as it is."""
    if texts.num_rows < FEW_EVENTS:
        yield None, texts
        return
    nothing, newline = pa.scalar("", pa.large_string()), pa.scalar("\n", pa.large_string())
    lines = pc.binary_join_element_wise(texts["raw"].cast(pa.large_string()), nothing, newline)
    whole = lines.combine_chunks()
    body = whole.buffers()[2]
    offsets = np.frombuffer(whole.buffers()[1], np.int64, len(whole) + 1, whole.offset * 8)
    # Here, for what it compiles takes 60 MB, and a store that stays small never needs it.
    from cordwood.store.columns.shred import shred

    shredded = shred(body.to_pybytes()[offsets[0] : offsets[-1]])
    for group in shredded.groups:
        base = texts.take(pa.array(group.rows))
        shape = pa.repeat(pa.scalar(group.shape), len(group.rows))
        kept = base.set_column(6, BASE.field("shape"), shape).set_column(
            7, BASE.field("raw"), pa.nulls(len(group.rows), pa.string())
        )
        for name, column in group.columns.items():
            kept = kept.append_column(field_of(name), column.cast(field_of(name).type))
        yield group.shape, kept
    if len(shredded.rest):
        yield None, texts.take(pa.array(shredded.rest))
