"""What a live tail begins with: stored events, within bounds."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from cordwood.errors import BadRequest, Corrupt
from cordwood.model.answer import StoredEvent
from cordwood.model.event import MIN_TIMESTAMP_US
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.engine import Engine
from cordwood.query.matching import Line, matched

SLACK_US = 2_000_000
"""How much later than another one a transaction may be told that took its time of storing before it: clocks of workers
differ, and so do transactions in length."""
_LATE_US = 3_600_000_000


class Begun(Struct, frozen=True):
    """Lines, oldest first, and whether older ones may have been left out."""

    lines: Sequence[Line]
    is_cut: bool = False


class Past:
    """Reads the store for tails. Looks at so many events at most."""

    def __init__(self, engine: Engine, max_scanned: int, max_history: int) -> None:
        self._engine = engine
        self._max_scanned = max_scanned
        self.max_history = max_history

    async def newest(self, plan: Plan, tenant: Tenant, count: int) -> Begun:
        """The newest `count` by timestamp. Raises BadRequest, Overloaded, Unavailable."""
        if count > self.max_history:
            raise BadRequest(f"'history' is {count:,}; a tail begins with at most {self.max_history:,} events")
        if not count:
            return Begun(())
        lines, _ = await self._read(replace(plan, limit=count), tenant, since_us=None)
        return Begun(lines[::-1])

    async def since(self, plan: Plan, tenant: Tenant, position_us: int) -> Begun:
        """What was stored since shortly before a position, in the order of storing. Raises Overloaded, Unavailable."""
        since_us = position_us - SLACK_US
        start_us = max(MIN_TIMESTAMP_US, since_us - _LATE_US)
        plan = replace(plan, start_us=start_us, limit=self._max_scanned)
        lines, scanned = await self._read(plan, tenant, since_us=since_us)
        lines.sort(key=lambda line: (line.inserted_at_us, line.id))
        is_cut = scanned >= self._max_scanned or len(lines) > self.max_history
        return Begun(lines[-self.max_history :] if self.max_history else (), is_cut)

    async def _read(self, plan: Plan, tenant: Tenant, *, since_us: int | None) -> tuple[list[Line], int]:
        """The newest first, and how many events were looked at."""
        try:
            return await self._read_once(plan, tenant, since_us)
        except Corrupt:
            # What was just found to be damaged is left out.
            return await self._read_once(plan, tenant, since_us)

    async def _read_once(self, plan: Plan, tenant: Tenant, since_us: int | None) -> tuple[list[Line], int]:
        lines: list[Line] = []
        scanned = 0
        async with contextlib.aclosing(self._engine.events(plan, tenant)) as blocks:
            async for block in blocks:
                scanned += len(block)
                lines += await asyncio.to_thread(partial(_chosen, block, since_us))
        return lines, scanned


def _chosen(block: Sequence[StoredEvent], since_us: int | None) -> list[Line]:
    events = block if since_us is None else [event for event in block if event.inserted_at_us >= since_us]
    return matched(events, [None])[0]
