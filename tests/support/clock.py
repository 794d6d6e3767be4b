"""Time that stands still until it is told to move."""

from uuid import UUID

from cordwood.clock import SystemClock


class SettableClock:
    """Starts now; ids stay random."""

    def __init__(self) -> None:
        self._now_us = SystemClock().now_us()

    def advance_us(self, by: int) -> None:
        self._now_us += by

    def now_us(self) -> int:
        return self._now_us

    def batch_id(self) -> UUID:
        return SystemClock().batch_id()
