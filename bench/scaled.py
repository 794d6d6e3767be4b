"""A platform that is scaled out: three api, four worker and two query processes on servers that are there."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.chaos.set_up import SetUp
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

from bench import ingest, proc
from bench.setups import cordwood, migrate, pid_of
from bench.target import Target, await_count

Keep = Literal["rows", "segments"]

APIS, WORKERS, QUERIES = 3, 4, 2
_TIMEOUT_S, _READY_S = 120.0, 180.0


@dataclass(frozen=True)
class Reading:
    """CPU seconds used so far, by part and by the whole machine, and bytes that parts have had written to disk."""

    at_s: float
    machine_cpu_s: float
    cpu_s: Mapping[str, float]
    written: Mapping[str, int]


@dataclass(frozen=True)
class Spent:
    """What was used between two readings."""

    seconds: float
    machine_cpu_s: float
    cpu_s: Mapping[str, float]
    written: Mapping[str, int]

    @property
    def machine_share(self) -> float:
        """Of all cores of the machine, everybody's work together."""
        return self.machine_cpu_s / self.seconds / (os.cpu_count() or 1)

    @property
    def others_share(self) -> float:
        """Of all cores, what was none of ours: it spoils rates."""
        return max(0.0, self.machine_cpu_s - sum(self.cpu_s.values())) / self.seconds / (os.cpu_count() or 1)


@dataclass(frozen=True)
class Platform:
    """What runs, and where it keeps things."""

    keep: Keep
    apis: Sequence[Cordwood]
    workers: Sequence[Cordwood]
    queries: Sequence[Cordwood]
    servers: Mapping[str, Sequence[int]]
    """Pids of PostgreSQL, RabbitMQ (all nodes) and Redis."""
    dsn: str
    queue: str
    segments_dir: Path

    def read(self) -> Reading:
        parts = {
            "client": [os.getpid()],
            "api": list(map(pid_of, self.apis)),
            "worker": list(map(pid_of, self.workers)),
            "query": list(map(pid_of, self.queries)),
            **self.servers,
        }
        # The client has started all others: its family is everybody.
        cpu_s = {name: proc.cpu_s(pids) if name != "client" else time.process_time() for name, pids in parts.items()}
        written = {name: proc.written_bytes(pids) for name, pids in parts.items() if name != "client"}
        return Reading(time.monotonic(), proc.machine_cpu_s(), cpu_s, written)

    def since(self, before: Reading) -> Spent:
        now = self.read()
        return Spent(
            now.at_s - before.at_s,
            now.machine_cpu_s - before.machine_cpu_s,
            {name: now.cpu_s[name] - before.cpu_s[name] for name in now.cpu_s},
            {name: now.written[name] - before.written[name] for name in now.written},
        )

    @property
    def target(self) -> Target:
        """Where to count."""
        return Target(self.apis[0].url, "", count_url=f"{self.queries[0].url}/api/v1/query/count")

    def send(self, bodies: Iterable[ingest.Body]) -> int:
        """Through all api processes, one client each. Returns how many requests were told to come again."""
        shares: list[list[ingest.Body]] = [[] for _ in self.apis]
        for number, body in enumerate(bodies):
            shares[number % len(shares)].append(body)

        def sent(api: Cordwood, share: list[ingest.Body]) -> int:
            return ingest.send(Target(api.url, "/api/v1/ingest"), ingest.NDJSON, share, 1)

        with ThreadPoolExecutor(len(shares)) as pool:
            return sum(pool.map(sent, self.apis, shares))

    def await_stored(self, wanted: int) -> None:
        """Return once so many events can be queried. Raises RuntimeError when they do not come."""
        found = await_count(self.target, wanted, _TIMEOUT_S)
        if found != wanted:
            raise RuntimeError(f"{found} events can be queried, {wanted} were sent")


@contextmanager
def platform(servers: SetUp, keep: Keep, directory: Path) -> Iterator[Platform]:
    """On the cluster, PostgreSQL and Redis of a set-up, with a database and a queue of its own."""
    assert servers.cluster is not None, "of a set-up with a cluster"
    dsn, queue = servers.make_database(), f"cordwood.bench.{keep}"
    data_dir = directory / keep
    settings = {
        "broker_url": servers.cluster.url,
        "broker_queue": queue,
        "store_url": dsn,
        "store_keep": keep,
        "store_segments_dir": str(data_dir / "segments"),
        "cache_url": servers.servers["redis"].url,
        "log_level": "warning",
    }
    migrate(settings)
    with ExitStack() as stack:

        def run(command: str, many: int) -> list[Cordwood]:
            started = [cordwood(command, data_dir, **settings).start(wait=False) for _ in range(many)]
            for each in started:
                stack.push(each.__exit__)
            return started

        apis, workers, queries = run("api", APIS), run("worker", WORKERS), run("query", QUERIES)
        for each in (*apis, *workers, *queries):
            wait_until(each.is_ready, _READY_S, f"a process to be ready: {each.log()[-1000:]}")
        yield Platform(
            keep,
            apis,
            workers,
            queries,
            {
                "postgres": [servers.servers["postgres"].pid],
                "rabbitmq": [node.pid for node in servers.cluster.nodes.values()],
                "redis": [servers.servers["redis"].pid],
            },
            dsn,
            queue,
            data_dir / "segments",
        )


@contextmanager
def standing_still(processes: Sequence[Cordwood]) -> Iterator[None]:
    """So that what is sent meanwhile waits in the queue; for less than the broker's patience, some ten seconds."""
    for each in processes:
        os.kill(pid_of(each), signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(pid_of(each), signal.SIGCONT)
