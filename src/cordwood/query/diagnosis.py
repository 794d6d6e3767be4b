"""Why an answer is empty: which clause left nothing, or where in time there is something."""

import asyncio
import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from cordwood.errors import Corrupt, Overloaded, Unavailable
from cordwood.language.checks import unknown_among
from cordwood.language.filters.joining import all_of
from cordwood.language.rendering import render_filter
from cordwood.model.census import Asked
from cordwood.model.event import format_timestamp
from cordwood.model.plan import Plan
from cordwood.model.search.field import MESSAGE, Field, field_named
from cordwood.model.search.filters import And, Everything, Filter, Not, Or, Words
from cordwood.model.tenant import Tenant
from cordwood.query.dropped import Dropped
from cordwood.query.engine import Engine
from cordwood.store.interface import Explorer

_LONGEST_S = 2.0
_MOST_CLAUSES = 16
_LIKE_A_FIELD = re.compile(r"([\w.@$/-]+)=([\w.*?/-]+)")
_NOTHING_OF_THIS_TENANT = "a key sees the logs of its own tenant alone, and this tenant has none"


class Diagnosis:
    """Asks further questions, for a bounded time. What cannot be found out is left out."""

    def __init__(self, engine: Engine, explorer: Explorer, dropped: Dropped | None = None) -> None:
        """Without `dropped`, nothing is known of retention."""
        self._engine = engine
        self._dropped = dropped
        self._explorer = explorer

    async def why_empty(self, plan: Plan, tenant: Tenant) -> dict[str, Any]:
        """Members of an answer to a plan that no event matches."""
        found: dict[str, Any] = {}
        with contextlib.suppress(TimeoutError, Overloaded, Corrupt, Unavailable):
            async with asyncio.timeout(_LONGEST_S):
                await self._look(replace(plan, limit=None, after=None), tenant, found)
        return {"empty": found} if found else {}

    async def _look(self, plan: Plan, tenant: Tenant, found: dict[str, Any]) -> None:
        if self._dropped is not None and (dropped := await self._dropped.within(plan, tenant)) is not None:
            found["retention"] = dropped
        in_range = found["events_in_range"] = await self._count(plan, Everything(), tenant)
        if in_range == 0:
            await self._look_elsewhere(tenant, found)
            return
        left, before = in_range, list[Filter]()
        for clause in _clauses(plan.filter):
            before.append(clause)
            still = await self._count(plan, all_of(before), tenant)
            if still == 0:
                found |= {"removed_by": render_filter(clause), "events_before": left}
                found["matches_alone"] = await self._count(plan, clause, tenant) if len(before) > 1 else 0
                await self._look_for_fields(plan, clause, tenant, found)
                return
            left = still
        found["events_matching"] = left  # it is pipes that leave nothing

    async def _look_for_fields(self, plan: Plan, clause: Filter, tenant: Tenant, found: dict[str, Any]) -> None:
        """Which of the fields that a clause names none of the events has that were looked at, and what may be meant."""
        census = await self._explorer.census(replace(plan, filter=Everything()), tenant, Asked(top=1))
        known = [field.name for field in census.fields]
        if unknown := unknown_among(_fields_in(clause), known):
            found["unknown_fields"] = [{"name": name, "suggestion": near} for name, near in unknown]
        if meant := _meant(clause, known):
            found["meant"] = meant

    async def _look_elsewhere(self, tenant: Tenant, found: dict[str, Any]) -> None:
        stored = found["events_stored"] = await self._count(Plan(), Everything(), tenant)
        if not stored:
            # The same words whatever others have: they tell of this tenant alone.
            found["tenant"] = _NOTHING_OF_THIS_TENANT
        else:
            async with contextlib.aclosing(self._engine.events(Plan(limit=1), tenant)) as blocks:
                async for block in blocks:
                    found["newest"] = format_timestamp(block[0].timestamp_us)

    async def _count(self, plan: Plan, asked: Filter, tenant: Tenant) -> int:
        return (await self._engine.count(replace(plan, filter=asked), tenant))[0]


def _meant(clause: Filter, known: Sequence[str]) -> str | None:
    """`status=404` is a phrase, and to other tools a field and its value."""
    if isinstance(clause, Words) and clause.field == MESSAGE and (found := _LIKE_A_FIELD.fullmatch(clause.pattern)):
        name, value = found.groups()
        if not unknown_among([field_named(name)], known):
            return f"{name}:{value}"
    return None


def _fields_in(found: Filter) -> Iterator[Field]:
    match found:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _fields_in(part)
        case Not(part=part):
            yield from _fields_in(part)
        case Everything():
            return
        case _:
            if found.field is not None:
                yield found.field


def _clauses(found: Filter) -> tuple[Filter, ...]:
    """What must all hold, in the order of the query; together if there are too many."""
    parts = found.parts if isinstance(found, And) else (found,)
    return parts if len(parts) <= _MOST_CLAUSES else (found,)
