"""How long to wait before sending again: exponential, with jitter, never sooner than the server asks."""

import random

import msgspec

from cordwood.client.http import TryAgain


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Waits grow from `first_s` by doubling up to `longest_s`; `total_s` after the first failure one gives up."""

    first_s: float = 0.25
    longest_s: float = 30.0
    total_s: float = 120.0


class Waits:
    """The waits of one request."""

    def __init__(self, patience: Patience, generator: random.Random) -> None:
        self._patience = patience
        self._random = generator
        self._tries = 0
        self._first_failure_s = 0.0

    def after(self, error: TryAgain, now_s: float) -> float | None:
        """Seconds to wait after a failure at `now_s` (a monotonic clock), or None when patience has run out."""
        if self._tries == 0:
            self._first_failure_s = now_s
        left_s = self._patience.total_s - (now_s - self._first_failure_s)
        if left_s <= 0:
            return None
        ceiling_s = min(self._patience.longest_s, self._patience.first_s * 2.0 ** min(self._tries, 32))
        self._tries += 1
        # Half fixed, half random: spread, but never a hot loop.
        wait_s = ceiling_s * (0.5 + self._random.random() / 2)
        if error.wait_s is not None:
            # What the server asks for counts in full; jitter comes on top, or all come back at once.
            wait_s = error.wait_s + min(wait_s, 1.0)
        return min(wait_s, left_s)
