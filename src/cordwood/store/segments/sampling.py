"""Which rows stand for all of them: stretches, spread evenly over the files one behind the other.

A stretch costs little more than its own rows: the engine passes over pages that hold none. Rows chosen one by one would
be a better sample, but reading them costs as much as reading all.
"""

from collections.abc import Mapping

from cordwood.store.segments.sourcing import Rows

_STRETCH_ROWS = 2048
"""What the engine decodes at once."""
_FEWEST_STRETCHES, _MOST_STRETCHES = 16, 96


def stretches(rows: Mapping[str, Rows], share: float) -> dict[str, Rows]:
    """Of the rows of some files about that share (0 … 1), in as many places as are worth it."""
    total = sum(behind - first for ranges in rows.values() for first, behind in ranges)
    count = min(_MOST_STRETCHES, max(_FEWEST_STRETCHES, round(total * share / _STRETCH_ROWS)))
    step, length = total / count, total * share / count
    wanted = [(round(step * n + (step - length) / 2), round(step * n + (step + length) / 2)) for n in range(count)]
    chosen: dict[str, list[tuple[int, int]]] = {}
    number = passed = 0
    for path, ranges in rows.items():
        for first, behind in ranges:
            end = passed + behind - first
            while number < count and wanted[number][0] < end:
                low, high = max(wanted[number][0], passed), min(wanted[number][1], end)
                if low < high:
                    chosen.setdefault(path, []).append((first + low - passed, first + high - passed))
                if wanted[number][1] > end:
                    break  # it goes on in the next one
                number += 1
            passed = end
    return dict(chosen)
