"""A few questions at once, a few more waiting, and no more."""

import asyncio

import pytest

from cordwood.errors import Overloaded
from cordwood.query.turns import Turns


async def test_who_finds_no_room_to_wait_is_told() -> None:
    turns, may_end, entered = Turns(2, 1), asyncio.Event(), list[int]()

    async def ask(number: int) -> None:
        async with turns.turn():
            entered.append(number)
            await may_end.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(ask(number))
        for _ in range(3):
            await asyncio.sleep(0)
        assert entered == [0, 1], "the third one waits"
        with pytest.raises(Overloaded, match="1 questions are waiting"):
            await ask(3)
        may_end.set()
    assert entered == [0, 1, 2]


async def test_who_leaves_while_waiting_gives_room() -> None:
    turns, may_end = Turns(1, 1), asyncio.Event()

    async def ask() -> None:
        async with turns.turn():
            await may_end.wait()

    first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
    for _ in range(3):
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    third = asyncio.create_task(ask())
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(first, third)
