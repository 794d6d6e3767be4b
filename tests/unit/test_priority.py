"""Threads that answer, or do what can wait, step back behind those that take events in."""

import os
import sys
import threading
from collections.abc import Callable

import pytest

from cordwood.store.segments import priority

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own there")


def nice_after(step: Callable[[], None], before: int) -> int:
    """The priority of a thread that begins with one."""
    found = []

    def run() -> None:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, before)
        step()
        found.append(os.getpriority(os.PRIO_PROCESS, thread))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_steps_back() -> None:
    now = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice_after(priority.answer, now) == max(now, 5)
    assert nice_after(priority.give_way, now) == max(now, 10)


def test_a_process_that_was_started_behind_others_stays_there() -> None:
    assert nice_after(priority.answer, 15) == 15
    assert nice_after(priority.give_way, 19) == 19
