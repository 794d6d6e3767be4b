"""Texts that the engine gives → the table of their patterns."""

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from cordwood.store.segments.engine import Session
from cordwood.store.segments.sourcing import Asked
from cordwood.store.sql.table import Table

if TYPE_CHECKING:  # it brings the compiler
    from cordwood.patterns import Patterns

_MINED_EVENTS, _MINED_AT_ONCE = 200_000, 2


async def mined_of(session: Session, executor: Executor, asked: Asked) -> Table:
    """The patterns of the texts that a statement gives. Raises as `session` does."""
    # Here, as only who asks for patterns is to pay for the compiler.
    from cordwood.store.mining import Mined, mined

    found, loop = Mined(), asyncio.get_running_loop()
    under_way: deque[asyncio.Future[Patterns]] = deque()
    async with contextlib.aclosing(session.batches(*asked, rows=_MINED_EVENTS)) as batches:
        async for batch in batches:
            under_way.append(loop.run_in_executor(executor, mined, batch["text"], batch["at_us"]))
            if len(under_way) > _MINED_AT_ONCE:
                found.add(await under_way.popleft())
    for part in under_way:
        found.add(await part)
    return await session.run(found.table)
