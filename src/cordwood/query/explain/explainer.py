"""Sides → what differs between them, as the store tells."""

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from cordwood.language.filters.joining import all_of
from cordwood.language.spelling import filter_text, scalar_text
from cordwood.model.census import Asked, Census
from cordwood.model.event import format_timestamp
from cordwood.model.plan import Plan
from cordwood.model.search.field import field_named
from cordwood.model.search.filters import Bound, Equals, Everything, Exists, Filter, Number, Within
from cordwood.model.tenant import Tenant
from cordwood.query.explain import messages, shapes
from cordwood.query.explain.candidates import Candidate, LeftOut, What, candidates, paired
from cordwood.query.explain.contrast import Differing, Seen, complements, counted, lift, score
from cordwood.query.explain.ranges import measured, ranges
from cordwood.query.explain.sides import Sides
from cordwood.store.interface import Store

_TOP = 30
"""Values of each field that are listed of each side."""
_MOST_COUNTED = 40
"""Questions for the exact number of one value."""
_MOST_FURTHER_S = 10.0
"""So long further questions are begun: counts of single values, then examples."""
_MOST_NAMES = 100


class _Found(Struct, frozen=True):
    candidate: Candidate
    score: float


class _Asking(Struct, frozen=True):
    """A side with what was counted of it."""

    plan: Plan
    census: Census


