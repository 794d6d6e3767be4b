"""Segments → the relation `logs`: the columns of every event, and those of fields that a question names."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import duckdb
import pyarrow as pa

from cordwood.model.compose import compose, shape_runs
from cordwood.model.event import MESSAGE_NAMES
from cordwood.model.shape import shape_of
from cordwood.store.segments.asking.binding import quoted_name
from cordwood.store.segments.asking.places import pointers
from cordwood.store.segments.sql.checking import RELATION
from cordwood.store.segments.sql.job import File, Job

COLUMNS = ("id", "timestamp", "ts", "inserted_at", "level", "service", "message", "data")
_SQL_TYPES = {"str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "json": "VARCHAR"}
_KINDS = (*_SQL_TYPES,)
# Of JSON in events kept as text; a whole number beyond 64 bits is a double.
_KIND_IN_TEXT = """
    CASE json_type(raw, '{0}')
        WHEN 'VARCHAR' THEN 'str' WHEN 'DOUBLE' THEN 'float' WHEN 'BOOLEAN' THEN 'bool' WHEN 'BIGINT' THEN 'int'
        WHEN 'UBIGINT' THEN
            CASE WHEN TRY_CAST(json_extract_string(raw, '{0}') AS BIGINT) IS NULL THEN 'float' ELSE 'int' END
        WHEN 'ARRAY' THEN 'json' WHEN 'OBJECT' THEN 'json'
    END
"""


def make_view(connection: duckdb.DuckDBPyConnection, job: Job, names: Sequence[str]) -> None:
    """Make `logs` of a job's files, with columns for fields of these names."""
    fields = [name for name in names if name.lower() not in (*COLUMNS, RELATION)]
    fields = list({name.lower(): name for name in fields}.values())
    types = _types(connection, job, fields)

    def alike(file: File) -> tuple[bool, bool, Sequence[str]]:
        return file.has_texts, file.has_shapes, file.columns

    parts = [_nothing(fields, types)]
    # One part for files with the same columns: each could be read alone, but planning a thousand parts takes seconds.
    for number, (_, group) in enumerate(groupby(sorted(job.files, key=alike), key=alike)):
        parts.append(_part(connection, job, list(group), fields, types, number))
    # Only of values that are ours: names are quoted, times are numbers.
    connection.execute(f"CREATE VIEW {RELATION} AS {' UNION ALL '.join(parts)}")


def _part(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    files: Sequence[File],
    fields: Sequence[str],
    types: dict[str, str],
    number: int,
) -> str:
    like = files[0]
    columns = [
        "(left(batch_id::VARCHAR, 28) || lower(lpad(to_hex(ordinal), 8, '0')))::UUID AS id",
        *("ts AS timestamp", "ts", "inserted_at", "level", "service"),
        f"{_message(like)} AS message",
        f"{_data(connection, like, number)}::JSON AS data",
        *(f"{_value(name, types[name], like)} AS {quoted_name(name)}" for name in fields),
    ]
    return f"SELECT {', '.join(columns)} FROM {_source(job, files)}"


def _nothing(fields: Sequence[str], types: dict[str, str]) -> str:
    """The columns of a relation without rows: there may be no file."""
    base = ["UUID", *["TIMESTAMPTZ"] * 3, "VARCHAR", "VARCHAR", "VARCHAR", "JSON"]
    columns = [f"NULL::{kind} AS {name}" for kind, name in zip(base, COLUMNS, strict=True)]
    columns += [f"NULL::{types[name]} AS {quoted_name(name)}" for name in fields]
    return f"SELECT {', '.join(columns)} WHERE false"


def _source(job: Job, files: Sequence[File]) -> str:
    paths = ", ".join(_text(file.path) for file in files)
    bounds = [
        f"ts {sign} make_timestamptz({at}::BIGINT)"
        for sign, at in ((">=", job.start_us), ("<", job.end_us))
        if at is not None
    ]
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"(FROM read_parquet([{paths}], hive_partitioning = false, union_by_name = true){where})"


