"""Counts over time, and of all time, by parts."""

from collections.abc import Sequence
from typing import Any

from cordwood.model.histogram import By, Histogram, SpanCount, in_order
from cordwood.model.plan import Plan
from cordwood.model.search.spans import start_of
from cordwood.model.tenant import Tenant
from cordwood.query.slices.merging import Groups, Merge, decoded, encoded
from cordwood.query.slices.parts import Part, can_be_cut, place_of
from cordwood.query.slices.recipe import Found, TooMany
from cordwood.store.interface import Reader

ADD: Sequence[Merge] = ("add",)
_ALL = "[]"


class Counts:
    """A histogram; without a span, one number."""

    how = ADD

    def __init__(self, span_us: int | None, by: By | None) -> None:
        self.span_us = span_us
        self._by = by
        self.question: tuple[object, ...] = ("counts", span_us, by)

    def can_be_cut(self) -> bool:
        return self.span_us is None or can_be_cut(self.span_us)

    async def ask(
        self, reader: Reader, plan: Plan, tenant: Tenant, parts: Sequence[Part], span_us: int, most: int
    ) -> Found:
        """See `Recipe.ask`."""
        counted = await reader.histogram(plan, tenant, span_us, self._by, most + 1)
        if len(counted.counts) > most:
            raise TooMany
        groups: list[Groups] = [{} for _ in parts]
        for each in counted.counts:
            found = groups[place_of(parts, each.start_us)]
            mine = found.setdefault(self._group(each), [0])
            mine[0] += each.count
        return Found(groups, is_worth_keeping=not counted.rolled_up)

    def _group(self, count: SpanCount) -> str:
        if self.span_us is None:
            return _ALL
        return encoded([start_of(count.start_us, self.span_us), count.value]).decode()


def histogram_of(groups: Groups) -> Histogram:
    """Of merged parts, which were not rolled up."""
    return Histogram(in_order(_span_count(decoded(group), values[0]) for group, values in groups.items()))


def _span_count(group: list[Any], events: int) -> SpanCount:
    start_us, value = group
    return SpanCount(start_us, value, events)


def total_of(groups: Groups) -> int:
    """Of a count without spans."""
    return int(groups[_ALL][0]) if groups else 0
