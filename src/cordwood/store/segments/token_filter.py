"""Which words may be in some rows: a Bloom filter (Bloom 1970) in blocks (Putze, Sanders and Singler 2007)."""

import math
from typing import Self, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.store.segments.words import Hashes

Bits: TypeAlias = NDArray[np.uint64]
"""Blocks of eight lanes."""

LANES, LANE_BITS = 8, 64
BLOCK_BYTES = LANES * LANE_BITS // 8
"""A line of a processor's cache: a word costs one access to memory."""
SPREAD = 0x9E3779B97F4A7C15
LANE_SHIFT, LANE_STEP = 16, 6
"""Where in the spread hash the place in the first lane begins, and how far the next one is."""
_MOST_BLOCKS = 3 << 16
_BYTES_OF_AN_EVENT = 32
"""To begin with: enough for 16 words each that no other event has."""
_BITS_OF_A_WORD = 16
"""At least, and half as many more at most, where there was room enough."""
_64_BITS = (1 << 64) - 1


class TokenFilter(Struct, frozen=True):
    """Tells of words whether some rows may hold them: never no when they do, and seldom yes when they do not: once in
    1,000 times at worst, in 3,000 mostly, unless events have more than 16 words each that no other has."""

    bits: bytes

    @classmethod
    def of(cls, bits: Bits) -> Self:
        """Of bits that were set in `no_bits`: neighbouring blocks are laid over one another while there is room."""
        blocks = len(bits) // LANES
        folds = (_folds(blocks, most) for most in (1, 3))
        wanted = _BITS_OF_A_WORD * _words_in(bits)
        fold = max((each for tried in folds for each in tried if blocks // each * BLOCK_BYTES * 8 >= wanted), default=1)
        return cls(np.bitwise_or.reduce(bits.reshape(blocks // fold, fold, LANES), axis=1).astype("<u8").tobytes())


class ProbedFilter(Struct, frozen=True):
    """The same in files of an earlier release: a power of two of bytes, and bits anywhere in them."""

    bits: bytes
    probes: int

    def may_hold(self, hashes: Hashes) -> bool:
        """Whether the rows may hold all of these words. Kirsch and Mitzenmacher 2006: two hashes make any number."""
        mask = 8 * len(self.bits) - 1
        for found in hashes.tolist():
            step = found >> 32 | 1
            for probe in range(self.probes):
                place = (found + probe * step) & mask
                if not self.bits[place >> 3] >> (place & 7) & 1:
                    return False
        return True


def no_bits(events: int) -> Bits:
    """Room for the words of so many events: three times a power of two of blocks."""
    blocks = 3
    while blocks * BLOCK_BYTES < _BYTES_OF_AN_EVENT * events and blocks < _MOST_BLOCKS:
        blocks *= 2
    return np.zeros(blocks * LANES, np.uint64)


def _folds(blocks: int, odd: int) -> list[int]:
    """By how much so many blocks can be divided: `odd` times a power of two."""
    found = []
    fold = odd
    while blocks % fold == 0:
        found.append(fold)
        fold *= 2
    return found


def _words_in(bits: Bits) -> float:
    """About how many different words have set them."""
    free = 1 - int(np.bitwise_count(bits).sum()) / (LANE_BITS * len(bits))
    return math.inf if free <= 0 else -math.log(free) * LANE_BITS * len(bits) / LANES


def lanes_of(found: int) -> list[int]:
    """The bits of a word in the lanes of its block."""
    spread = found * SPREAD & _64_BITS
    return [1 << (spread >> (LANE_SHIFT + lane * LANE_STEP) & LANE_BITS - 1) for lane in range(LANES)]
