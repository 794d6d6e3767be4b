"""A stack under load: break parts of it, and count what was accepted."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.compose.sender import Sender
from tests.compose.stack import Stack
from tests.support.waiting import wait_until

_BATCHES_BETWEEN = 20


@contextmanager
def running(stack: Stack) -> Iterator[None]:
    """Up for as long as the block runs; what it said is printed when the block fails."""
    try:
        with told("the stack is up"):
            stack.start()
        yield
    except BaseException as error:
        print(f"{error!r}\n{stack.story()}", flush=True)
        raise
    finally:
        stack.remove()


def broken(sender: Sender, breaks: Callable[[], None]) -> None:
    """Break something under load; the load goes on behind it."""
    goes_on(sender, "before")
    breaks()
    goes_on(sender, "behind")


def goes_on(sender: Sender, when: str, timeout_s: float = 120) -> None:
    """Return once more batches have been accepted."""
    wait_until(sender.goes_on(_BATCHES_BETWEEN), timeout_s, f"batches to be accepted {when}")


def reconcile_rows(stack: Stack, sender: Sender) -> None:
    """By SQL, by the ledger, and by the API: each accepted event once, and none beside."""
    count = "SELECT count(*), count(DISTINCT data->>'n'), min((data->>'n')::int), max((data->>'n')::int) FROM logs"
    expected = f"{sender.events}|{sender.events}|0|{sender.events - 1}"
    wait_until(lambda: stack.sql(f"{count} WHERE service = 'compose-test'") == expected, 120, f"rows to be {expected}")
    assert audited(stack) == int(stack.sql("SELECT count(*) FROM logs"))
    assert counted(stack) == sender.events


def audited(stack: Stack) -> int:
    """How many events are stored, by a ledger that is balanced and has no dead letters."""
    status, said = stack.execute("query", "cordwood", "audit", "--json")
    assert status == 0, said
    account = json.loads(said[said.index("{") :])["accounts"]["tenants"][0]
    assert account["accepted"] == account["stored"] + account["deduplicated"] + account["dead_lettered"], account
    assert account["dead_lettered"] == 0, account
    return int(account["stored"])


def counted(stack: Stack) -> int:
    """How many of the sender's events the API finds."""
    return int(json.loads(stack.ask("/api/v1/query/count?query=service:compose-test")[1])["count"])


@contextmanager
def told(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"compose-test: {what}: {time.monotonic() - started:.1f} s", flush=True)
