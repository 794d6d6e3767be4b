"""Three RabbitMQ nodes (deploy/compose/cluster.env): one after the other is killed, and what is sent is taken on."""

from tests.compose.checks import check_bounds
from tests.compose.running import goes_on, reconcile_rows, running, told
from tests.compose.sender import Sender
from tests.compose.stack import Stack
from tests.support.waiting import wait_until

NODES = ("rabbitmq", "rabbitmq2", "rabbitmq3")
_WHOLE_TIMEOUT_S = 120
_ALONE_TIMEOUT_S = 60


def run(stack: Stack, *, may_wait: bool) -> None:
    """Whether nodes that are left may have to wait for the one that went: RabbitMQ before 3.11 at times looks for a
    queue's leader where it was (its pull request 9241), and takes nothing meanwhile; what was accepted stays."""
    with running(stack):
        with told("three nodes have met, and each queue is on all of them"):
            wait_until(lambda: is_whole(stack), _WHOLE_TIMEOUT_S, "queues to be on three nodes")
            check_bounds(stack, *NODES)
        with Sender(stack) as sender:
            for node in NODES:
                with told(f"{node} is killed, two go on, and it comes back"):
                    goes_on(sender, "before")
                    (container,) = stack.containers(node)
                    with stack.without(container):
                        _goes_on_without(node, sender, may_wait=may_wait)
                    goes_on(sender, "behind")
                    # Before the next goes: what was written meanwhile has to be on two nodes that stay.
                    wait_until(lambda: is_whole(stack), _WHOLE_TIMEOUT_S, f"queues to be on {node} again")
            with told("all are killed at once, and come back"):
                goes_on(sender, "before")
                with stack.without(*stack.containers(*NODES)):
                    pass
                goes_on(sender, "behind")
        with told(f"all {sender.events:,} accepted events are there once ({sender.retries} requests were sent again)"):
            reconcile_rows(stack, sender)


def _goes_on_without(node: str, sender: Sender, *, may_wait: bool) -> None:
    try:
        goes_on(sender, f"without {node}", _ALONE_TIMEOUT_S)
    except TimeoutError:
        if not may_wait:
            raise
        print(f"compose-test: nothing was taken without {node}, as happens with RabbitMQ before 3.11", flush=True)


def is_whole(stack: Stack) -> bool:
    """Whether each queue that has copies has one on every node, and all of them answer."""
    said = ""
    for node in NODES:
        status, said = stack.execute(
            node, "rabbitmqctl", "--quiet", "list_queues", "--no-table-headers", "name", "type", "members", "online"
        )
        if status == 0:
            break
    copied = [line.split("\t") for line in said.splitlines() if "\tquorum\t" in line]
    return bool(copied) and all(
        all(f"rabbit@{node}" in names.strip("[]").split(", ") for node in NODES)
        for _, _, *places in copied
        for names in places
    )
