"""What sending a letter promises."""

from collections.abc import Callable
from typing import Protocol

from cordwood.alerts.interface import Letter


class NotTaken(Exception):
    """A receiver did not take a letter, or nobody knows whether it did. Its text names no secrets."""


class Send(Protocol):
    """Hands a letter over."""

    def __call__(self, letter: Letter, now_us: int, on_open: "OnOpen") -> None:
        """Return once the receiver has said that it has it. Blocks. Raises NotTaken."""
        ...


OnOpen = Callable[[Callable[[], None]], None]
"""Hears how to cut the connection, for when it takes too long: a receiver may trickle for ever."""
