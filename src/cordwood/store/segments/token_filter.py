"""Which words may be in a row group: a Bloom filter (Bloom 1970)."""

from typing import Self, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.store.segments.words import Hashes

Bits: TypeAlias = NDArray[np.uint8]
"""A power of two of bytes; the lowest bit of a byte first."""

PROBES = 3
_LEAST_BYTES = 1 << 6
_MOST_LOG = 24
"""Of its size in bytes."""
_BYTES_OF_AN_EVENT = 8
"""To begin with; then halves are laid over one another until a third of the bits are set."""
_FOLDED_SHARE = 0.12


class TokenFilter(Struct, frozen=True):
    """Says of words whether a row group may hold them: never no when it does, and seldom yes when it does not (1 in 25
    at worst, 1 in 100 mostly)."""

    bits: bytes
    probes: int = PROBES

    @classmethod
    def of(cls, bits: Bits) -> Self:
        """Of bits that were set in `no_bits`: halves are laid over one another as long as few are set."""
        while len(bits) > _LEAST_BYTES and np.bitwise_count(bits).sum() <= _FOLDED_SHARE * 8 * len(bits):
            half = len(bits) // 2
            bits = bits[:half] | bits[half:]
        return cls(bits.tobytes())

    def may_hold(self, hashes: Hashes) -> bool:
        """Whether the row group may hold all of these: few words, of many row groups, so without making arrays.

        Kirsch and Mitzenmacher 2006: two hashes make any number.
        """
        mask = 8 * len(self.bits) - 1
        for found in hashes.tolist():
            step = found >> 32 | 1
            for probe in range(self.probes):
                place = (found + probe * step) & mask
                if not self.bits[place >> 3] >> (place & 7) & 1:
                    return False
        return True


def no_bits(events: int) -> Bits:
    """Room for the words of so many events."""
    size = _LEAST_BYTES
    while size < min(_BYTES_OF_AN_EVENT * events, 1 << _MOST_LOG):
        size *= 2
    return np.zeros(size, np.uint8)
