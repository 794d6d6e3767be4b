"""How much of an answer is looked for at once: small at first, so that it begins at once, and so that the newest events
are found without looking through all."""

from collections.abc import Sequence

from cordwood.model.plan import Plan
from cordwood.model.search.filters import Everything
from cordwood.store.segments.skipping import Part
from cordwood.store.segments.spans import events_of

BLOCK_EVENTS = 1000
# A span without a limit is sorted as a whole, so it is bounded; the newest of a span are picked without sorting it.
_FIRST_SPAN, SPAN_GROWTH = 32_768, 4
_SORTED_SPAN, _PICKED_SPAN = 262_144, 1 << 40
_NEWEST_EVENTS, _NEWEST_SPAN = 500, 4
"""So few of the newest events are asked for in one statement, in a span of so many times as many at first."""


def first_span(plan: Plan, parts: Sequence[Part]) -> int:
    """How many events of some parts to begin with."""
    if plan.filter != Everything():
        # Where words leave little to look through, that is done at once.
        return _PICKED_SPAN if is_little(parts) else _FIRST_SPAN
    return _NEWEST_SPAN * plan.limit if plan.limit is not None and is_page(plan) else _FIRST_SPAN


def most_in_span(plan: Plan, span_bytes: int | None) -> int:
    """How many events are looked through at once, of segments of so many bytes at most."""
    most = _SORTED_SPAN if plan.limit is None else _PICKED_SPAN
    return most if span_bytes is None else min(most, events_of(span_bytes))


def is_page(plan: Plan) -> bool:
    """Whether few events are asked for: of a filter, as many as a page has at most, since there may be fewer."""
    most = _NEWEST_EVENTS if plan.filter == Everything() else BLOCK_EVENTS + 1
    return plan.limit is not None and plan.limit <= most


def is_little(parts: Sequence[Part]) -> bool:
    """Whether few rows are to be looked through."""
    return sum(map(rows_in, parts)) <= _SORTED_SPAN


def rows_in(part: Part) -> int:
    return part.segment.events if part.rows is None else sum(behind - first for first, behind in part.rows)
