"""Rows that pipes made → bytes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cordwood.model.answer import Row, StoredEvent
from cordwood.model.event import format_timestamp
from cordwood.neutral import neutral_cell
from cordwood.query.answers import event_json

_EVENT = ("id", "timestamp", "inserted_at", "level", "service", "data")


def row_json(row: Row) -> bytes:
    """A row as a JSON object; of an event as it is answered anyway, with what pipes have set under `columns`."""
    columns = encoded(row.columns)
    return columns if row.event is None else event_json(row.event)[:-1] + b',"columns":' + columns + b"}"


def rows_ndjson(rows: Sequence[Row]) -> bytes:
    """Rows, one a line."""
    return b"".join(row_json(row) + b"\n" for row in rows)


def table_json(rows: Sequence[Row], further: Mapping[str, object], *, is_table: bool, is_cut: bool) -> bytes:
    """All of an answer as the inside of a JSON object, open for more members. Rows of events are `events`; `further`
    members are kept with them."""
    name = b"rows" if is_table else b"events"
    head = b'{"columns":' + encoded(columns_of(rows)) + b',"' + name + b'":['
    tail = b"".join(b"," + encoded(member) + b":" + encoded(value) for member, value in further.items())
    return head + b",".join(map(row_json, rows)) + b'],"truncated":' + (b"true" if is_cut else b"false") + tail


def has_unfilled(rows: Sequence[Row]) -> bool:
    """Whether there is a column without a value in any row."""
    left = set(columns_of(rows))
    for row in rows:
        left = {name for name in left if row.columns.get(name) is None}
        if not left:
            break
    return bool(left)


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The names of all columns, in the order in which rows have them."""
    return list(dict.fromkeys(name for row in rows for name in row.columns))


class Csv:
    """Writes rows as CSV (RFC 4180), with a first line of names: those that the first rows have. No cell is one that a
    spreadsheet takes for a formula."""

    def __init__(self) -> None:
        self._names: list[str] | None = None

    def __call__(self, rows: Sequence[Row]) -> bytes:
        """Further lines."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        are_events = any(row.event is not None for row in rows)
        if self._names is None:
            self._names = columns_of(rows)
            writer.writerow([*(_EVENT if are_events else ()), *map(neutral_cell, self._names)])
        for row in rows:
            writer.writerow(
                [
                    *([] if row.event is None else _of_event(row.event)),
                    *(_cell(row.columns.get(name)) for name in self._names),
                ]
            )
        return text.getvalue().encode("utf-8", "replace")


def _of_event(event: StoredEvent) -> list[str]:
    times = format_timestamp(event.timestamp_us), format_timestamp(event.inserted_at_us)
    return [str(event.id), *times, event.level or "", neutral_cell(event.service or ""), event.data.decode()]


def _cell(value: Any) -> str | int | float:
    match value:
        case None:
            return ""
        case bool() | list() | dict():
            return encoded(value).decode()
        case str():
            return neutral_cell(value)
        case int() | float():
            return value
        case _:
            raise AssertionError(f"no value of JSON: {value!r}")


def encoded(value: Any) -> bytes:
    """A value of a row as JSON."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError):
        return json.dumps(value, separators=(",", ":")).encode()  # halves of characters, or numbers beyond 64 bits
