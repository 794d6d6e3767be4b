"""Rows of SQL → JSON, NDJSON, CSV and streams of Arrow, a block at a time."""

import base64
import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from cordwood.errors import BadRequest
from cordwood.neutral import neutral_cell
from cordwood.query.arrow_stream import ArrowStream
from cordwood.store.selecting import Column, Rows

_encoder = msgspec.json.Encoder(decimal_format="number", uuid_format="canonical")


def rows_of(rows: Rows) -> list[list[Any]]:
    """The values of each row, as JSON can say them: times in RFC 3339, `json` as it is, bytes in base64."""
    columns = [_values(column, values) for column, values in zip(rows.columns, rows.batch.columns, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)] if columns else []


def encoded(value: object) -> bytes:
    """JSON; infinite numbers are null. Raises BadRequest for a value that it cannot say."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _unspeakable(error) from error


def ndjson(rows: Rows) -> bytes:
    """An object a line; of columns with the same name the later ones are numbered: `n`, `n_2`."""
    names = distinct([column.name for column in rows.columns])
    return b"".join(encoded(dict(zip(names, row, strict=True))) + b"\n" for row in rows_of(rows))


def csv_lines(rows: Rows, *, with_names: bool) -> bytes:
    """Every cell quoted, and none that a spreadsheet takes for a formula."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, quoting=csv.QUOTE_ALL)
    if with_names:
        lines.writerow([neutral_cell(column.name) for column in rows.columns])
    lines.writerows([_cell(value) for value in row] for row in rows_of(rows))
    return text.getvalue().encode("utf-8", "replace")


def arrow_stream(first: Rows) -> ArrowStream:
    """A stream of rows like these."""
    names = distinct([column.name for column in first.columns])
    fields = [pa.field(name, field.type) for name, field in zip(names, first.batch.schema, strict=True)]
    return ArrowStream(pa.schema(fields))


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, those that repeat numbered."""
    found: dict[str, None] = {}
    for name in names:
        unique, number = name, 2
        while unique in found:
            unique, number = f"{name}_{number}", number + 1
        found[unique] = None
    return list(found)


def _values(column: Column, values: pa.Array) -> list[Any]:
    try:
        if pa.types.is_timestamp(values.type):
            # Not by way of Python's own times, which end with the year 9999.
            values = pc.replace_substring(values.cast(pa.string()), " ", "T")
        elif pa.types.is_temporal(values.type) and not pa.types.is_interval(values.type):
            values = values.cast(pa.string())
        listed: list[Any] = values.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise _unspeakable(error) from error
    if _is_json(column, values):
        return [None if value is None else msgspec.Raw(value.encode()) for value in listed]
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return [None if value is None else base64.b64encode(value).decode() for value in listed]
    return listed


def _is_json(column: Column, values: pa.Array) -> bool:
    """A text that is JSON already; so stores tell what Arrow has no like of."""
    return pa.types.is_string(values.type) and (
        column.type in ("json", "jsonb", "numeric", "record") or column.type.endswith(("[]", "range"))
    )


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return neutral_cell(value)
        case msgspec.Raw():
            return neutral_cell(bytes(value).decode())
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return neutral_cell(encoded(value).decode())


def _unspeakable(error: Exception) -> BadRequest:
    return BadRequest(f"a value of the answer cannot be written: {error}", hint="cast it to VARCHAR in the question")
