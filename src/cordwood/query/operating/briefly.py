"""Answers that hold for a moment: a page that asks every second, on many screens, is no load."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from msgspec import Struct

from cordwood.errors import CordwoodError
from cordwood.query.flights import Flights

T = TypeVar("T")

_ANSWER_TIMES, _ERROR_TIMES = 20.0, 2.0
"""An answer holds for so many times as long as it took: whoever asks, making them takes a twentieth of the time. An
error is held for less, as people wait for its end."""
_MOST_KEPT = 64
"""Answers may be large. Where more are asked for within their time, the oldest go."""


class Briefly(Generic[T]):
    """What cannot be had is held as well, so that a store in trouble is not asked all the time."""

    def __init__(self, least_s: float, most_s: float) -> None:
        self._least_s = least_s
        self._most_s = most_s
        self._flights = Flights[T]()
        self._kept: dict[bytes, _Kept[T]] = {}

    async def once(self, key: bytes, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make` gives, or gave a moment ago; equal questions at the same moment are answered once. Raises what it
        raises."""
        kept = self._kept.get(key)
        if kept is None or kept.until <= asyncio.get_running_loop().time():
            kept = await self._made(key, make)
        if isinstance(kept.outcome, CordwoodError):
            raise kept.outcome.with_traceback(None)
        return kept.outcome

    async def _made(self, key: bytes, make: Callable[[], Coroutine[Any, Any, T]]) -> "_Kept[T]":
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome: T | CordwoodError
        times = _ANSWER_TIMES
        try:
            outcome = await self._flights.once(key, make)
        except CordwoodError as error:
            outcome, times = error, _ERROR_TIMES
        now = loop.time()
        kept = _Kept(outcome, now + min(max(self._least_s, (now - began) * times), self._most_s))
        self._kept.pop(key, None)
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = kept
        return kept


class _Kept(Struct, Generic[T], frozen=True):
    """`until` is a time of the loop."""

    outcome: T | CordwoodError
    until: float
