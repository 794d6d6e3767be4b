"""Is there little to do? What can wait is done then."""

import time
from collections.abc import Callable

_BUSY = 0.3
"""Of one core: a hundred thousand events a second take more."""
_SHORTEST_S = 1.0


class Quiet:
    """Looks at the CPU that this process took between two rounds of chores. Not for several threads at once."""

    def __init__(
        self, cpu_s: Callable[[], float] = time.process_time, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._cpu_s = cpu_s
        self._now_s = now_s
        self.begin()

    def begin(self) -> None:
        """A round ends: what is taken from now on is that of others."""
        self._cpu_at, self._began_at = self._cpu_s(), self._now_s()

    def is_here(self) -> bool:
        """Whether little was taken since the last round ended, and for long enough to tell."""
        passed_s = self._now_s() - self._began_at
        return passed_s >= _SHORTEST_S and self._cpu_s() - self._cpu_at < _BUSY * passed_s
