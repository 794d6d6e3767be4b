"""Stretches of bytes: their hashes, and whether two are equal; compiled, eight bytes at a time.

What is hashed or compared goes on for PADDING bytes behind what counts. Not for files: a hash may change.
"""

import numpy as np

from cordwood.compiled import compiled, word_at
from cordwood.patterns.looks import Bytes

PADDING = 8
_PRIME, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


@compiled
def hash_of(text: Bytes, start: int, end: int) -> np.uint64:
    """Of these bytes; never 0."""
    hash_ = np.uint64(end - start) * _PRIME
    for place in range(start, end, 8):
        word = word_at(text, place)
        if end - place < 8:
            word <<= np.uint64(64 - 8 * (end - place))
        hash_ = (hash_ ^ word) * _PRIME
        hash_ ^= hash_ >> _HALF
    return hash_ | np.uint64(1)


@compiled
def are_equal(text: Bytes, one: int, others: Bytes, other: int, size: int) -> bool:
    """Whether the `size` bytes at a place of a text are those at a place of another."""
    for done in range(0, size, 8):
        difference = word_at(text, one + done) ^ word_at(others, other + done)
        if size - done < 8:
            difference <<= np.uint64(64 - 8 * (size - done))
        if difference != np.uint64(0):
            return False
    return True
