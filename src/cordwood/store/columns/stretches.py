"""Stretches of bytes, in compiled loops: their hashes, and whether two are equal. Eight bytes are read at once, so an
array goes on for PADDING bytes behind what counts."""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled, word_at

Bytes = NDArray[np.uint8]

PADDING = 8
_PRIME, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


@compiled
def hash_of(hash_: np.uint64, text: Bytes, start: int, end: int) -> np.uint64:
    """A hash, and what these bytes and their number make of it. Not for files: it may change."""
    hash_ += np.uint64(end - start)
    for place in range(start, end, 8):
        word = word_at(text, place)
        if end - place < 8:
            word <<= np.uint64(64 - 8 * (end - place))
        hash_ = (hash_ ^ word) * _PRIME
        hash_ ^= hash_ >> _HALF
    return hash_


@compiled
def are_equal(text: Bytes, one: int, other: int, size: int) -> bool:
    """Whether the stretches of `size` bytes at these two places are the same."""
    for done in range(0, size, 8):
        difference = word_at(text, one + done) ^ word_at(text, other + done)
        if size - done < 8:
            difference <<= np.uint64(64 - 8 * (size - done))
        if difference != np.uint64(0):
            return False
    return True
