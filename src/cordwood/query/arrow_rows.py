"""Rows that pipes made, and events → a stream of Arrow, a block at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cordwood.language.pipes.known import makes_table
from cordwood.language.pipes.types import ColumnType, column_types
from cordwood.model.answer import Row, StoredEvent
from cordwood.model.search.pipes import Pipe
from cordwood.query.arrow_stream import ArrowStream
from cordwood.query.rows import columns_of, encoded

_MOMENT = pa.timestamp("us", "UTC")
_TYPES: dict[ColumnType, pa.DataType] = {
    "whole": pa.int64(),
    "real": pa.float64(),
    "time": _MOMENT,
    "text": pa.string(),
    "truth": pa.bool_(),
    "any": pa.string(),
}
_EVENT: dict[str, tuple[pa.DataType, Callable[[StoredEvent], Any]]] = {
    "id": (pa.string(), lambda event: str(event.id)),
    "timestamp": (_MOMENT, lambda event: event.timestamp_us),
    "inserted_at": (_MOMENT, lambda event: event.inserted_at_us),
    "level": (pa.string(), lambda event: event.level),
    "service": (pa.string(), lambda event: event.service),
    "data": (pa.string(), lambda event: event.data.decode("utf-8", "replace")),
}


class ArrowRows:
    """An Arrow IPC stream, as it grows. The types of its columns depend on the query alone, so that no later row can be
    against them; which columns a pattern of `fields` shows, the first rows tell."""

    def __init__(self, pipes: Sequence[Pipe]) -> None:
        self._known = column_types(pipes)
        self._of_events = [] if any(map(makes_table, pipes)) else list(_EVENT.items())
        self._stream: ArrowStream | None = None
        self._types: dict[str, ColumnType] = {}

    def __call__(self, rows: Sequence[Row]) -> bytes:
        """The bytes of further rows."""
        stream = self._stream or self._begun(columns_of(rows))
        events = [row.event for row in rows if row.event is not None]
        arrays = [pa.array(list(map(get, events)), kind) for _, (kind, get) in self._of_events]
        for name, kind in self._types.items():
            arrays.append(_array(kind, [row.columns.get(name) for row in rows]))
        return stream.add(arrays)

    def end(self) -> bytes:
        """The last bytes; with the names and types if there were no rows."""
        return (self._stream or self._begun([])).end()

    def _begun(self, names: Sequence[str]) -> ArrowStream:
        """Names in the order that rows have; those that no row has, behind."""
        self._types = {name: self._known.get(name, "any") for name in names or self._known}
        own = {name: kind for name, (kind, _) in self._of_events}
        set_by_pipes = [
            (f"columns.{name}" if name in own else name, _TYPES[kind]) for name, kind in self._types.items()
        ]
        self._stream = ArrowStream(pa.schema([*own.items(), *set_by_pipes]))
        return self._stream


def _array(kind: ColumnType, values: Sequence[Any]) -> pa.Array:
    match kind:
        case "time":
            texts = pa.array(values, pa.string())
            return pc.cast(texts, _MOMENT)
        case "text" | "any":
            return pa.array(map(_text, values), pa.string())
        case _:
            return pa.array(values, _TYPES[kind])


def _text(value: Any) -> str | None:
    """A text as it is, anything else in JSON."""
    match value:
        case None:
            return None
        case str():
            return value.encode("utf-8", "replace").decode()
        case _:
            return encoded(value).decode()
