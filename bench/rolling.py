"""Restart everything in turn while events come in, then count: is each there once, and what did senders see?"""

import time
from typing import Any

from tests.chaos.load import Load
from tests.chaos.reconcile import reconcile
from tests.chaos.set_up import SetUp
from tests.support.waiting import wait_until

_PAUSE_EVENTS = 1_000
"""Acknowledged between two restarts."""


def measure(setup: SetUp) -> dict[str, Any]:
    """Every process, then every node of the cluster: SIGTERM, one at a time. Raises RuntimeError when a process does
    not end well, or when the books do not balance afterwards."""
    assert setup.cluster is not None, "of a set-up with a cluster"
    began = time.monotonic()
    # Gentle: afterwards all is compared event by event.
    with Load(setup.api_urls, setup.rng, is_gentle=True) as load:
        for name in setup.processes:
            _go_on(load)
            if status := setup.end(name):
                raise RuntimeError(f"{name} ended with {status}: {setup.processes[name].log()[-1000:]}")
            setup.restart(name)
            setup.wait_ready(name)
        of_processes = _answered_503(load)
        for node in setup.cluster.nodes:
            _go_on(load)
            setup.cluster.restart(node)
        _go_on(load)
        seconds = time.monotonic() - began
    found = reconcile(setup, load)
    if found.faults:
        raise RuntimeError("; ".join(found.faults[:5]))
    return {
        "seconds": seconds,
        "process_restarts": len(setup.processes),
        "node_restarts": len(setup.cluster.nodes),
        "events": found.acknowledged,
        "missing": found.lost,
        "doubled": found.doubled + found.strangers,
        "audit_faults": len(found.faults),
        "unverified_producers": found.unverified,
        "requests_acknowledged": len(load.acknowledged),
        "answered_503_while_processes_restarted": of_processes,
        "answered_503_while_nodes_restarted": _answered_503(load) - of_processes,
        "answered_429": load.refused,
        "cut_under_way": load.broken,
        "found_nobody": load.away,
        "answered_otherwise": len(load.surprises),
        "longest_wait_of_a_sender_s": load.slowest_s,
    }


def _go_on(load: Load) -> None:
    seen = load.events
    wait_until(lambda: load.events >= seen + _PAUSE_EVENTS, 60, "the load to go on")


def _answered_503(load: Load) -> int:
    return load.unanswered - load.broken - load.away
