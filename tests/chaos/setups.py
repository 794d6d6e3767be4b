"""The set-ups that faults befall: which processes run on which parts."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.chaos.trouble import Trouble
from tests.support.cluster import Cluster
from tests.support.disk import mounted
from tests.support.fixtures import database
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis, Server, start_together
from tests.support.threaded_proxy import ThreadedProxy
from tests.support.waiting import wait_until

COMMON = {
    "ingest_heartbeat_s": "0.5",
    "broker_confirm_timeout_s": "3",
    "log_level": "warning",
    # All events are read in one answer at the end, which takes minutes after a long run.
    "store_query_timeout_s": "1200",
}


class SetUp:
    """Processes by name, and the servers they use. Killed ones are restarted on the same port and data."""

    def __init__(self, directory: Path, rng: random.Random) -> None:
        self.rng = rng
        self.directory = directory
        self.data = directory / "data"
        self.processes: dict[str, Cordwood] = {}
        self.servers: dict[str, Server] = {}
        self.settings: dict[str, str] = dict(COMMON)
        self.environment: dict[str, str] = {}
        """Further variables of every process."""
        self.proxies: dict[str, ThreadedProxy] = {}
        self.acknowledged: Callable[[], int] = lambda: 0
        """How many events the load was promised so far."""
        self.refused: Callable[[], int] = lambda: 0
        """How many of its requests were told to wait."""
        self.cluster: Cluster | None = None
        self._trouble: Trouble | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def run(self, *commands: str, names: tuple[str, ...] = ()) -> None:
        """Start a process for each command; `names` where one command runs twice."""
        started = dict(
            zip(names or commands, (Cordwood(each, self.data, **self.settings) for each in commands), strict=True)
        )
        for name, process in started.items():
            process.add_environment(**self.environment)
            self._stack.push(process.__exit__)
            self.processes[name] = process.start(wait=False)
        for name in started:
            self.wait_ready(name)

    def serve(self, **servers: Server) -> None:
        """Start servers of this set-up's own."""
        for server in servers.values():
            self._stack.callback(server.close)
        start_together(*servers.values())
        self.servers |= servers

    def at_end(self, undo: Callable[[], object]) -> None:
        """Undo something when the set-up is taken down."""
        self._stack.callback(undo)

    def put_proxy(self, name: str, url: str) -> str:
        """A proxy before a server; returns the URL to use instead."""
        proxy = self.proxies[name] = self._stack.enter_context(ThreadedProxy(url))
        return proxy.url

    @property
    def trouble(self) -> Trouble:
        """Of processes that are started once this was asked for."""
        if self._trouble is None:
            self._trouble = Trouble(self.directory)
            self.environment |= self._trouble.environment
        return self._trouble

    def mount(self, size_mb: int) -> None:
        """Put the data on a small disk of its own. Raises NotHere where that is not allowed."""
        self._stack.enter_context(mounted(self.data, size_mb))

    def serve_on_small_disk(self, name: str, server: Server, size_mb: int) -> None:
        """Start a server whose disk is a small one. Raises NotHere where that is not allowed."""
        self._stack.enter_context(mounted(server.directory, size_mb))
        self.serve(**{name: server})

    def make_database(self) -> str:
        """A database on the set-up's PostgreSQL, which goes with the server."""
        return self._stack.enter_context(_undropped(self.servers["postgres"].url))

    @property
    def api_urls(self) -> list[str]:
        return [process.url for name, process in self.processes.items() if name.startswith(("api", "up"))]

    @property
    def query(self) -> Cordwood:
        return next(process for name, process in self.processes.items() if name.startswith(("query", "up")))

    def wait_ready(self, name: str) -> None:
        process = self.processes[name]
        wait_until(process.is_ready, 60, f"{name} to be ready: {process.log()[-2000:]}")

    def kill(self, name: str) -> None:
        """SIGKILL and start again; now and then the new one is killed while it starts."""
        process = self.processes[name]
        process.kill()
        process.start(wait=False)

    def end(self, name: str) -> int:
        """SIGTERM, and wait. Returns the exit status."""
        process = self.processes[name].process
        assert process is not None, "started before"
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    @contextmanager
    def held_workers(self) -> Iterator[None]:
        """Workers stand still, so that what is sent meanwhile lies in the queue."""
        held = [process.process for name, process in self.processes.items() if name.startswith("worker")]
        for each in held:
            assert each is not None, "started before"
            each.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for each in held:
                assert each is not None, "started before"
                each.send_signal(signal.SIGCONT)

    def restart(self, name: str) -> None:
        self.processes[name].start(wait=False)

    def audit(self) -> Any:
        """What `cordwood audit --json` says."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CORDWOOD_")}
        environment |= next(iter(self.processes.values())).environment
        done = subprocess.run(
            [sys.executable, "-m", "cordwood", "audit", "--json"],
            env=environment,
            capture_output=True,
            timeout=600,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr.decode()
        return msgspec.json.decode(done.stdout)


class _undropped:  # noqa: N801  # reads as what it makes
    """A database that is not dropped: its server goes first."""

    def __init__(self, url: str) -> None:
        self._made = database(url)

    def __enter__(self) -> str:
        return self._made.__enter__()

    def __exit__(self, *exc: object) -> None:
        return


def embedded(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process."""
    made = SetUp(directory, rng)
    made.run("up")
    return made


