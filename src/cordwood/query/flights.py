"""Equal questions at the same moment are answered once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Whoever asks while an equal question is under way waits for its answer, or its error. The work stops when nobody
    waits for it any more."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, _Flight[T]] = {}

    async def once(self, key: bytes, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make` gives, here or where it was begun. Raises what it raises."""
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight(asyncio.ensure_future(make()))
            flight.task.add_done_callback(lambda _: self._forget(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # At once: who asks now is not to wait for what ends here.
                self._forget(key, flight)
                flight.task.cancel()

    def _forget(self, key: bytes, flight: "_Flight[T]") -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]


class _Flight(Generic[T]):
    def __init__(self, task: "asyncio.Future[T]") -> None:
        self.task = task
        self.waiting = 0
