"""Columns whose values are numbers of a dictionary: texts that repeat, each kept once."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

TYPE = pa.dictionary(pa.int32(), pa.string())


def dictionary_of(numbers: NDArray[np.int32], texts: pa.Array) -> pa.DictionaryArray:
    """The text with each of these numbers; null for -1."""
    # Not by `from_arrays`: where pandas happens to be installed, that imports it.
    is_null = numbers < 0
    nulls = int(np.count_nonzero(is_null))
    validity = pa.py_buffer(np.packbits(~is_null, bitorder="little")) if nulls else None
    return pa.DictionaryArray.from_buffers(TYPE, len(numbers), [validity, pa.py_buffer(numbers)], texts, nulls)


def without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values, whether it is one or not."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
