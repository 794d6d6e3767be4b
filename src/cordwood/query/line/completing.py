"""What may come next in a query: what the grammar knows, and what the store has."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from cordwood.clock import Clock
from cordwood.errors import Corrupt, Overloaded, Unavailable
from cordwood.language.completion import completion
from cordwood.language.options import Known, Option, field_of_values, options, takes_fields
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.line.names import Names

_LONGEST_S = 1.0
"""Somebody is typing: a list that comes later is one for another place."""


class Completed(NamedTuple):
    """`options`, each to stand in the place of the characters from `start` to `end`."""

    start: int
    end: int
    options: Sequence[Option]


class Completer:
    """Asks the store for a bounded time. When it is slow, busy or away, what the grammar knows is offered alone."""

    def __init__(self, names: Names, clock: Clock, longest_s: float = _LONGEST_S) -> None:
        self._names = names
        self._clock = clock
        self._longest_s = longest_s

    async def completed(self, text: str, cursor: int, plan: Plan, tenant: Tenant, limit: int) -> Completed:
        """At most `limit` options for the word at the cursor; fields and values are those of the plan's time range."""
        found = completion(text, cursor, self._clock.now_us())
        fields: Sequence[Known] = ()
        values: Sequence[Known] = ()
        with contextlib.suppress(TimeoutError, Overloaded, Corrupt, Unavailable):
            async with asyncio.timeout(self._longest_s):
                if takes_fields(found):
                    fields = await self._names.fields(plan, tenant)
                if (field := field_of_values(found)) is not None:
                    values = await self._names.values(plan, tenant, field, found.typed, limit)
        return Completed(found.start, found.end, options(found, text, fields, values, limit))
