"""Parquet files → events, in bounded memory: our own files give back theirs, any other one its rows."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import count, islice, repeat

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cordwood.client.batches import Batch
from cordwood.client.exported import timed
from cordwood.client.source import Read, Refusal
from cordwood.errors import Corrupt
from cordwood.model.compose import composed

_BLOCK_ROWS = 2048
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "384MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
# Text, not the driver's own objects: those know no nanoseconds, and no zone without a further library.
_ISO = "strftime(make_timestamp(epoch_us({0})), '%Y-%m-%dT%H:%M:%S.%fZ')"
# Not by %n: it writes what is no text (DuckDB 2.0).
_NS = "((epoch_ns({0}) % 1000 + 1000) % 1000)"
_ISO_NS = (
    "strftime(make_timestamp((epoch_ns({0}) - " + _NS + ") // 1000), '%Y-%m-%dT%H:%M:%S.%f')"
    " || lpad(" + _NS + "::VARCHAR, 3, '0') || 'Z'"
)
_AS_TEXT = {
    "TIMESTAMP": _ISO,
    "TIMESTAMP WITH TIME ZONE": _ISO,
    "TIMESTAMP_S": _ISO,
    "TIMESTAMP_MS": _ISO,
    "TIMESTAMP_NS": _ISO_NS,
    "DATE": "strftime({0}, '%Y-%m-%d')",
}
_encoder = msgspec.json.Encoder(decimal_format="number")


def ours(columns: Sequence[str]) -> tuple[str, str] | None:
    """The columns of a file of our own that hold an event's JSON and its timestamp; None for any other file.

    Known are segments as they were before events had columns, and exports (docs/moving.md); further columns do not
    matter.
    """
    if is_segment(columns):
        return None
    for identifying, event, timestamp in (
        ({"batch_id", "ordinal", "ts", "inserted_at", "raw"}, "raw", "ts"),
        ({"id", "timestamp", "inserted_at", "level", "service", "data"}, "data", "timestamp"),
    ):
        if identifying <= set(columns):
            return event, timestamp
    return None


def events_of(path: str) -> Iterator[Read]:
    """Its events, with rows for lines, from 1. Raises Corrupt when it is damaged, after all that could be read."""
    with contextlib.suppress(OSError, pa.ArrowException), pq.ParquetFile(path) as file:
        if is_segment(file.schema_arrow.names):
            yield from _of_segment(path, file)
            return
    connection = duckdb.connect(config=_CONFIG)
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL preserve_insertion_order = true")
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet($1)", [_literal(path)]).fetchall()
        types = {str(row[0]): str(row[1]) for row in described}
        own = ours(list(types))
        chosen = [_selected(name, kind) for name, kind in types.items()]
        if own is not None:
            chosen = [_quoted(own[0]), _ISO.format(_quoted(own[1]))]
        connection.execute(f"SELECT {', '.join(chosen)} FROM read_parquet($1)", [_literal(path)])
        numbers = count(1)
        while rows := connection.fetchmany(_BLOCK_ROWS):
            places = list(zip(repeat(path), islice(numbers, len(rows))))
            if own is None:
                yield from _of_rows(list(types), rows, places)
            else:
                yield from _of_own(rows, places)
    except duckdb.Error as error:
        raise Corrupt(f"the Parquet file cannot be read: {str(error).partition(chr(10))[0]}") from error
    finally:
        connection.close()


def is_segment(columns: Sequence[str]) -> bool:
    """Whether a file is a segment (docs/reference/segments.md)."""
    return {"batch_id", "ordinal", "ts", "inserted_at", "shape", "raw"} <= set(columns)


def _of_segment(path: str, file: pq.ParquetFile) -> Iterator[Read]:
    numbers = count(1)
    try:
        for rows in file.iter_batches(_BLOCK_ROWS):
            moments = pc.strftime(rows["ts"], "%Y-%m-%dT%H:%M:%SZ").to_pylist()
            yield Batch(timed(composed(rows), moments), list(zip(repeat(path), islice(numbers, len(rows)))))
    except (OSError, pa.ArrowException, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise Corrupt(f"the segment cannot be read: {error}") from error


def _of_own(rows: list[tuple[str, str]], places: list[tuple[str, int]]) -> Iterator[Read]:
    try:
        yield Batch(timed([event.encode() for event, _ in rows], [moment for _, moment in rows]), places)
    except (msgspec.MsgspecError, AttributeError):
        # Not what we wrote: the server will name what is wrong with each.
        kept = [(row[0].encode(), place) for row, place in zip(rows, places, strict=True) if row[0]]
        yield Batch([event.replace(b"\n", b" ") for event, _ in kept], [place for _, place in kept])
        for row, place in zip(rows, places, strict=True):
            if not row[0]:
                yield Refusal(*place, "the row has no event")


def _of_rows(names: list[str], rows: list[tuple[object, ...]], places: list[tuple[str, int]]) -> Iterator[Read]:
    events: list[bytes] = []
    kept: list[tuple[str, int]] = []
    for row, place in zip(rows, places, strict=True):
        try:
            events.append(
                _encoder.encode({name: value for name, value in zip(names, row, strict=True) if value is not None})
            )
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            yield Refusal(*place, f"the row is no JSON object: {error}")
        else:
            kept.append(place)
    yield Batch(events, kept)


def _selected(name: str, kind: str) -> str:
    """A column as it is fetched."""
    column = _quoted(name)
    if kind in _AS_TEXT:
        # What has no place in the calendar (infinity) has a spelling still.
        return f"CASE WHEN isfinite({column}) THEN {_AS_TEXT[kind].format(column)} ELSE {column}::VARCHAR END"
    if kind in ("HUGEINT", "UHUGEINT"):
        return f"{column}::VARCHAR"
    if "WITH TIME ZONE" in kind:
        return f"CAST({column} AS {kind.replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMP')})"
    return column


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: str) -> str:
    """A path that the engine does not take for a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
