"""Which words may be in a segment: a Bloom filter (Bloom 1970) that lies in its file before the first row group."""

from pathlib import Path
from struct import Struct as Layout
from typing import Self, TypeAlias
from zlib import crc32

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.store.segments.words import Hashes

Bits: TypeAlias = NDArray[np.uint8]
"""A power of two of bytes; the lowest bit of a byte first."""

_PLACE = 4
"""Behind Parquet's own first word."""
_MAGIC = b"CWTF"
_HEADER = Layout("<4sBBxxI")
PROBES = 3
_LEAST_BYTES = 1 << 6
_MOST_LOG = 24
"""Of its size in bytes."""
_BYTES_OF_AN_EVENT = 8
"""To begin with; then halves are laid over one another until a third of the bits are set."""
_FOLDED_SHARE = 0.18


class TokenFilter(Struct, frozen=True):
    """Says of words whether a segment may hold them: never no when it does, and seldom yes when it does not (1 in 25
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

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None when the file has no filter, or a damaged one. Raises OSError."""
        with path.open("rb") as file:
            file.seek(_PLACE)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return None
            magic, log, probes, checksum = _HEADER.unpack(header)
            if magic != _MAGIC or log > _MOST_LOG:
                return None
            bits = file.read(1 << log)
        return cls(bits, probes) if len(bits) == 1 << log and crc32(bits) == checksum else None

    def to_bytes(self) -> bytes:
        """As it lies in a file: four bytes that tell it, log2 of its size in bytes, its probes, two bytes of nothing,
        the CRC-32 of the bits, the bits."""
        return _HEADER.pack(_MAGIC, len(self.bits).bit_length() - 1, self.probes, crc32(self.bits)) + self.bits

    def may_hold(self, hashes: Hashes) -> bool:
        """Whether the segment may hold all of these: few words, of many segments, so without making arrays.

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
