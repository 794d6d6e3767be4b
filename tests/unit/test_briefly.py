"""Answers that hold for a moment."""

import asyncio

import pytest

from cordwood.errors import Unavailable
from cordwood.query.operating.briefly import Briefly


class Work:
    """Gives how often it was begun; takes so many seconds of the loop's time; fails where it shall."""

    def __init__(self, loop: "HeldLoop", takes_s: float = 0.0) -> None:
        self.begun, self.fails = 0, False
        self._loop, self._takes_s = loop, takes_s

    async def __call__(self) -> int:
        self.begun += 1
        self._loop.at += self._takes_s
        await asyncio.sleep(0)
        if self.fails:
            raise Unavailable("the store is away")
        return self.begun


class HeldLoop:
    """The running loop's time, held."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.at)


@pytest.fixture
async def loop(monkeypatch: pytest.MonkeyPatch) -> HeldLoop:
    return HeldLoop(monkeypatch)


async def test_equal_questions_are_answered_once_and_the_answer_holds_a_moment(loop: HeldLoop) -> None:
    held, work = Briefly[int](1, 10), Work(loop)
    assert set(await asyncio.gather(*(held.once(b"a", work) for _ in range(5)))) == {1}
    loop.at = 0.9
    assert await held.once(b"a", work) == 1
    assert await held.once(b"b", work) == 2, "another question"
    loop.at = 1.0
    assert await held.once(b"a", work) == 3


async def test_what_takes_long_holds_long_within_a_bound(loop: HeldLoop) -> None:
    held, work = Briefly[int](1, 10), Work(loop, takes_s=0.25)
    await held.once(b"a", work)
    loop.at = 0.25 + 4.9
    assert await held.once(b"a", work) == 1
    slow = Work(loop, takes_s=60)
    await held.once(b"slow", slow)
    loop.at += 10
    assert await held.once(b"slow", slow) == 2


async def test_an_error_is_held_too_but_not_as_long(loop: HeldLoop) -> None:
    held, work = Briefly[int](1, 60), Work(loop, takes_s=3)
    work.fails = True
    for _ in range(3):
        with pytest.raises(Unavailable, match="away"):
            await held.once(b"a", work)
    assert work.begun == 1
    work.fails = False
    loop.at += 6
    assert await held.once(b"a", work) == 2


async def test_not_more_is_kept_than_there_is_room_for(loop: HeldLoop) -> None:
    held, work = Briefly[int](1, 10), Work(loop)
    for number in range(65):
        await held.once(str(number).encode(), work)
    assert await held.once(b"64", work) == 65
    assert await held.once(b"0", work) == 66, "the oldest went"
