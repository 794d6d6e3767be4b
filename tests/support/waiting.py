"""Waiting for a condition, with a deadline: the only sleeping that tests do."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_POLL_S = 0.02


def wait_until(condition: Callable[[], object], timeout_s: float, what: str = "the condition") -> None:
    """Return once `condition()` is true. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(_POLL_S)


async def eventually(condition: Callable[[], Awaitable[object]], timeout_s: float, what: str = "the condition") -> None:
    """As `wait_until`, for a coroutine."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        await asyncio.sleep(_POLL_S)
