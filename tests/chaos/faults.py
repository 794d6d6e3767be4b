"""What goes wrong: each fault befalls a set-up under load, once a call, and leaves it able to recover."""

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos.set_up import SetUp
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
        _for(setup, 0.5, 3.0)
        with _away(setup.servers[name], setup):
            _for(setup, 0.0, 2.0)
        _for(setup, 0.5, 1.5)

    return fault


def killed_after_commit(setup: SetUp) -> None:
    """SIGKILL of the worker the moment after it has stored something, before its acks are durable: all that comes
    again. A kill at random hits that moment once in dozens."""
    setup.wait_ready("worker")
    _for(setup, 0.0, 0.5)
    with closing(_opened(setup.data / "store" / "catalog.sqlite")) as catalog:
        before = _stored(catalog)
        until = time.monotonic() + 20
        while _stored(catalog) == before:  # without a pause: the moment is a few ms long
            assert time.monotonic() < until, "the worker to store something"
        setup.kill("worker")


def queue_killed(setup: SetUp) -> None:
    """SIGKILL of RabbitMQ while batches lie in it, which workers would have taken long before."""
    _for(setup, QUEUE_AGE_S, QUEUE_AGE_S + 0.5)
    with setup.held_workers():
        _for(setup, 0.2, 0.6)
        setup.servers["rabbitmq"].kill()
    _for(setup, 0.0, 2.0)
    setup.servers["rabbitmq"].start()
    _for(setup, 0.5, 1.5)


def killed_while_spooling(setup: SetUp) -> None:
    """SIGKILL of the api while it keeps batches in its spool, and again while it hands them over."""
    setup.wait_ready("api")
    _for(setup, QUEUE_AGE_S, QUEUE_AGE_S + 0.5)
    with _away(setup.servers["rabbitmq"], setup):
        _for(setup, 0.5, 1.5)
        promised = setup.acknowledged()
        wait_until(lambda: setup.acknowledged() > promised, 20, "the spool to take something")
        setup.kill("api")
        _for(setup, 0.0, 1.0)
    _for(setup, 0.0, 0.6)
    setup.kill("api")


def node_killed(setup: SetUp) -> None:
    """SIGKILL of one of three RabbitMQ nodes; the queue lives on in the other two."""
    assert setup.cluster is not None, "of the cluster set-up"
    _for(setup, QUEUE_AGE_S, QUEUE_AGE_S + 1)
    node = setup.cluster.nodes[setup.rng.choice(sorted(setup.cluster.nodes))]
    with _away(node, setup):
        _for(setup, 2.0, 6.0)
    setup.cluster.wait_whole()


def node_restarted(setup: SetUp) -> None:
    """SIGTERM of one of three RabbitMQ nodes, and its start: a step of a rolling upgrade."""
    assert setup.cluster is not None, "of a set-up with a cluster"
    _for(setup, QUEUE_AGE_S, QUEUE_AGE_S + 1)
    setup.cluster.restart(setup.rng.choice(sorted(setup.cluster.nodes)))


def node_parted(setup: SetUp) -> None:
    """One of three RabbitMQ nodes is cut off from the others, while its clients still reach it."""
    assert setup.cluster is not None, "of the cluster set-up"
    _for(setup, QUEUE_AGE_S, QUEUE_AGE_S + 1)
    name = setup.rng.choice(sorted(setup.cluster.nodes))
    setup.cluster.part(name)
    _for(setup, 3.0, 8.0)
    setup.cluster.join(name)


def connections_cut(*names: str) -> Fault:
    """Every connection to a server is reset, wherever in a frame it was."""

    def fault(setup: SetUp) -> None:
        for _ in range(3):
            _for(setup, 0.05, 0.8)
            for name in names:
                setup.proxies[name].cut()

    return fault


def acks_lost(setup: SetUp) -> None:
    """The worker stores what it has in hand, and RabbitMQ does not hear that it did: all of it comes again."""
    _for(setup, 0.3, 1.0)
    proxy = setup.proxies["rabbitmq's worker"]
    stored = setup.query.count()
    proxy.fall_deaf()
    wait_until(lambda: setup.query.count() > stored, 20, "the worker to store something")
    _for(setup, 0.1, 0.5)
    proxy.cut()