class Explainer:
    """Asks a store, one question after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def explained(self, sides: Sides, tenant: Tenant, limit: int) -> shapes.Explained:
        """Raises Corrupt, Unavailable."""
        selection = _Asking(sides.selection, await self._store.census(sides.selection, tenant, Asked(_TOP)))
        baseline = _Asking(sides.baseline, await self._store.census(sides.baseline, tenant, Asked(_TOP)))
        both = (selection, baseline)
        findings: list[shapes.Finding] = []
        patterns: list[shapes.PatternFinding] = []
        left = LeftOut([], [], [])
        if selection.census.matched and baseline.census.matched:
            one, other = [await messages.told(self._store, each.plan, each.census.matched, tenant) for each in both]
            templates = await asyncio.to_thread(messages.compared, one, other)
            fields = list(paired(selection.census, baseline.census).values())
            matched = (selection.census.matched, baseline.census.matched)
            within = await ranges(self._store, sides, matched, measured(fields, sides.asked_of), tenant)
            found, bound, left = await asyncio.to_thread(
                candidates, selection.census, baseline.census, sides.asked_of, within
            )
            until = time.monotonic() + _MOST_FURTHER_S
            sure = await self._sure(found[: max(limit, _MOST_COUNTED)], bound, both, tenant, until)
            findings = [await self._finding(each, is_other, both, tenant, until) for each, is_other in sure[:limit]]
            patterns = [await self._pattern(each, both, tenant, until) for each in templates[:limit]]
        return shapes.Explained(
            selection=_side(selection),
            baseline=_side(baseline),
            findings=findings,
            patterns=patterns,
            left_out=shapes.LeftOut(*(names[:_MOST_NAMES] for names in (left.asked, left.times, left.unique))),
        )

    async def _sure(
        self, found: Sequence[Candidate], bound: float, both: tuple[_Asking, _Asking], tenant: Tenant, until: float
    ) -> list[tuple[_Found, bool]]:
        """Those of what may differ that do, by exact numbers as far as these can be had; and whether other values of
        their field explain it, which puts them behind."""
        left = _MOST_COUNTED
        sure: list[_Found] = []
        for each in found:
            seen: list[Seen] = []
            for side, known in zip(both, (each.selection, each.baseline), strict=True):
                if not known.is_exact and left and time.monotonic() < until:
                    left -= 1
                    events = await self._store.count(_having(side.plan, each), tenant)
                    known = counted(events, side.census.matched, is_exact=True)
                seen.append(known)
            of = score(seen[0], seen[1], bound)
            if of:
                sure.append(_Found(replace(each, selection=seen[0], baseline=seen[1]), of))
        sure.sort(key=lambda each: -abs(each.score))
        others = complements([_differing(each) for each in sure])
        return sorted(zip(sure, others, strict=True), key=lambda each: each[1])

    async def _finding(
        self, found: _Found, is_complement: bool, both: tuple[_Asking, _Asking], tenant: Tenant, until: float
    ) -> shapes.Finding:
        each = found.candidate
        event_id = None
        if time.monotonic() < until:
            plan = replace(_having(both[0 if found.score > 0 else 1].plan, each), limit=1)
            async with messages.closing(self._store.read(plan, tenant)) as blocks:
                ids = [str(event.id) async for block in blocks for event in block]
            event_id = ids[0] if ids else None
        return shapes.Finding(
            field=each.field,
            complement=is_complement,
            alike=[shapes.Alike(field=name, **_what(name, value)) for name, value in each.alike],
            **_what(each.field, each.value),
            example=event_id,
            **_numbers(each.selection, each.baseline, found.score, both),
        )

    async def _pattern(
        self, found: messages.Template, both: tuple[_Asking, _Asking], tenant: Tenant, until: float
    ) -> shapes.PatternFinding:
        example = None
        if time.monotonic() < until:
            plan = both[0 if found.score > 0 else 1].plan
            example = await messages.example(self._store, plan, found, tenant)
        return shapes.PatternFinding(
            pattern=found.template,
            complement=found.is_complement,
            example=None if example is None else shapes.PatternExample(*example),
            **_numbers(found.selection, found.baseline, found.score, both),
        )


def _differing(found: _Found) -> Differing:
    each = found.candidate
    # A field does not stand in the place of its values, nor a range.
    kind = "field" if each.value is None else "range" if isinstance(each.value, Within) else "value"
    return Differing(f"{kind} {each.field}", each.selection, each.baseline, found.score)


def _having(plan: Plan, each: Candidate) -> Plan:
    """The events of a plan that have something."""
    having = _filter(each.field, each.value)
    return replace(plan, filter=all_of(part for part in (plan.filter, having) if part != Everything()))


def _filter(name: str, value: What) -> Filter:
    field = field_named(name)
    match value:
        case None:
            return Exists(field)
        case Within():
            return value
        case _:
            return Equals(field, scalar_text(value))


def _what(name: str, value: What) -> shapes.What:
    """What is found, and the query that finds it."""
    what: shapes.What = {"query": filter_text(_filter(name, value))}
    match value:
        case None:
            pass
        case Within(low=low, high=high):
            at_least, below = (None if end is None else _number(end) for end in (low, high))
            what["range"] = shapes.Range(at_least=at_least, below=below)
        case _:
            what["value"] = value
    return what


def _number(end: Bound) -> float:
    assert isinstance(end.value, Number), "ranges are of numbers"
    return end.value.value


def _numbers(selection: Seen, baseline: Seen, of: float, both: tuple[_Asking, _Asking]) -> shapes.Numbers:
    is_exact = selection.is_exact and baseline.is_exact
    change: shapes.Change = "more" if of > 0 else "less"
    if is_exact and not baseline.least:
        change = "new"
    elif is_exact and not selection.least:
        change = "gone"
    return {
        "change": change,
        "selection": round(selection.share, 6),
        "baseline": round(baseline.share, 6),
        "lift": float(f"{lift(selection, baseline):.4g}"),
        "score": float(f"{abs(of):.4g}"),
        "selection_events": _events(selection, both[0]),
        "baseline_events": _events(baseline, both[1]),
        "exact": is_exact,
    }


def _events(seen: Seen, side: _Asking) -> int:
    return seen.least if seen.is_exact else round(seen.share * side.census.matched)


def _side(side: _Asking) -> shapes.Side:
    start_us, end_us = side.plan.start_us, side.plan.end_us
    return shapes.Side(
        start=None if start_us is None else format_timestamp(start_us),
        end=None if end_us is None else format_timestamp(end_us),
        events=side.census.matched,
        examined=side.census.examined,
        exact=side.census.is_exact,
    )