def troubled(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process, whose clock and disk can be made to fail. It stores once a second, so that there is
    something left to store when they do."""
    made = SetUp(directory, rng)
    made.settings |= {"worker_pace_s": "1", "worker_writers": "1"}
    made.trouble.shift_clock(0)
    made.run("up")
    return made


def small_disk(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process, on a disk of 200 MB."""
    made = SetUp(directory, rng)
    made.mount(200)
    made.run("up")
    return made


def split(directory: Path, rng: random.Random) -> SetUp:
    """The embedded parts under processes of their own."""
    made = SetUp(directory, rng)
    made.run("worker")
    made.run("api", "query")
    return made


def services(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, PostgreSQL rows and Redis; two api processes, two workers on one queue."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ(), redis=Redis())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "store_url": made.make_database(),
        "cache_url": made.servers["redis"].url,
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "api", "worker", "worker", "query", names=("api", "api2", "worker", "worker2", "query"))
    return made


def small_database(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, and PostgreSQL rows on a disk that can be filled."""
    made = SetUp(directory, rng)
    made.serve_on_small_disk("postgres", Postgres(), 2500)
    made.serve(rabbitmq=RabbitMQ())
    made.settings |= {"broker_url": made.servers["rabbitmq"].url, "store_url": made.make_database()}
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def spooled(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ and PostgreSQL, the api with a spool of its own."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "broker_spool_bytes": str(64 << 20),
        "store_url": made.make_database(),
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def proxied(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ and PostgreSQL behind proxies that cut and stall; the worker's way to RabbitMQ is one of its own."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.put_proxy("rabbitmq", made.servers["rabbitmq"].url),
        "store_url": made.put_proxy("postgres", made.make_database()),
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "query")
    made.settings["broker_url"] = made.put_proxy("rabbitmq's worker", made.servers["rabbitmq"].url)
    made.run("worker")
    return made


def slow(directory: Path, rng: random.Random) -> SetUp:
    """A queue that a slow worker lets run full: 300 kB of room, fifty batches a second."""
    made = SetUp(directory, rng)
    made.settings |= {
        "broker_max_size_bytes": "300000",
        "worker_pace_s": "1",
        "worker_writers": "1",
        "worker_prefetch": "50",
    }
    made.run("worker")
    made.run("api", "query")
    return made


def cluster(directory: Path, rng: random.Random) -> SetUp:
    """A RabbitMQ cluster of three nodes before PostgreSQL rows."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres())
    made.cluster = Cluster()
    made.at_end(made.cluster.close)
    made.settings |= {"broker_url": made.cluster.start().url, "store_url": made.make_database()}
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def segments(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ before segments."""
    made = SetUp(directory, rng)
    made.serve(rabbitmq=RabbitMQ())
    made.settings |= {"broker_url": made.servers["rabbitmq"].url}
    made.run("worker")
    made.run("api", "query")
    return made


def shared(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, and PostgreSQL behind a proxy, which keeps rows and names segments; two workers share a directory."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "store_url": made.put_proxy("postgres", made.make_database()),
        "store_keep": "both",
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "worker", "query", names=("api", "worker", "worker2", "query"))
    return made


SET_UPS = {
    "embedded": embedded,
    "troubled": troubled,
    "small disk": small_disk,
    "split": split,
    "slow": slow,
    "services": services,
    "small database": small_database,
    "spooled": spooled,
    "proxied": proxied,
    "segments": segments,
    "shared": shared,
    "cluster": cluster,
}
