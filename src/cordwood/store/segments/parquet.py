"""Tables → a Parquet file, with the encodings that fit what is in it, and a filter of its words."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cordwood.errors import Refused, Unavailable
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
        groups = [_with_dictionaries(table, repeated) for table in _row_groups(tables, schema)]
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


def _row_groups(tables: Sequence[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows; small tables together, with null where one lacks a column."""
    small: list[pa.Table] = []
    for table in tables:
        whole = _with_all(table, schema)
        if table.num_rows >= _OWN_GROUP_ROWS:
            yield whole
        else:
            small.append(whole)
    if small:
        yield pa.concat_tables(small)


def _with_all(table: pa.Table, schema: pa.Schema) -> pa.Table:
    present = set(table.column_names)
    columns = [table[field.name] if field.name in present else pa.nulls(table.num_rows, field.type) for field in schema]
    return pa.table(columns, schema)


def _with_dictionaries(table: pa.Table, repeated: Sequence[str]) -> pa.Table:
    """Texts that repeat, each once: the file keeps them so, and the filter wants no more."""
    for name in repeated:
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        if pa.types.is_string(field.type):
            encoded = pc.dictionary_encode(table[name])
            table = table.set_column(place, pa.field(name, encoded.type, field.nullable), encoded)
    return table


def _is_repeated(name: str, tables: Sequence[pa.Table]) -> bool:
    """Whether a dictionary is worth it: a sample of the largest table tells."""
    holding = [table for table in tables if name in table.column_names]
    sample = max(holding, key=lambda table: table.num_rows)[name].slice(0, _SAMPLE_ROWS)
    return bool(pc.count_distinct(sample).as_py() <= _FEW_VALUES * len(sample))
