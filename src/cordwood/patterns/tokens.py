"""Forms and templates as tokens: what a wildcard is in one, and the tokens of many as arrays for compiled loops."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.patterns.hashing import PADDING, hash_of
from cordwood.patterns.looks import SPACE, Bytes
from cordwood.patterns.masking import MASKS, WILDCARD

Places = NDArray[np.int64]
Hashes = NDArray[np.uint64]

HAS_VALUE = re.compile(r"\d|" + "|".join(map(re.escape, MASKS)))
"""What a token has in it that is no plain word."""


def split(text: str) -> list[str]:
    """The tokens of a form or a template."""
    return text.split(" ") if text else []


def affixes(token: str) -> tuple[str, str] | None:
    """What is before and behind the wildcard of a template's token; nothing when it has none."""
    before, wildcard, behind = token.partition(WILDCARD)
    return (before, behind) if wildcard else None


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The tokens of many texts: those of text n are from `firsts[n]` up to `firsts[n + 1]`."""

    data: Bytes
    begins: Places
    ends: Places
    firsts: Places
    hashes: Hashes

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        encoded = [text.encode() for text in texts]
        whole = b"".join(encoded)
        data = np.frombuffer(whole + bytes(PADDING), np.uint8)
        text_ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        most = whole.count(b" ") + len(texts)
        begins, ends = np.empty(most, np.int64), np.empty(most, np.int64)
        firsts, hashes = np.zeros(len(texts) + 1, np.int64), np.empty(most, np.uint64)
        _take_apart(data, text_ends, begins, ends, firsts, hashes)
        count = firsts[-1]
        return cls(data, begins[:count], ends[:count], firsts, hashes[:count])


@compiled
def _take_apart(data: Bytes, text_ends: Places, begins: Places, ends: Places, firsts: Places, hashes: Hashes) -> None:
    count = 0
    for row in range(len(text_ends) - 1):
        begin = text_ends[row]
        for at in range(begin, text_ends[row + 1] + 1):
            is_end = at == text_ends[row + 1]
            if (is_end and at > text_ends[row]) or (not is_end and data[at] == SPACE):
                begins[count], ends[count] = begin, at
                hashes[count] = hash_of(data, begin, at)
                count += 1
                begin = at + 1
        firsts[row + 1] = count
