"""Texts and numbers → the hashes of their words, by which a token filter knows them: the definition, and what asks.

A word is a run of ASCII letters, digits, underscores and any characters beyond ASCII; letters without case. A number is
known by its value as a double. Hashes are 64 bits, the same on every machine: they are kept in files. `word_bits` does
the same for whole columns.
"""

import re
from struct import pack
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]

WORD_BYTES = 64
"""More of a word is not looked at: only its length."""
STEP = 8
MIX, LENGTH = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53
SHIFT = 32

_WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")
_64_BITS = (1 << 64) - 1


def hashes_of(text: str) -> Hashes:
    """Of the words in one text."""
    found = _WORD.findall(text.encode("utf-8", "surrogatepass"))
    return np.array([_hash(word.lower()) for word in found], np.uint64)


def number_hashes(value: float) -> Hashes:
    """Of one number, as an array of one."""
    bits = int.from_bytes(pack("<d", value + 0.0), "little")  # + 0.0: minus zero is zero
    return np.array([_mix(bits ^ LENGTH)], np.uint64)


def _hash(word: bytes) -> int:
    found = len(word) * LENGTH & _64_BITS
    for at in range(0, min(len(word), WORD_BYTES), STEP):
        found = _mix(found ^ int.from_bytes(word[at : at + STEP], "little"))
    return found


def _mix(found: int) -> int:
    found = found * MIX & _64_BITS
    found ^= found >> SHIFT
    found = found * LENGTH & _64_BITS
    return found ^ found >> SHIFT
