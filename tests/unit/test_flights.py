"""Equal questions at the same moment."""

import asyncio

import pytest

from cordwood.errors import Unavailable
from cordwood.query.flights import Flights


class Work:
    """Counts how often it was begun, and waits until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.cancelled = 0, 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.begun


async def started(*tasks: "asyncio.Task[int]") -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_they_are_answered_once() -> None:
    flights, work = Flights[int](), Work()
    tasks = [asyncio.create_task(flights.once(b"a", work)) for _ in range(5)]
    other = asyncio.create_task(flights.once(b"b", work))
    await started(*tasks, other)
    work.may_end.set()
    assert set(await asyncio.gather(*tasks)) == {2}
    await other
    assert work.begun == 2


async def test_the_next_one_is_answered_anew() -> None:
    flights, work = Flights[int](), Work()
    work.may_end.set()
    assert [await flights.once(b"a", work) for _ in range(3)] == [1, 2, 3]


async def test_who_leaves_does_not_end_it_for_the_others() -> None:
    flights, work = Flights[int](), Work()
    first, second = (asyncio.create_task(flights.once(b"a", work)) for _ in range(2))
    await started(first, second)
    first.cancel()
    await started(second)
    work.may_end.set()
    assert await second == 1
    assert (work.begun, work.cancelled) == (1, 0)


async def test_it_ends_when_nobody_waits_and_who_comes_then_begins_anew() -> None:
    flights, work = Flights[int](), Work()
    first = asyncio.create_task(flights.once(b"a", work))
    await started(first)
    first.cancel()
    await asyncio.wait({first})
    second = asyncio.create_task(flights.once(b"a", work))
    await started(second)
    assert (work.begun, work.cancelled) == (2, 1)
    work.may_end.set()
    assert await second == 2


async def test_all_get_its_error() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise Unavailable("away")

    flights = Flights[int]()
    found = await asyncio.gather(*(flights.once(b"a", fail) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in found)
    with pytest.raises(Unavailable):
        await flights.once(b"a", fail)
