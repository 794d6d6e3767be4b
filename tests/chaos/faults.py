"""What goes wrong: each fault befalls a set-up under load, once a call, and leaves it able to recover."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.chaos.setups import SetUp
from tests.support.servers import Server
from tests.support.waiting import wait_until

Fault = Callable[[SetUp], None]

QUEUE_AGE_S = 2.5
"""A quorum queue that is killed sooner after its declaration does not recover on RabbitMQ 3.10."""


def _for(setup: SetUp, least_s: float, most_s: float) -> None:
    """Let the load run for a random while: the moment of the fault is the point of it."""
    until = time.monotonic() + setup.rng.uniform(least_s, most_s)
    wait_until(lambda: time.monotonic() >= until, most_s + 1)


def killed(*names: str) -> Fault:
    """SIGKILL of one of these processes at a random moment; the next one may come while it is still starting."""

    def fault(setup: SetUp) -> None:
        name = setup.rng.choice(names)
        if setup.rng.random() < 0.8:
            setup.wait_ready(name)
        _for(setup, 0.0, 0.6)
        setup.kill(name)

    return fault


def restarted(*names: str) -> Fault:
    """SIGTERM: the process ends in order, with status 0, and is started again."""

    def fault(setup: SetUp) -> None:
        name = setup.rng.choice(names)
        setup.wait_ready(name)
        _for(setup, 0.0, 0.4)
        status = setup.end(name)
        assert status == 0, f"{name} ended with {status}: {setup.processes[name].log()[-2000:]}"
        setup.restart(name)

    return fault


def server_killed(name: str) -> Fault:
    """SIGKILL of a whole server, and its restart on the same data."""

    def fault(setup: SetUp) -> None:
        _for(setup, 0.5, 1.5)
        with _away(setup.servers[name], setup):
            _for(setup, 0.0, 2.0)
        _for(setup, QUEUE_AGE_S if name == "rabbitmq" else 0.5, QUEUE_AGE_S + 0.5)

    return fault


@contextmanager
def _away(server: Server, setup: SetUp) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()
