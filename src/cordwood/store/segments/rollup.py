"""A segment's rollup: how many of its events have each hour, level and service.

It lives and dies with the segment's row in the catalog, so that whatever replaces or removes segments keeps the sums
exact (decision 18)."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cordwood.model.search.spans import HOUR_US
from cordwood.store.rollups import Group, Values

Pair: TypeAlias = tuple[str | None, str | None]
"""Level and service."""
Numbers: TypeAlias = NDArray[np.int64]

_MOST_ENTRIES = 4096
_SPARSE = 1 << 20
_HOUR, _PLACE, _COUNT = "<i4", "<u2", "<u4"


class Rollup(msgspec.Struct, frozen=True, array_like=True):
    """Entries side by side, as little-endian integers of the types that are named."""

    pairs: tuple[Pair, ...]
    hours: bytes
    """Since 1970 UTC; of times before it, negative. int32"""
    places: bytes
    """Of an entry's pair in `pairs`. uint16"""
    counts: bytes
    """uint32"""


class _Entries(msgspec.Struct, frozen=True, array_like=True):
    """The same, with pairs that are not decoded: most segments of a store have the same ones."""

    pairs: msgspec.Raw
    hours: bytes
    places: bytes
    counts: bytes


_decoder = msgspec.msgpack.Decoder(Rollup)
_entries_decoder = msgspec.msgpack.Decoder(_Entries)
_pairs_decoder = msgspec.msgpack.Decoder(tuple[Pair, ...])


class Rolling:
    """Add tables; then take the rollup."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str | None, str | None]] = Counter()

    def add(self, table: pa.Table) -> None:
        """Rows with `ts`, `level` and `service`. Beyond so many entries nothing is counted any more."""
        if len(self._counts) > _MOST_ENTRIES:
            return
        times: Numbers = table["ts"].cast(pa.int64()).to_numpy()
        hours = times // HOUR_US
        level_places, levels = _places(table["level"])
        service_places, services = _places(table["service"])
        first = int(hours.min())
        pairs = len(levels) * len(services)
        keys = (hours - first) * pairs + level_places * len(services) + service_places
        if int(keys.max()) < _SPARSE:
            counted = np.bincount(keys)
            found = np.flatnonzero(counted)
            counts = counted[found]
        else:
            found, counts = np.unique(keys, return_counts=True)
        for key, count in zip(found[: _MOST_ENTRIES + 1].tolist(), counts[: _MOST_ENTRIES + 1].tolist(), strict=True):
            hour, pair = divmod(key, pairs)
            self._counts[first + hour, levels[pair // len(services)], services[pair % len(services)]] += count

    def rollup(self) -> bytes | None:
        """None where it would have too many entries: such a segment is read instead."""
        if len(self._counts) > _MOST_ENTRIES:
            return None
        entries = list(self._counts.items())
        # In order: segments with the same pairs are counted together.
        distinct = sorted({(level, service) for (_, level, service), _ in entries}, key=_in_order)
        pairs = {pair: place for place, pair in enumerate(distinct)}
        made = Rollup(
            tuple(pairs),
            _bytes([hour for (hour, _, _), _ in entries], _HOUR),
            _bytes([pairs[level, service] for (_, level, service), _ in entries], _PLACE),
            _bytes([count for _, count in entries], _COUNT),
        )
        return msgspec.msgpack.encode(made)


def entries_of(rollup: bytes) -> dict[tuple[int, str | None, str | None], int]:
    """Events by hour since 1970, level and service. Raises ValueError for bytes that are no rollup."""
    found = _decoder.decode(rollup)
    hours, places, counts = (
        np.frombuffer(each, kind).tolist()
        for each, kind in ((found.hours, _HOUR), (found.places, _PLACE), (found.counts, _COUNT))
    )
    if places and max(places) >= len(found.pairs):
        raise ValueError("an entry has a pair that is not there")
    return {(hour, *found.pairs[place]): count for hour, place, count in zip(hours, places, counts, strict=True)}


def counts_in(
    rollups: Iterable[bytes],
    span_us: int | None,
    values_of: Callable[[Pair], Values],
    is_wanted: Callable[[Pair], bool],
) -> Counter[Group]:
    """Events by the beginning of their span, which is one of whole hours, and values; 0 for a beginning without one."""
    alike: dict[bytes, list[_Entries]] = {}
    for rollup in rollups:
        found = _entries_decoder.decode(rollup)
        alike.setdefault(bytes(found.pairs), []).append(found)
    numbers: dict[Values, int] = {}
    gathered: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint32]]] = []
    for pairs, some in alike.items():
        # Of a pair's values; -1: it is not wanted.
        numbered = [
            numbers.setdefault(values_of(pair), len(numbers)) if is_wanted(pair) else -1
            for pair in _pairs_decoder.decode(pairs)
        ]
        places = np.frombuffer(b"".join([each.places for each in some]), _PLACE)
        hours = np.frombuffer(b"".join([each.hours for each in some]), _HOUR)
        counts = np.frombuffer(b"".join([each.counts for each in some]), _COUNT)
        gathered.append((hours, np.array(numbered, np.int32)[places], counts))
    if not gathered:
        return Counter()
    hours, chosen, counts = (np.concatenate(each) for each in zip(*gathered, strict=True))
    spans = np.zeros_like(hours) if span_us is None else hours // np.int32(span_us // HOUR_US)
    wanted = chosen >= 0
    if not wanted.all():
        spans, chosen, counts = spans[wanted], chosen[wanted], counts[wanted]
    if not len(spans):
        return Counter()
    values, first = list(numbers), int(spans.min())
    keys = (spans - first).astype(np.int64) * len(values) + chosen
    if int(keys.max()) < _SPARSE:
        # Sums of doubles, exact below 2^53.
        sums = np.bincount(keys, counts).astype(np.int64)
        keys = np.flatnonzero(sums)
        totals = sums[keys]
    else:
        keys, where = np.unique(keys, return_inverse=True)
        totals = np.zeros(len(keys), np.int64)
        np.add.at(totals, where, counts)
    split = [((first + key // len(values)) * (span_us or 0), values[key % len(values)]) for key in keys.tolist()]
    return Counter(dict(zip(split, totals.tolist(), strict=True)))


def _places(column: pa.ChunkedArray) -> tuple[Numbers, list[str | None]]:
    """Values as places in a list of each once, and None."""
    whole = column.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(column.type) else column
    if not pa.types.is_dictionary(whole.type):
        whole = pc.dictionary_encode(whole).combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    texts: list[str | None] = whole.dictionary.to_pylist()
    places: NDArray[np.int32] = pc.fill_null(whole.indices, len(texts)).to_numpy(zero_copy_only=False)
    return places.astype(np.int64), [*texts, None]


def _in_order(pair: Pair) -> tuple[bool, str, bool, str]:
    level, service = pair
    return level is None, level or "", service is None, service or ""


def _bytes(numbers: list[int], kind: str) -> bytes:
    return np.array(numbers, kind).tobytes()
