"""Numbers of many values, as ranges: where parts of the baseline lie below, how many of each side lie below, or from
there on?"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cordwood.model.plan import Plan
from cordwood.model.search.expressions import Column, Test
from cordwood.model.search.field import Field, field_named
from cordwood.model.search.filters import Bound, Number, Within
from cordwood.model.search.pipes import Aggregate, Pipe, Sample, Stats
from cordwood.model.search.spans import DAY_US
from cordwood.model.tenant import Tenant
from cordwood.query.explain.candidates import Candidate, Paired
from cordwood.query.explain.contrast import Seen, counted
from cordwood.query.explain.messages import closing
from cordwood.query.explain.sides import Sides
from cordwood.store.interface import Reader

_MOST_FIELDS = 12
_MOST_EXAMINED = 200_000
"""Of more events, one in some."""
_BELOW, _ABOVE = (10.0, 50.0), (50.0, 90.0, 99.0)
_LEVELS = (0.0, 10.0, 50.0, 90.0, 99.0, 100.0)
_DIGITS = 2
"""Behind the first one of what lies between the tenth and the ninetieth percentile: people read bounds."""
_UNITS_PER_US = (1e-6, 1e-3, 1.0, 1e3)
"""Of Unix times in s, ms, µs and ns."""


def measured(fields: Sequence[Paired], asked_of: frozenset[str]) -> list[str]:
    """Those of some fields that are numbers on both sides, too many different ones to be compared one by one. The most
    frequent ones: each costs a pass over its values."""
    names = [
        each
        for each in fields
        if all({"int", "float"}.intersection(side.types) for side in each.both)
        and any(side.distinct > len(side.values) for side in each.both)
        and field_named(each.name).name not in asked_of
    ]
    names.sort(key=lambda each: -min(side.events for side in each.both))
    return [each.name for each in names[:_MOST_FIELDS]]


async def ranges(
    reader: Reader, sides: Sides, matched: tuple[int, int], fields: Sequence[str], tenant: Tenant
) -> list[Candidate]:
    """The ranges of some fields, and who has them. Raises Corrupt, Unavailable."""
    if not fields:
        return []
    selection, baseline = [_Side(reader, plan, of, tenant) for plan, of in zip(sides.each, matched, strict=True)]
    found = await baseline.told([_level(name, percent) for name in fields for percent in _LEVELS])
    least = await selection.told([_level(name, 0.0) for name in fields])
    within: list[Within] = []
    for number, name in enumerate(fields):
        bounds = dict(zip(_LEVELS, found[number * len(_LEVELS) :], strict=False))
        if None not in bounds.values() and not _is_time(bounds, sides) and not _goes_on(bounds, least[number]):
            within += _ranges(field_named(name), bounds)
    one, other = [await side.having(within) for side in (selection, baseline)]
    return [
        Candidate(each.field.name, each, *seen) for each, seen in zip(within, zip(one, other, strict=True), strict=True)
    ]


def _level(name: str, percent: float) -> Aggregate:
    """The number below which a part of a field's lie."""
    return Aggregate("percentile", Column(field_named(name)), "", percent=percent)


class _Side(Struct, frozen=True):
    """A side, asked for aggregates."""

    reader: Reader
    plan: Plan
    matched: int
    tenant: Tenant

    async def told(self, aggregates: Sequence[Aggregate]) -> list[Any]:
        """Of all events, or of so many as are looked at."""
        one_in = -(-self.matched // _MOST_EXAMINED)
        stats = Stats(tuple(replace(each, name=str(number)) for number, each in enumerate(aggregates)))
        pipes: tuple[Pipe, ...] = (Sample(one_in=one_in), stats) if one_in > 1 else (stats,)
        async with closing(self.reader.rows(replace(self.plan, limit=1), pipes, self.tenant)) as blocks:
            rows = [row async for block in blocks for row in block]
        return [rows[0].columns[each.name] for each in stats.aggregates]

    async def having(self, within: Sequence[Within]) -> list[Seen]:
        """How many are in each range."""
        of, *counts = await self.told(
            [Aggregate("count", None, ""), *(Aggregate("count", None, "", condition=Test(each)) for each in within)]
        )
        return [counted(count, of, is_exact=self.matched <= _MOST_EXAMINED) for count in counts]


def _ranges(field: Field, bounds: Mapping[float, float]) -> Iterator[Within]:
    """Those that leave something of the baseline on either side."""
    low, high = bounds[0.0], bounds[100.0]
    spread = bounds[90.0] - bounds[10.0] or high - low
    if not spread or not math.isfinite(spread):
        return
    digits = _DIGITS - math.floor(math.log10(spread))
    below, above = [dict.fromkeys(round(float(bounds[each]), digits) for each in levels) for levels in (_BELOW, _ABOVE)]
    for bound in below:
        if low < bound <= high:
            yield Within(field, None, Bound(Number(bound), is_included=False))
    for bound in above:
        if low < bound <= high:
            yield Within(field, Bound(Number(bound), is_included=True), None)


def _is_time(bounds: Mapping[float, float], sides: Sides) -> bool:
    """Whether numbers are times of about when the events were: these differ between any two windows."""
    both, middle = sides.both, bounds[50.0]
    if both.start_us is None or both.end_us is None:
        return False
    return any((both.start_us - DAY_US) * unit <= middle <= (both.end_us + DAY_US) * unit for unit in _UNITS_PER_US)


def _goes_on(bounds: Mapping[float, float], least: float | None) -> bool:
    """Whether numbers of the selection begin where those of the baseline end, as running numbers do."""
    span = bounds[100.0] - bounds[0.0]
    return least is not None and bounds[100.0] <= least <= bounds[100.0] + span / 10
