"""Forms → groups of similar ones, by the tree of Drain: their number of tokens, their first token, then similarity.

Forms are taken in the order of their texts, not of their messages: a set of forms has one grouping.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.patterns.masking import WILDCARD
from cordwood.patterns.tokens import HAS_VALUE, Hashes, Places, TokenTable, split

LEAST_ALIKE = 50
"""Percent of a group's tokens that a form has to share."""
MOST_GROUPS = 300
"""In a leaf of the tree. When there are so many, a form goes to the most similar one."""


def groups_of(texts: Sequence[str]) -> list[list[int]]:
    """Places in `texts` that belong together."""
    table = TokenTable.of(texts)
    sizes = np.diff(table.firsts)
    keys: list[tuple[int, str, str]] = []
    for text, size in zip(texts, sizes.tolist(), strict=True):
        first = text.partition(" ")[0]
        keys.append((size, "" if HAS_VALUE.search(first) else first, text))
    order = sorted(range(len(texts)), key=keys.__getitem__)
    leaves = np.zeros(len(order), np.int64)
    for place in range(1, len(order)):
        leaves[place] = leaves[place - 1] + (keys[order[place]][:2] != keys[order[place - 1]][:2])
    shared = table.hashes.copy()
    wild = [WILDCARD in token for text in texts for token in split(text)]
    shared[np.array(wild, np.bool_)] = 0
    groups = np.empty(len(texts), np.int64)
    count = _group(np.array(order, np.int64), leaves, table.firsts, shared, groups)
    members: list[list[int]] = [[] for _ in range(count)]
    for place in order:
        members[groups[place]].append(place)
    return members


@compiled
def _group(
    order: NDArray[np.int64], leaves: NDArray[np.int64], firsts: Places, shared: Hashes, groups: NDArray[np.int64]
) -> int:
    """Number the groups. `shared` has the hashes of tokens, 0 for those with a wildcard; where a form begins a group,
    it comes to have what all of the group share."""
    seeds = np.empty(len(order), np.int64)  # the form that began each group
    count = begin = 0  # of groups, and where those of this leaf begin
    for place in range(len(order)):
        form = order[place]
        if place and leaves[place] != leaves[place - 1]:
            begin = count
        first = firsts[form]
        size = firsts[form + 1] - first
        best = best_alike = best_wild = -1
        for group in range(begin, count):
            model = firsts[seeds[group]]
            alike = wild = 0
            for token in range(size):
                if shared[model + token] == np.uint64(0):
                    wild += 1
                elif shared[model + token] == shared[first + token]:
                    alike += 1
            if alike > best_alike or (alike == best_alike and wild > best_wild):
                best, best_alike, best_wild = group, alike, wild
        if best >= 0 and (best_alike * 100 >= LEAST_ALIKE * size or count - begin >= MOST_GROUPS):
            model = firsts[seeds[best]]
            for token in range(size):
                if shared[model + token] != shared[first + token]:
                    shared[model + token] = 0
            groups[form] = best
        else:
            seeds[count] = form
            groups[form] = count
            count += 1
    return count
