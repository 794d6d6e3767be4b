"""What a fault befalls: processes by name, and the servers that they use."""

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
from tests.support.servers import Server, start_together
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