def _message(file: File) -> str:
    """As `model.event.message_of` finds it."""
    ways = [
        f"nullif({quoted_name(f'{name}:{kind}')}::VARCHAR, '')"
        for name in MESSAGE_NAMES
        for kind in _KINDS
        if kind != "json" and f"{name}:{kind}" in file.columns
    ]
    if file.has_texts:
        ways += [
            f"CASE WHEN json_type(raw, '/{name}') NOT IN ('ARRAY', 'OBJECT') "
            f"THEN nullif(json_extract_string(raw, '/{name}'), '') END"
            for name in MESSAGE_NAMES
        ]
    return f"coalesce({', '.join([*ways, 'NULL::VARCHAR'])})"


def _value(name: str, type_: str, file: File) -> str:
    """A field's value as the type that it has in the whole relation."""
    ways = [f"{quoted_name(f'{name}:{kind}')}::{type_}" for kind in _KINDS if f"{name}:{kind}" in file.columns]
    if file.has_texts:
        ways += [f"TRY_CAST(json_extract_string(raw, {_text(way)}) AS {type_})" for way in pointers(name)]
    return f"coalesce({', '.join([*ways, f'NULL::{type_}'])})"


def _types(connection: duckdb.DuckDBPyConnection, job: Job, fields: Sequence[str]) -> dict[str, str]:
    """The narrowest type for all values of each field: of columns their names tell it, texts are looked through."""
    kinds: dict[str, set[str]] = {
        name: {kind for file in job.files for kind in _KINDS if f"{name}:{kind}" in file.columns} for name in fields
    }
    texts = [file for file in job.files if file.has_texts]
    for name in fields if texts else ():
        found = "UNION ALL ".join(
            f"SELECT DISTINCT {_KIND_IN_TEXT.format(way.replace(chr(39), chr(39) * 2))} FROM {_source(job, texts)} "
            for way in pointers(name)
        )
        kinds[name].update(kind for (kind,) in connection.execute(found).fetchall() if kind is not None)
    return {name: _type_of(kinds[name]) for name in fields}


def _type_of(kinds: set[str]) -> str:
    if kinds == {"int", "float"}:
        return "DOUBLE"
    return _SQL_TYPES[next(iter(kinds))] if len(kinds) == 1 else "VARCHAR"


def _data(connection: duckdb.DuckDBPyConnection, file: File, number: int) -> str:
    """The event's own JSON."""
    if not file.has_shapes:
        return "raw"
    names = ["shape", "raw", *file.columns]
    kinds = ["VARCHAR", "VARCHAR", *(_SQL_TYPES[name.rpartition(":")[2]] for name in file.columns)]
    function = f"cordwood_data_{number}"
    # Of positions, not names: those of columns may differ in case only.
    struct = duckdb.struct_type({f"c{place}": kind for place, kind in enumerate(kinds)})
    connection.create_function(  # type: ignore[call-overload]  # it takes names, its types know only its own enums
        function,
        lambda rows: _events(rows, names),
        [struct],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )
    values = ", ".join(f"c{place} := {quoted_name(name)}" for place, name in enumerate(names))
    return f"{function}(struct_pack({values}))"


def _events(rows: pa.Array | pa.ChunkedArray, names: Sequence[str]) -> pa.Array:
    """The JSON of events, in their order."""
    whole = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    batch = pa.RecordBatch.from_arrays(whole.flatten(), names)
    texts: list[pa.Array] = []
    for start, end, shape in shape_runs(batch["shape"]):
        run = batch.slice(start, end - start)
        if shape is None:
            texts.append(run["raw"])
        else:
            texts.append(compose(shape, {slot.column: run[slot.column] for slot in shape_of(shape).slots}, end - start))
    return pa.concat_arrays(texts) if texts else pa.array([], pa.string())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def paths_of(files: Iterable[File]) -> list[str]:
    """Every file that the relation is made of."""
    return [file.path for file in files]
