"""A few at once, a few more waiting."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from cordwood.errors import Overloaded


class Turns:
    """Bounds on questions."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One's turn, for as long as the block. Raises Overloaded when too many wait already."""
        if self._turns.locked() and self._waiting >= self._most_waiting:
            raise Overloaded(f"{self._waiting} questions are waiting already", hint="ask again in a few seconds")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
