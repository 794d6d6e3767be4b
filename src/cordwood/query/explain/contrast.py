"""How much two shares differ, as cautious numbers. Pure: docs/decisions/0021-explain.md has the reasons.

Whether they differ tells the G-test, which holds for rare events too (Dunning, Computational Linguistics 19, 1993). Its
bound is so high that one question in a thousand about two alike sides finds anything, however much is compared
(Bonferroni). How much is the score: p · log2(p / q), with p the low end of the interval that the greater share has
(Wilson, JASA 22, 1927; 95 %) and q the high end of the lesser's. That is the lift, in doublings, weighted by the part
of the events that it is about: a term of the Kullback-Leibler divergence.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist

import msgspec

FEWEST = 5
"""Events, on the side that has more: what fewer have says nothing."""
_95 = 1.959964
_WRONG = 0.001
"""How often a question about two alike sides may find something."""


class Seen(msgspec.Struct, frozen=True):
    """On one side, of `of` events looked at `least` … `most` have something; `is_exact`: all were looked at."""

    least: int
    most: int
    of: int
    is_exact: bool

    @property
    def at_best(self) -> "Seen":
        """As if it were the least."""
        return Seen(self.least, self.least, self.of, self.is_exact)

    @property
    def share(self) -> float:
        return self.least / self.of if self.of else 0.0


def counted(count: int, of: int, *, is_exact: bool) -> Seen:
    """A number that is known. One that was counted later than the whole is not greater than it."""
    known = max(0, min(count, of))
    return Seen(known, known, of, is_exact)


def bound_for(comparisons: int) -> float:
    """The least G that tells a difference where so many pairs of shares are compared: chi-square, one degree of
    freedom."""
    return NormalDist().inv_cdf(1 - _WRONG / (2 * max(1, comparisons))) ** 2


def g_of(one: int, of_one: int, other: int, of_other: int) -> float:
    """The statistic of two shares: twice the log of how much likelier each its own is than one for both."""
    both, of = one + other, of_one + of_other
    cells = (
        *((one, of_one, both), (of_one - one, of_one, of - both)),
        *((other, of_other, both), (of_other - other, of_other, of - both)),
    )
    return 2 * sum(count * math.log(count * of / (side * column)) for count, side, column in cells if count)


def interval(count: int, of: int, z: float = _95) -> tuple[float, float]:
    """Between what a share lies that `count` of `of` were met of. Of none: anything."""
    if not of:
        return 0.0, 1.0
    p, squared = count / of, z * z / of
    middle, half = p + squared / 2, z * math.sqrt(p * (1 - p) / of + squared / (4 * of))
    return max(0.0, (middle - half) / (1 + squared)), min(1.0, (middle + half) / (1 + squared))


def score(selection: Seen, baseline: Seen, bound: float) -> float:
    """Greater than 0: more frequent in the selection; less than 0: in the baseline; 0: no difference is sure."""
    return _excess(selection, baseline, bound) or -_excess(baseline, selection, bound)


def lift(selection: Seen, baseline: Seen) -> float:
    """How many times as frequent in the selection. Half an event is added to each side, so that it is finite."""
    return _smoothed(selection) / _smoothed(baseline)


class Differing(msgspec.Struct, frozen=True):
    """Two shares of what is one of several that exclude each other, and their score."""

    of: str
    """The same for those."""
    selection: Seen
    baseline: Seen
    score: float


def complements(found: Sequence[Differing]) -> list[bool]:
    """Which became rarer where others, in whose place they were, became more frequent by half of that at least."""
    more: defaultdict[str, float] = defaultdict(float)
    for each in found:
        if each.score > 0:
            more[each.of] += each.selection.share - each.baseline.share
    return [
        each.score < 0 and 2 * more[each.of] >= each.baseline.share - each.selection.share and more[each.of] > 0
        for each in found
    ]


def _excess(more: Seen, less: Seen, bound: float) -> float:
    if more.least < FEWEST or not less.of or g_of(more.least, more.of, less.most, less.of) < bound:
        return 0.0
    low, high = interval(more.least, more.of)[0], interval(less.most, less.of)[1]
    return low * math.log2(low / high) if low > high else 0.0


def _smoothed(seen: Seen) -> float:
    return (seen.least + 0.5) / (seen.of + 1)
