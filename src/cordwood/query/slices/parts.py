"""A time range, cut into parts that other ranges have too."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import gcd

from msgspec import Struct

from cordwood.model.search.spans import DAY_US, HOUR_US
from cordwood.store.slices import FAR_SLICE

_LENGTHS_US = (HOUR_US, DAY_US, 10 * DAY_US)
_LONGEST_US = {HOUR_US: 2 * DAY_US, DAY_US: 60 * DAY_US}
"""Of ranges that are cut into hours, and days, at most; their ends are in hours all the same."""
_MOST_PARTS = 128
_LEAST_US = 2 * HOUR_US
_MOST_RUNS = 6
_FEW_PARTS = 2


class Part(Struct, frozen=True):
    """start ≤ timestamp < end, µs since 1970 UTC. `length_us` is 0 for what begins or ends within an hour, or has no
    end: no other range has just that, and so it is not kept."""

    start_us: int
    end_us: int | None
    length_us: int


class Run(Struct, frozen=True):
    """Parts in a row that are asked for at once: `parts[first:end]`. Spans of `span_us` are of one part each."""

    first: int
    end: int
    span_us: int


def cut(start_us: int | None, end_us: int | None, now_us: int) -> list[Part]:
    """The parts of a range, in order; none where it is too short for it, or has no beginning."""
    if start_us is None:
        return []
    first = -(-start_us // HOUR_US) * HOUR_US
    last = (now_us if end_us is None else min(end_us, now_us)) // HOUR_US * HOUR_US
    if last - first < _LEAST_US:
        return []
    lengths = [
        length
        for number, length in enumerate(_LENGTHS_US)
        if number == 0 or last - first > _LONGEST_US[_LENGTHS_US[number - 1]]
    ]
    parts = [Part(start_us, first, 0)] if start_us < first else []
    at = first
    while at < last and len(parts) < _MOST_PARTS:
        length = max(each for each in lengths if at % each == 0 and at + each <= last)
        parts.append(Part(at, at + length, length))
        at += length
    if end_us is None or at < end_us:
        parts.append(Part(at, end_us, 0))
    return parts if len(parts) <= _MOST_PARTS else []


def place_of(parts: Sequence[Part], at_us: int) -> int:
    """Which of some parts a span belongs to that begins at a time, or before the first one."""
    return max(0, bisect_right(parts, at_us, key=lambda part: part.start_us) - 1)


def versions_of(parts: Sequence[Part], versions: Mapping[int, int]) -> list[int]:
    """The version of each part, from those of hours since 1970 (see `store.interface.Reader.versions`)."""
    found = [versions.get(FAR_SLICE, 0)] * len(parts)
    end_us = parts[-1].end_us
    for hour, version in versions.items():
        # That the hour behind the last part was asked for, too, is no matter of this part.
        if hour != FAR_SLICE and (end_us is None or hour * HOUR_US < end_us):
            found[place_of(parts, hour * HOUR_US)] += version
    return found


def runs(parts: Sequence[Part], missing: Sequence[bool], span_us: int | None) -> list[Run]:
    """What to ask for, so that few questions bring all that is missing, and perhaps more. `span_us`: of an answer that
    has rows by time."""
    found: list[tuple[int, int, int]] = []
    for number, part in enumerate(parts):
        if missing[number] and part.length_us:
            if found and found[-1][1:] == (number, part.length_us):
                found[-1] = (found[-1][0], number + 1, part.length_us)
            else:
                found.append((number, number + 1, part.length_us))
    for number, part in enumerate(parts):
        if missing[number] and not part.length_us:
            # Asked for with the parts beside it, unless these are many: others may be asking for just those.
            beside = next((at for at, run in enumerate(found) if number in (run[0] - 1, run[1])), None)
            if beside is None or found[beside][1] - found[beside][0] > _FEW_PARTS:
                found.append((number, number + 1, 0))
            else:
                first, end, length_us = found[beside]
                found[beside] = (min(first, number), max(end, number + 1), length_us)
    found.sort()
    if len(found) > _MOST_RUNS:
        found = [(found[0][0], found[-1][1], HOUR_US)]
    return [Run(first, end, _span(length or HOUR_US, span_us)) for first, end, length in found]


def can_be_cut(span_us: int) -> bool:
    """Whether no span of this length is of two hours, or spans are whole hours."""
    return HOUR_US % span_us == 0 or span_us % HOUR_US == 0


def _span(length_us: int, span_us: int | None) -> int:
    return length_us if span_us is None else gcd(length_us, span_us)
