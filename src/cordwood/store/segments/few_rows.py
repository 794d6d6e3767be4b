"""Few rows, as the engine hands them over → events. The same text as `model.compose` makes, value by value: for a
hundred rows of four shapes that takes a fifth of the time."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.compose import ESCAPED, ESCAPES
from cordwood.model.shape import Kind, shape_of

Row: TypeAlias = tuple[Any, ...]
Piece: TypeAlias = tuple[str, Callable[[Any], str], int]
"""What stands in front of a value, how that is spelt, and which column has it."""


def events_of(names: Sequence[str], rows: Sequence[Row]) -> list[StoredEvent]:
    """The events of rows with columns of these names, in their order; times are numbers, µs."""
    places = {name: place for place, name in enumerate(names)}
    batch, ordinal, ts, inserted, level, service = (
        places[name] for name in ("batch_id", "ordinal", "ts", "inserted_at", "level", "service")
    )
    shape, raw = places.get("shape"), places.get("raw")
    spellings: dict[str, tuple[Sequence[Piece], str]] = {}
    events: list[StoredEvent] = []
    for row in _with_numbers_as_text(names, rows):
        outline = None if shape is None else row[shape]
        if outline is None:
            assert raw is not None, "what has no shape is text"
            text = row[raw]
        else:
            if outline not in spellings:
                spellings[outline] = _spelling(outline, places)
            pieces, end = spellings[outline]
            text = "".join([part + spell(row[place]) for part, spell, place in pieces]) + end
        events.append(
            StoredEvent(
                event_id(row[batch], row[ordinal]), row[ts], row[inserted], row[level], row[service], text.encode()
            )
        )
    return events


def _with_numbers_as_text(names: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
    """Numbers with a point as they are spelt elsewhere."""
    floats = [place for place, name in enumerate(names) if name.endswith(":float")]
    if not floats or not rows:
        return rows
    columns = list(zip(*rows, strict=True))
    for place in floats:
        columns[place] = tuple(pa.array(columns[place], pa.float64()).cast(pa.string()).to_pylist())
    return list(zip(*columns, strict=True))


def _spelling(shape: str, places: dict[str, int]) -> tuple[Sequence[Piece], str]:
    parts, slots = shape_of(shape).parts, shape_of(shape).slots
    pieces = [(part, _SPELT[slot.kind], places[slot.column]) for part, slot in zip(parts[:-1], slots, strict=True)]
    return pieces, parts[-1]


def _text(value: str | None) -> str:
    if value is None:
        return "null"
    if ESCAPED.search(value):
        for meant, escape in ESCAPES:
            value = value.replace(meant, escape)
    return f'"{value}"'


def _as_it_is(value: str | int | None) -> str:
    return "null" if value is None else str(value)


def _with_point(text: str | None) -> str:
    if text is None:
        return "null"
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def _truth(value: bool | None) -> str:
    return "null" if value is None else "true" if value else "false"


_SPELT: dict[Kind, Callable[[Any], str]] = {
    "s": _text,
    "i": _as_it_is,
    "f": _as_it_is,
    "d": _with_point,
    "b": _truth,
    "j": _as_it_is,
}
