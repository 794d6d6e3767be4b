"""Templates of the messages of both sides, put together."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from cordwood.language.match import seen
from cordwood.model.event import parse_timestamp
from cordwood.model.plan import Plan
from cordwood.model.search.field import MESSAGE
from cordwood.model.search.pipes import Patterns, Pipe, Sample
from cordwood.model.tenant import Tenant
from cordwood.query.explain.contrast import Differing, Seen, bound_for, complements, counted, score
from cordwood.store.interface import Reader

_MOST_MINED = 200_000
"""Messages that are looked at: half a second of one core. Of more events, one in some."""
_MOST_TEMPLATES = 10_000
_MOST_TRIED = 100
_MOST_CHARACTERS = 1_000
_NONE = (0, "")
T = TypeVar("T")


class Told(Struct, frozen=True):
    """The templates of one side: how many events of those looked at have it, and when the first of them was."""

    counts: dict[str, tuple[int, str]]
    examined: int
    is_exact: bool


class Template(Struct, frozen=True):
    """A template on both sides, with the time of its first event in the selection, or the baseline."""

    template: str
    selection: Seen
    baseline: Seen
    score: float
    is_complement: bool
    first: str


async def told(reader: Reader, plan: Plan, matched: int, tenant: Tenant) -> Told:
    """Raises Corrupt, Unavailable."""
    one_in = -(-matched // _MOST_MINED)
    pipes: tuple[Pipe, ...] = (Sample(one_in=one_in), Patterns(MESSAGE)) if one_in > 1 else (Patterns(MESSAGE),)
    rows = reader.rows(replace(plan, limit=_MOST_TEMPLATES), pipes, tenant)
    counts: dict[str, tuple[int, str]] = {}
    async with closing(rows) as blocks:
        async for block in blocks:
            counts |= {row.columns["pattern"]: (row.columns["count"], row.columns["first_seen"]) for row in block}
    found = sum(count for count, _ in counts.values())
    examined = matched if one_in <= 1 else max(found, matched // one_in)
    return Told(counts, examined, one_in <= 1)


def compared(selection: Told, baseline: Told) -> list[Template]:
    """Those that surely differ, the greatest difference in front, new ones first among equals; behind these what others
    came in the place of. CPU-heavy: for threads."""
    # Here, as only who asks for patterns is to pay for the compiler.
    from cordwood.patterns import Pattern, merge, pattern_id

    parts = [
        tuple(Pattern(template, count, first, first) for template, (count, first) in side.counts.items())
        for side in (selection, baseline)
    ]
    merged = merge(parts)
    home = {pattern.id: pattern.template for pattern in merged.patterns}
    sides = [dict[str, tuple[int, str]](), dict[str, tuple[int, str]]()]
    for side, patterns in zip(sides, parts, strict=True):
        for pattern in patterns:
            own = pattern_id(pattern.template)
            template = home[merged.became.get(own, own)]
            count, first = side.get(template, (0, pattern.first))
            side[template] = (count + pattern.count, min(first, pattern.first))
    bound = bound_for(len(home))
    differing: list[Differing] = []
    for template in home.values():
        one, other = (
            counted(side.get(template, _NONE)[0], of.examined, is_exact=of.is_exact)
            for side, of in zip(sides, (selection, baseline), strict=True)
        )
        if of_both := score(one, other, bound):
            differing.append(Differing(template, one, other, of_both))
    # An event has one message.
    behind = complements([replace(each, of="") for each in differing])
    found = [
        Template(
            each.of,
            each.selection,
            each.baseline,
            each.score,
            is_complement,
            sides[0 if each.score > 0 else 1].get(each.of, _NONE)[1],
        )
        for each, is_complement in zip(differing, behind, strict=True)
    ]
    found.sort(
        key=lambda each: (
            *(each.is_complement, -round(abs(each.score), 2)),
            *(each.baseline.least > 0, -abs(each.score), each.template),
        )
    )
    return found


async def example(reader: Reader, plan: Plan, template: Template, tenant: Tenant) -> tuple[str, str] | None:
    """The id and message of an event that has it, if one is met at once. Raises Corrupt, Unavailable."""
    import pyarrow as pa

    from cordwood.patterns import Matcher

    moment_us = parse_timestamp(template.first)
    if moment_us is None:
        return None
    within = replace(plan, start_us=moment_us, end_us=moment_us + 1, limit=_MOST_TRIED)
    async with closing(reader.read(within, tenant)) as blocks:
        events = [event async for block in blocks for event in block]
    having = [(str(event.id), message) for event in events if (message := seen(event).message) is not None]
    texts = pa.array([message for _, message in having], pa.string())
    numbers = Matcher([template.template]).assign(texts).tolist()
    for (event_id, message), number in zip(having, numbers, strict=True):
        if number == 0:
            return event_id, message[:_MOST_CHARACTERS]
    return None


@contextlib.asynccontextmanager
async def closing(blocks: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Stop a store's work when no more is wanted."""
    try:
        yield blocks
    finally:
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()
