"""The token filters of a segment, asked together: a hundred as quickly as a few."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cordwood.store.segments.token_filter import BLOCK_BYTES, LANES, ProbedFilter, TokenFilter, lanes_of
from cordwood.store.segments.words import Hashes

Answers: TypeAlias = NDArray[np.bool_]
"""One for each stretch of rows."""


class ManyFilters:
    """Those of some stretches of rows, in their order; None where a stretch may hold any words."""

    def __init__(self, filters: Sequence[TokenFilter | ProbedFilter | None]) -> None:
        blocked = [each for each in filters if isinstance(each, TokenFilter)]
        self._probed = [(place, each) for place, each in enumerate(filters) if isinstance(each, ProbedFilter)]
        self._is_blocked = np.array([isinstance(each, TokenFilter) for each in filters], np.bool_)
        sizes = [len(each.bits) // BLOCK_BYTES for each in blocked]
        self._blocks = np.array(sizes, np.uint64)
        self._starts = np.array([0, *accumulate(sizes)][:-1], np.uint64)
        self._lanes = np.frombuffer(b"".join(each.bits for each in blocked), "<u8").reshape(-1, LANES)
        self.size_bytes = self._lanes.nbytes + sum(len(each.bits) for _, each in self._probed)

    def __len__(self) -> int:
        return len(self._is_blocked)

    def may_hold(self, hashes: Hashes) -> Answers:
        """Whether each may hold all of these words."""
        found = np.ones(len(self), np.bool_)
        if len(self._blocks):
            blocked = np.ones(len(self._blocks), np.bool_)
            for word in hashes.tolist():
                lanes = _lanes(word)
                at = self._starts + (np.uint64(word >> 32) * self._blocks >> np.uint64(32))
                blocked &= ((self._lanes[at] & lanes) == lanes).all(axis=1)
            found[self._is_blocked] = blocked
        for place, probed in self._probed:
            found[place] = probed.may_hold(hashes)
        return found


@lru_cache(maxsize=1024)
def _lanes(word: int) -> NDArray[np.uint64]:
    return np.array(lanes_of(word), np.uint64)
