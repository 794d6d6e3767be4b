"""Rows as the driver gives them → columns of Arrow. What Arrow has no like of becomes text, spelt by PostgreSQL."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import msgspec
import pyarrow as pa

from cordwood.db.postgres import POSTGRES_EPOCH_US
from cordwood.store.postgres.jsonb import unescaped, unescaped_text
from cordwood.store.selecting import Column

# The driver's own reading of these loses something: months of an interval, times beyond Python's, digits.
_SPELT = (
    *("numeric", "money", "date", "time", "timetz", "interval", "uuid", "json", "jsonb", "inet", "cidr", "macaddr"),
    *("macaddr8", "bit", "varbit", "point", "lseg", "path", "box", "polygon", "line", "circle"),
)
_ARROW = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bytea": pa.binary(),
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamp": pa.timestamp("us"),
}
_SQL_NAMES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
}
_TIMES = ("timestamptz", "timestamp")
_INFINITE = (-(2**63), 2**63 - 1)
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}


async def set_types(connection: asyncpg.Connection) -> None:
    """How values of the answer come. Without a request to the server."""
    for name in _SPELT:
        await connection.set_type_codec(name, schema="pg_catalog", format="text", encoder=str, decoder=str)
    for name in _TIMES:
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            format="tuple",
            encoder=lambda us: (us - POSTGRES_EPOCH_US,),
            decoder=lambda moment: moment[0],
        )


class Columns:
    """The columns of one answer."""

    def __init__(self, attributes: Sequence[asyncpg.Attribute]) -> None:
        self.columns = [Column(attribute.name, _sql_name(attribute.type.name)) for attribute in attributes]
        self._arrow = [_ARROW.get(attribute.type.name, pa.string()) for attribute in attributes]
        self._read = [_reader(attribute.type) for attribute in attributes]
        self._schema = pa.schema(
            [pa.field(column.name, each) for column, each in zip(self.columns, self._arrow, strict=True)]
        )

    def batch(self, rows: Sequence[asyncpg.Record]) -> pa.RecordBatch:
        """Raises ValueError for a moment that Arrow cannot hold."""
        columns = zip(*rows, strict=True) if rows else [()] * len(self.columns)
        arrays = [
            pa.array([None if value is None else read(value) for value in column], each)
            for column, each, read in zip(columns, self._arrow, self._read, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _sql_name(name: str) -> str:
    element = name.removesuffix("[]")
    return _SQL_NAMES.get(element, element) + name[len(element) :]


def _reader(kind: asyncpg.Type) -> Callable[[Any], Any]:
    if kind.name in _TIMES:
        return _moment
    if kind.name in ("json", "jsonb"):
        return _json
    if kind.name == "numeric":
        return _number
    if kind.name in _ARROW:
        return _itself
    if kind.kind in ("scalar", "enum", "domain") and kind.name != "record":
        return _text
    return _nested_in(kind.name.removesuffix("[]"))


def _itself(value: Any) -> Any:
    return value


def _moment(since_2000_us: int) -> int | None:
    """µs since 1970; infinite ones are null. Raises ValueError."""
    if since_2000_us in _INFINITE:
        return None
    at_us = since_2000_us + POSTGRES_EPOCH_US
    if at_us >= 2**63:
        raise ValueError("a moment beyond the year 294246")
    return at_us


def _json(text: str) -> str:
    return unescaped(text.encode()).decode()


def _number(text: str) -> str | None:
    return None if text in _NO_NUMBERS else text


def _text(value: Any) -> str:
    if isinstance(value, bytes):  # of the type "char"
        return value.decode("latin-1")
    return unescaped_text(value if isinstance(value, str) else str(value)) or ""


def _nested_in(element: str) -> Callable[[Any], str]:
    """Arrays, rows and ranges, as JSON."""
    is_json = element in ("json", "jsonb", "numeric")

    def plain(value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case bytes():
                return base64.b64encode(value).decode()
            case asyncpg.Range():
                return _range(value)
            case list() | tuple() | asyncpg.Record():
                return [plain(each) for each in value]
            case str() if is_json:
                return None if value in _NO_NUMBERS else msgspec.Raw(_json(value).encode())
            case _:
                return unescaped_text(str(value))

    return lambda value: msgspec.json.encode(plain(value)).decode()


def _range(value: asyncpg.Range[Any]) -> str:
    if value.isempty:
        return "empty"
    lower, upper = ("" if each is None else str(each) for each in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"
