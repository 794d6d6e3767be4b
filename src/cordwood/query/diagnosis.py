"""Why an answer, or a column of it, is empty: which clause left nothing, where in time there is something, and which
field no event has."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from cordwood.errors import Corrupt, Overloaded, Unavailable
from cordwood.language.checks import unknown_among, unknown_fields
from cordwood.language.filters.joining import all_of
from cordwood.language.parser import Parsed
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

    async def why_empty(self, plan: Plan, tenant: Tenant, piped: Parsed | None = None) -> dict[str, Any]:
        """Members of an answer that has nothing in it. `piped` is its query, if that has pipes."""
        found: dict[str, Any] = {}
        async with _for_a_while():
            await self._look(replace(plan, limit=None, after=None), tenant, piped, found)
        return {"empty": found} if found else {}

    async def unknown_fields(self, plan: Plan, piped: Parsed, tenant: Tenant) -> dict[str, Any]:
        """Members of an answer that has a column without a value: the fields of its query that no event has of those
        that were looked at."""
        found: dict[str, Any] = {}
        async with _for_a_while():
            found |= _unknown_in(piped, await self._known(plan, tenant))
        return found

    async def _look(self, plan: Plan, tenant: Tenant, piped: Parsed | None, found: dict[str, Any]) -> None:
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
        if piped is not None:
            found |= _unknown_in(piped, await self._known(plan, tenant))

    async def _look_for_fields(self, plan: Plan, clause: Filter, tenant: Tenant, found: dict[str, Any]) -> None:
        """Which of the fields that a clause names none of the events has that were looked at, and what may be meant."""
        known = await self._known(plan, tenant)
        found |= _told(unknown_among(_fields_in(clause), known))
        if meant := _meant(clause, known):
            found["meant"] = meant

    async def _known(self, plan: Plan, tenant: Tenant) -> list[str]:
        """The fields that events of the time range have."""
        everything = replace(plan, filter=Everything(), limit=None, after=None)
        return [field.name for field in (await self._explorer.census(everything, tenant, Asked(top=1))).fields]

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


@contextlib.asynccontextmanager
async def _for_a_while() -> AsyncIterator[None]:
    with contextlib.suppress(TimeoutError, Overloaded, Corrupt, Unavailable):
        async with asyncio.timeout(_LONGEST_S):
            yield


def _unknown_in(piped: Parsed, known: Sequence[str]) -> dict[str, Any]:
    unknown = unknown_fields(piped.search, piped.mentions, known)
    return _told(list({each.name: each.suggestion for each in unknown}.items()))


def _told(unknown: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    return {"unknown_fields": [{"name": name, "suggestion": near} for name, near in unknown]} if unknown else {}


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
