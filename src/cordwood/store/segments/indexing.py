"""Tables → token filter: which words of which columns."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from cordwood.store.segments.token_filter import Bits, TokenFilter, no_bits

_UNINDEXED = frozenset({"batch_id", "ordinal", "ts", "inserted_at", "shape"})


def token_filter_of(tables: Sequence[pa.Table], *, is_whole: bool = True) -> TokenFilter | None:
    """Of all texts and numbers. None when a word is spelled so that it cannot be told. Tables that are not whole may
    have values in their dictionaries that none of their rows has."""
    bits = no_bits(sum(table.num_rows for table in tables))
    for table in tables:
        for name in table.column_names:
            if name in _UNINDEXED or pa.types.is_boolean(table.schema.field(name).type):
                continue
            for values in _values(table[name]) if is_whole else _used_values(table[name]):
                if values.null_count < len(values) and not _set_bits(name, values, bits):
                    return None
    return TokenFilter.of(bits)


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


def _used_values(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """The same of a stretch of a larger column."""
    for chunk in column.chunks:
        is_dictionary = pa.types.is_dictionary(chunk.type)
        yield chunk.dictionary.take(chunk.indices.unique().drop_null()) if is_dictionary else chunk


def _set_bits(name: str, values: pa.Array, bits: Bits) -> bool:
    # Here, as only what writes files is to pay for the compiler: 66 MB and 0.3 s.
    from cordwood.store.segments.word_bits import set_json_words, set_numbers, set_words

    if not pa.types.is_string(values.type):
        set_numbers(values, bits)
    elif name == "raw" or name.endswith(":json"):
        return set_json_words(values, bits)
    else:
        set_words(values, bits)
    return True
