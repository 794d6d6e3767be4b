"""The rules of `cordwood.model.event` for columns: what `model.derive` says of one event, said of a whole group.

What the usual spellings leave open is asked of `model.derive` itself, line by line. A property test holds the two
together.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.model.derive import Columns, level_of, looks_like_container, service_of
from cordwood.model.event import (
    EPOCH_UNITS,
    LEVEL_NAMES,
    MAX_TIMESTAMP_US,
    MIN_TIMESTAMP_US,
    SERVICE_NAMES,
    TIMESTAMP_NAMES,
)
from cordwood.store.columns.dictionaries import dictionary_of

Times: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_SHORTEST_ISO = 17
"""2026-11-25T00:00Z"""
_MOST_SPELLINGS = 4096
_KINDS = ("str", "int", "float", "bool", "json")


class Derived(Struct, frozen=True):
    """What is known of some events beside their fields: timestamps in µs since 1970 UTC; levels and services, as
    dictionaries where that saves something."""

    timestamps: Times
    levels: pa.Array
    services: pa.Array


def derive_columns(
    columns: Mapping[str, pa.Array], received: Times, exactly: Callable[[Times], Sequence[Columns]]
) -> Derived:
    """Derive from the columns of events of one shape. `received` is each one's time of arrival, `exactly` derives from
    the lines of those with these places."""
    timestamps, has_time = _timestamps(columns, received)
    levels, has_level = _texts(columns, len(received), LEVEL_NAMES, level_of)
    services, has_service = _texts(columns, len(received), SERVICE_NAMES, _service_of)
    unclear = np.flatnonzero(~(has_time & has_level & has_service))
    if not len(unclear):
        return Derived(timestamps, levels, services)
    known = exactly(unclear)
    timestamps[unclear] = [each[0] for each in known]
    return Derived(
        timestamps,
        _replaced(levels, unclear, [each[1] for each in known]),
        _replaced(services, unclear, [each[2] for each in known]),
    )


def _replaced(values: pa.Array, places: Times, by: Sequence[str | None]) -> pa.Array:
    is_replaced = np.zeros(len(values), np.bool_)
    is_replaced[places] = True
    return pc.replace_with_mask(values.cast(pa.string()), pa.array(is_replaced), pa.array(by, pa.string()))


def _present(columns: Mapping[str, pa.Array], names: Sequence[str]) -> list[str]:
    """The columns that these fields have, the one that counts first in front."""
    return [column for name in names for kind in _KINDS if (column := f"{name}:{kind}") in columns]


def _timestamps(columns: Mapping[str, pa.Array], received: Times) -> tuple[Times, Flags]:
    """Timestamps, and which of them are certain."""
    present = _present(columns, TIMESTAMP_NAMES)
    if not present:
        return received.copy(), np.ones(len(received), np.bool_)
    first = present[0]
    if first.endswith(":int"):
        return _epochs(columns[first])
    if first.endswith(":str"):
        return _isos(columns[first])
    return received.copy(), np.zeros(len(received), np.bool_)


def _epochs(values: pa.Array) -> tuple[Times, Flags]:
    """Unix times of the unit that their size tells."""
    whole: Times = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    times = whole // 1000
    for limit, unit_ns in reversed(EPOCH_UNITS):
        if unit_ns >= 1000:
            times = np.where(whole < limit, whole * (unit_ns // 1000), times)
    is_certain = (whole > 0) & (times >= MIN_TIMESTAMP_US) & (times <= MAX_TIMESTAMP_US)
    return times, is_certain


def _isos(values: pa.Array) -> tuple[Times, Flags]:
    """RFC 3339, and what is near it. The engine is quicker with the usual spelling; texts that repeat are read once."""
    # Here, for what it compiles takes 60 MB; whoever has columns has paid for it.
    from cordwood.store.columns.moments import moments_of

    if pa.types.is_dictionary(values.type):
        times, is_certain = moments_of(values.dictionary)
        places = pc.fill_null(values.indices, len(times)).to_numpy(zero_copy_only=False)
        return np.append(times, 0)[places], np.append(is_certain, False)[places]
    shortest = pc.min(pc.binary_length(values)).as_py()
    if shortest is not None and shortest >= _SHORTEST_ISO and pc.all(pc.ends_with(values, "Z")).as_py():
        with contextlib.suppress(pa.ArrowInvalid):
            moments = values.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            # With nulls in it, an array of integers would come out as one of doubles.
            times = pc.fill_null(moments, MIN_TIMESTAMP_US - 1).to_numpy(zero_copy_only=False).copy()
            return times, (times >= MIN_TIMESTAMP_US) & (times <= MAX_TIMESTAMP_US)
    return moments_of(values.cast(pa.string()))


def _texts(
    columns: Mapping[str, pa.Array], rows: int, names: Sequence[str], read: Callable[[str], str | None]
) -> tuple[pa.Array, Flags]:
    """What `read` makes of each event's text, and where that is certain."""
    present = _present(columns, names)
    if not present:
        return pa.nulls(rows, pa.string()), np.ones(rows, np.bool_)
    first = present[0]
    if not first.endswith((":str", ":int")):
        return pa.nulls(rows, pa.string()), np.zeros(rows, np.bool_)
    spelt = columns[first]
    if not pa.types.is_dictionary(spelt.type):
        spelt = pc.dictionary_encode(spelt.cast(pa.string()))
    if len(spelt.dictionary) > _MOST_SPELLINGS:
        return pa.nulls(rows, pa.string()), np.zeros(rows, np.bool_)
    texts = _translated(spelt, read)
    if len(present) == 1 or not texts.null_count:
        return texts, np.ones(rows, np.bool_)
    return texts, texts.is_valid().to_numpy(zero_copy_only=False).copy()


def _translated(spelt: pa.DictionaryArray, read: Callable[[str], str | None]) -> pa.DictionaryArray:
    """What `read` makes of each text: null or a text, each once in the dictionary."""
    numbers: dict[str | None, int] = {None: -1}
    by_spelling = [numbers.setdefault(read(text), len(numbers) - 1) for text in spelt.dictionary.to_pylist()]
    places = pc.fill_null(spelt.indices, len(by_spelling)).to_numpy(zero_copy_only=False)
    meant = [text for text in numbers if text is not None]
    return dictionary_of(np.array([*by_spelling, -1], np.int32)[places], pa.array(meant, pa.string()))


def _service_of(text: str) -> str | None:
    return None if looks_like_container(text) else service_of(text)
