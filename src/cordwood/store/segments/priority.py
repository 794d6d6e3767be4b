"""Whose turn it is on the CPU. What comes in goes first; where threads have no priority of their own, all are equal."""

import os
import sys
import threading

_ASKED, _LATER = 5, 10
"""As `nice` counts: a thread with 5 gets a quarter of the CPU beside one with 0, and all of it while that waits."""


def answer() -> None:
    """This thread, and those that it starts, answer questions."""
    _step_back(_ASKED)


def give_way() -> None:
    """This thread does what can wait."""
    _step_back(_LATER)


def _step_back(nice: int) -> None:
    """Never forward: a process that was started behind others may not, and ought not to."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))
