"""`python -m tests.compose`: build the image, bring the stack of deploy/compose.yaml up, send, break parts, and count.

Exits with 0 when everything that was accepted is in PostgreSQL once; also, saying so loudly, where no Docker engine can
be started.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose.checks import check_backup, check_containers, check_one_port
from tests.compose.engine import Engine, NoEngine, engine
from tests.compose.sender import Sender
from tests.compose.stack import Stack
from tests.support.waiting import wait_until

_BATCHES_BETWEEN = 20


def main() -> int:
    began = time.monotonic()
    try:
        with engine() as docker:
            made = docker.provide_images()
            if made:
                print(f"compose-test: made here from Debian 12, as none can be pulled: {', '.join(made)}", flush=True)
            image = "cordwood:compose-test"
            with told("the image is built"):
                docker.build(image)
            with tempfile.TemporaryDirectory(prefix="cordwood-compose-") as folder:
                tried(Stack(docker, f"cordwood-test-{os.getpid()}", Path(folder, "secrets"), image), docker)
    except NoEngine as reason:
        print(f"{'!' * 80}\ncompose-test: SKIPPED: {reason}\n{'!' * 80}", file=sys.stderr)
        return 0
    print(f"compose-test: well, after {time.monotonic() - began:.0f} s")
    return 0


def tried(stack: Stack, docker: Engine) -> None:
    """The life of a stack."""
    try:
        with told("the stack is up"):
            stack.start()
        with told("one port answers, with a key"):
            check_one_port(stack)
        with told("containers have no more rights than they need"):
            check_containers(stack)
        with Sender(stack) as sender:
            for what, breaks in (
                ("a worker is killed", lambda: stack.kill(stack.containers("worker")[0])),
                ("an api is restarted", lambda: stack.restart(stack.containers("api")[0])),
                ("the other api is killed", lambda: stack.kill(stack.containers("api")[1])),
                ("RabbitMQ is restarted", lambda: stack.restart(stack.containers("rabbitmq")[0])),
                ("PostgreSQL is killed", lambda: stack.kill(stack.containers("postgres")[0])),
            ):
                with told(what):
                    broken(sender, breaks)
        with told(f"all {sender.events:,} accepted events are there once ({sender.retries} requests were sent again)"):
            reconcile(stack, sender)
        with told("a backup comes back, by the commands of the guide"):
            check_backup(stack)
            reconcile(stack, sender)
    except BaseException:
        print(
            stack.compose("ps", check=False),
            stack.compose("logs", "--no-color", "--tail", "40", check=False),
            file=sys.stderr,
        )
        raise
    finally:
        stack.remove()


def broken(sender: Sender, breaks: Callable[[], None]) -> None:
    """Break something under load; the load goes on behind it."""
    wait_until(sender.goes_on(_BATCHES_BETWEEN), 120, "batches to be accepted before")
    breaks()
    wait_until(sender.goes_on(_BATCHES_BETWEEN), 120, "batches to be accepted behind")


def reconcile(stack: Stack, sender: Sender) -> None:
    """By SQL, by the ledger, and by the API: each accepted event once, and none beside."""
    count = "SELECT count(*), count(DISTINCT data->>'n'), min((data->>'n')::int), max((data->>'n')::int) FROM logs"
    expected = f"{sender.events}|{sender.events}|0|{sender.events - 1}"
    wait_until(lambda: stack.sql(f"{count} WHERE service = 'compose-test'") == expected, 120, f"rows to be {expected}")
    status, said = stack.execute("query", "cordwood", "audit", "--json")
    assert status == 0, said
    account = json.loads(said[said.index("{") :])["accounts"]["tenants"][0]
    assert account["accepted"] == account["stored"] + account["deduplicated"] + account["dead_lettered"], account
    assert account["dead_lettered"] == 0, account
    assert account["stored"] == int(stack.sql("SELECT count(*) FROM logs")), account
    answered = json.loads(stack.ask("/api/v1/query/count?query=service:compose-test")[1])["count"]
    assert answered == sender.events, answered


@contextmanager
def told(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"compose-test: {what}: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
