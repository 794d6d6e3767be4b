"""Tables → token filter: which words of which columns."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from cordwood.store.segments.token_filter import TokenFilter
from cordwood.store.segments.words import Hashes, json_word_hashes, number_hashes, word_hashes

_UNINDEXED = frozenset({"batch_id", "ordinal", "ts", "inserted_at", "shape"})
_SLOTS = 1 << 14


def token_filter_of(tables: Sequence[pa.Table]) -> TokenFilter | None:
    """Of all texts and numbers. None when a word is spelled so that it cannot be told."""
    hashes: list[Hashes] = []
    for table in tables:
        for name in table.column_names:
            if name in _UNINDEXED or pa.types.is_boolean(table.schema.field(name).type):
                continue
            for array in _values(table[name]):
                found = _hashes(name, array)
                if found is None:
                    return None
                hashes.append(_mostly_once(found))
    return TokenFilter.of(hashes, sum(table.num_rows for table in tables))


def _values(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Of what is kept as a dictionary, each value once."""
    if not pa.types.is_dictionary(column.type):
        yield from column.chunks
        return
    seen: pa.Array | None = None
    for chunk in column.chunks:
        if seen is None or not chunk.dictionary.equals(seen):
            seen = chunk.dictionary
            yield seen


def _hashes(name: str, values: pa.Array) -> Hashes | None:
    if values.null_count == len(values):
        return np.zeros(0, np.uint64)
    if not pa.types.is_string(values.type):
        return number_hashes(values)
    if name == "raw" or name.endswith(":json"):
        return json_word_hashes(values)
    return word_hashes(values)


def _mostly_once(hashes: Hashes) -> Hashes:
    """The same without most repetitions: to set bits again costs more than to find that they are set."""
    if len(hashes) < _SLOTS:
        return hashes
    last = np.zeros(_SLOTS, np.uint64)
    slots = (hashes & np.uint64(_SLOTS - 1)).view(np.int64)
    last[slots] = hashes
    return np.concatenate((last, hashes[last[slots] != hashes]))