def connections_stalled(*names: str) -> Fault:
    """The server falls silent, or deaf, on every open connection for some seconds; then they end."""

    def fault(setup: SetUp) -> None:
        _for(setup, 0.3, 1.0)
        proxies = [setup.proxies[name] for name in names]
        is_deaf = setup.rng.random() < 0.5
        for proxy in proxies:
            proxy.fall_deaf() if is_deaf else proxy.fall_silent()
        _for(setup, 1.0, 6.0)
        for proxy in proxies:
            proxy.cut()

    return fault


def clock_jumped(setup: SetUp) -> None:
    """The wall clock jumps by up to two days, back or forth; ids are made of it, and the ledger's minutes."""
    _for(setup, 0.2, 0.6)
    setup.trouble.shift_clock(setup.rng.choice([-1, 1]) * 10 ** setup.rng.uniform(-2, 5.2))


def clock_set_right(setup: SetUp) -> None:
    """And back to what it is."""
    setup.trouble.shift_clock(0)
    _for(setup, 0.2, 0.6)


def syncs_failed(setup: SetUp) -> None:
    """fsync fails: nothing may be acknowledged meanwhile, nor may a segment be named."""
    _for(setup, 0.1, 0.8)
    setup.trouble.fail_syncs(fail=True)
    _for(setup, 0.3, 0.4)  # what was synced before may still be on its way to its sender
    promised, stored = setup.acknowledged(), setup.query.count()
    _for(setup, 0.2, 1.5)
    assert setup.acknowledged() == promised, "events were acknowledged that no disk had promised to keep"
    assert setup.query.count() == stored, "events were stored that no disk had promised to keep"
    setup.trouble.fail_syncs(fail=False)


def disk_filled(setup: SetUp) -> None:
    """No byte is left, in the middle of queue writes, segment writes and commits; then there is room again."""
    _for(setup, 0.1, 0.8)
    with _no_byte_left(setup.data):
        _for(setup, 0.3, 2.0)


def database_disk_filled(setup: SetUp) -> None:
    """No byte is left for PostgreSQL's rows and its log; then there is room again, and it is started where it ended."""
    server = setup.servers["postgres"]
    _for(setup, 0.1, 0.8)
    with _no_byte_left(server.directory):
        _for(setup, 1.0, 4.0)
    server.start()


@contextmanager
def _no_byte_left(directory: Path) -> Iterator[None]:
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        block = bytes(1 << 20)
        while len(block):
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]
    yield
    filler.unlink()


def memory_ran_out(*names: str) -> Fault:
    """Allocations begin to fail at a random moment; then the kernel's killer comes."""

    def fault(setup: SetUp) -> None:
        name = setup.rng.choice(names)
        setup.wait_ready(name)
        _for(setup, 0.1, 0.6)
        process = setup.processes[name].process
        assert process is not None, "started before"
        used = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(process.pid, resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
        _for(setup, 0.1, 0.8)
        setup.kill(name)

    return fault


def load_went_on(setup: SetUp) -> None:
    """No fault but more load than the worker takes: the queue runs full, keeps its bound, senders hear 429."""
    bound, refused = int(setup.settings["broker_max_size_bytes"]), setup.refused()
    until = time.monotonic() + setup.rng.uniform(5.0, 6.0)
    with closing(_opened(setup.data / "queue.sqlite")) as queue:
        while time.monotonic() < until:
            ((held,),) = queue.execute("SELECT size_bytes FROM totals").fetchall()
            assert held <= bound, f"the queue holds {held:,} bytes; {bound:,} are its bound"
            _for(setup, 0.05, 0.1)
    assert setup.refused() > refused, "nobody was told to wait"


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _stored(catalog: sqlite3.Connection) -> int:
    ((events,),) = catalog.execute("SELECT coalesce(sum(stored), 0) FROM holdings").fetchall()
    return int(events)


@contextmanager
def _away(server: Server, setup: SetUp) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()
