"""Parts of answers: kept while nothing is written into them, and asked for otherwise."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cordwood import metrics
from cordwood.cache.interface import Cache
from cordwood.cache.settings import CacheSettings
from cordwood.clock import Clock
from cordwood.model.answer import Coverage
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.flights import Flights
from cordwood.query.slices.merging import Groups, decoded, encoded, merged
from cordwood.query.slices.parts import Part, Run, cut, runs, versions_of
from cordwood.query.slices.recipe import Recipe, TooMany
from cordwood.query.turns import Turns
from cordwood.store.interface import Reader

# Part of every key: raised when what is kept changes.
_PART_VERSION = 1
_MOST_ROWS = 20_000
"""Of a run. What has more is asked as a whole: a cache would be no quicker."""
_MOST_GROUPS = 50_000
"""Of a whole answer."""


class PutTogether(Struct, frozen=True):
    """The groups of a whole answer, and of how many parts they are."""

    groups: Groups
    kept: int
    asked: int


class _Asked(Struct, frozen=True):
    """The parts of a run, encoded; none of them if there were too many groups."""

    parts: Sequence[bytes]
    is_worth_keeping: bool


class Slices:
    """Puts answers together. Every run that is asked for takes a turn."""

    def __init__(self, reader: Reader, cache: Cache, settings: CacheSettings, turns: Turns, clock: Clock) -> None:
        self._reader = reader
        self._cache = cache
        self._settings = settings
        self._turns = turns
        self._clock = clock
        self._flights = Flights[_Asked]()

    async def put_together(self, recipe: Recipe, plan: Plan, tenant: Tenant, coverage: Coverage) -> PutTogether | None:
        """An answer to a plan, no part of it older than `coverage`; None where it is better asked as a whole. Raises
        Overloaded, Unavailable, Corrupt."""
        if coverage.events is not None and coverage.events < self._settings.slice_min_events:
            return None  # one question costs less than two of them
        parts = cut(plan.start_us, plan.end_us, self._clock.now_us())
        if not parts:
            return None
        question = (_PART_VERSION, tenant, [each.path for each in coverage.damaged], plan.filter, *recipe.question)
        # Before the data: a part may be newer than the version it is kept under, never older.
        versions = versions_of(parts, await self._reader.versions(tenant, plan.start_us, plan.end_us))
        keys = [
            _key(question, part.start_us, part.end_us, version) for part, version in zip(parts, versions, strict=True)
        ]
        refusal = _key(question, "as a whole")
        places = [number for number, part in enumerate(parts) if part.length_us]
        is_refused, *found = await self._cache.get_all([refusal, *(keys[place] for place in places)])
        if is_refused is not None:
            return None
        kept = dict(zip(places, found, strict=True))
        bodies: list[bytes | None] = [kept.get(number) for number in range(len(parts))]
        wanted = runs(parts, [body is None for body in bodies], recipe.span_us)
        asked = sum(run.end - run.first for run in wanted)
        for run in wanted:
            made = await self._made(recipe, plan, tenant, parts, keys, run)
            if not made.parts or not made.is_worth_keeping:
                # Not for ever: there may be fewer groups, or more to gain.
                await self._cache.put(refusal, b"1", self._settings.ttl_s)
            if not made.parts:
                return None
            bodies[run.first : run.end] = made.parts
        metrics.CACHE_SLICES.labels("kept").inc(len(parts) - asked)
        metrics.CACHE_SLICES.labels("asked").inc(asked)
        groups = await asyncio.to_thread(_whole, [body for body in bodies if body is not None], recipe)
        if len(groups) > _MOST_GROUPS:
            await self._cache.put(refusal, b"1", self._settings.ttl_s)
            return None
        return PutTogether(groups, len(parts) - asked, asked)

    async def _made(
        self, recipe: Recipe, plan: Plan, tenant: Tenant, parts: Sequence[Part], keys: Sequence[bytes], run: Run
    ) -> _Asked:
        """The parts of a run, from whoever asks for just them already, or from the store."""
        mine = parts[run.first : run.end]
        within = replace(plan, start_us=mine[0].start_us, end_us=mine[-1].end_us, limit=None, after=None)

        async def made() -> _Asked:
            async with self._turns.turn():
                try:
                    found = await recipe.ask(self._reader, within, tenant, mine, run.span_us, _MOST_ROWS)
                except TooMany:
                    return _Asked((), is_worth_keeping=False)
            bodies = await asyncio.to_thread(lambda: [encoded(groups) for groups in found.groups])
            if found.is_worth_keeping:
                most = self._settings.max_answer_bytes
                kept = zip(mine, keys[run.first : run.end], bodies, strict=True)
                small = {key: body for part, key, body in kept if part.length_us and len(body) <= most}
                await self._cache.put_all(small, self._settings.slice_ttl_s)
            return _Asked(bodies, found.is_worth_keeping)

        # The keys hold versions: nobody gets what was begun before something was written that he may expect.
        return await self._flights.once(b"".join(keys[run.first : run.end]), made)


def _whole(bodies: Sequence[bytes], recipe: Recipe) -> Groups:
    parts: list[Mapping[str, list[Any]]] = [decoded(body) for body in bodies]
    return merged(parts, recipe.how)


def _key(*question: object) -> bytes:
    return b"cordwood:slice:" + hashlib.sha256(msgspec.json.encode(question)).hexdigest().encode()
