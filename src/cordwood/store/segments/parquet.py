"""Tables → a Parquet file, with the encodings that fit what is in it, and a filter of its words."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cordwood.errors import Refused, Unavailable
from cordwood.store.columns.dictionaries import TYPE, without_dictionary
from cordwood.store.segments.indexing import token_filter_of
from cordwood.store.segments.layout import BASE, field_of

ROW_GROUP_ROWS = 65_536
_OWN_GROUP_ROWS = 8_192
"""Tables smaller than this share a row group."""
_SAMPLE_ROWS = 2_000
_FEW_VALUES = 0.5
_LEVEL = 1
_SORTED = ("ordinal", "ts")
"""Columns of numbers that mostly rise."""
_REPEATED = ("batch_id", "inserted_at", "level", "shape")
"""Columns of few values, whatever the events are."""


def schema_of(tables: Sequence[pa.Table]) -> pa.Schema:
    """The columns of a file that holds all these rows."""
    further = {name for table in tables for name in table.column_names} - set(BASE.names)
    return pa.schema([*BASE, *map(field_of, sorted(further))])


def write_parquet(path: Path, tables: Sequence[pa.Table]) -> pa.Schema:
    """Write a new file. Raises Unavailable, Refused (more than a file can hold).

    Texts get no bounds: those hardly ever keep a row group from being read, and cost a tenth of the writing.
    """
    schema = schema_of(tables)
    guessed = [name for name in schema.names if name not in _SORTED + _REPEATED]
    repeated = [*_REPEATED, *(name for name in guessed if _is_repeated(name, tables))]
    try:
        groups = list(_row_groups([_spelt(table, schema, frozenset(repeated)) for table in tables]))
        words = token_filter_of(groups)
        with (
            pa.OSFile(str(path), "wb") as file,
            pq.ParquetWriter(
                file,
                groups[0].schema,
                compression="zstd",
                compression_level=_LEVEL,
                use_dictionary=repeated,
                write_statistics=[field.name for field in schema if not pa.types.is_string(field.type)],
                column_encoding=dict.fromkeys(_SORTED, "DELTA_BINARY_PACKED"),
                store_schema=False,
            ) as writer,
        ):
            if words is not None:
                file.write(words.to_bytes())
            for table in groups:
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
    except OSError as error:
        raise Unavailable(
            f"cannot write {path}: {error.strerror or error}", hint="free disk space, or look at the disk"
        ) from error
    except pa.ArrowCapacityError as error:
        raise Refused(f"the events do not fit into a segment: {error}") from error
    return schema


def _row_groups(tables: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, of tables with the same columns; small ones together."""
    small: list[pa.Table] = []
    for table in tables:
        if table.num_rows >= _OWN_GROUP_ROWS:
            yield table.unify_dictionaries()
        else:
            small.append(table)
    if small:
        yield pa.concat_tables(small).unify_dictionaries()


def _spelt(table: pa.Table, schema: pa.Schema, repeated: frozenset[str]) -> pa.Table:
    """The same rows with all columns, null where it lacks one; texts that repeat as dictionaries, and no others: the
    file keeps them so, and the filter wants no more."""
    present = set(table.column_names)
    columns = [
        _as_text(table[field.name], is_repeated=field.name in repeated)
        if field.name in present
        else pa.nulls(table.num_rows, _type_of(field, is_repeated=field.name in repeated))
        for field in schema
    ]
    fields = [
        pa.field(field.name, _type_of(field, is_repeated=field.name in repeated), field.nullable) for field in schema
    ]
    return pa.table(columns, pa.schema(fields))


def _type_of(field: pa.Field, *, is_repeated: bool) -> pa.DataType:
    return TYPE if is_repeated and pa.types.is_string(field.type) else field.type


def _as_text(column: pa.ChunkedArray, *, is_repeated: bool) -> pa.ChunkedArray:
    if pa.types.is_string(column.type) and is_repeated:
        return pc.dictionary_encode(column)
    if pa.types.is_dictionary(column.type) and not is_repeated:
        return without_dictionary(column)
    return column


def _is_repeated(name: str, tables: Sequence[pa.Table]) -> bool:
    """Whether a dictionary is worth it: the largest table, or a sample of it, tells."""
    holding = [table for table in tables if name in table.column_names]
    column = max(holding, key=lambda table: table.num_rows)[name]
    if pa.types.is_dictionary(column.type):
        return True
    sample = column.slice(0, _SAMPLE_ROWS)
    return bool(pc.count_distinct(sample).as_py() <= _FEW_VALUES * len(sample))
