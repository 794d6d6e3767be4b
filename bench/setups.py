"""The set-ups that the suite measures, started privately: embedded, and on RabbitMQ, PostgreSQL and Redis, with rows or
with segments."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis, Server, start_together

from bench.target import Target

_DATABASE = "bench"
_AS_INSTALLED = Path(__file__).parent / "as_installed"


@dataclass(frozen=True)
class Setup:
    """A running set-up. `dsn` is where its rows are, if it has rows."""

    name: str
    processes: dict[str, int]
    ingest_url: str
    query_url: str
    data_dir: Path
    dsn: str | None = None
    others: Sequence[Server] = ()

    def target(self, path: str) -> Target:
        return Target(
            url=self.ingest_url,
            path=path,
            count_url=f"{self.query_url}/api/v1/query/count",
            pids=list(self.processes.values()),
            data_dir=self.data_dir,
        )


@contextmanager
def embedded(**settings: str) -> Iterator[Setup]:
    """`cordwood up` in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-") as folder:
        data_dir = Path(folder) / "data"
        with cordwood("up", data_dir, **settings) as up, _telling_what_ended({"up": up}):
            yield Setup("embedded", {"up": pid_of(up)}, up.url, up.url, data_dir)


@contextmanager
def services(keep: Literal["rows", "segments"] = "rows") -> Iterator[Setup]:
    """api, worker and query on servers of their own; named "shared" where they keep segments."""
    postgres, rabbitmq, redis = Postgres(), RabbitMQ(), Redis()
    with ExitStack() as stack:
        for server in (postgres, rabbitmq, redis):
            stack.callback(server.close)
        start_together(postgres, rabbitmq, redis)
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_DATABASE}".encode())
        dsn = postgres.url_of(_DATABASE)
        settings = {"broker_url": rabbitmq.url, "store_url": dsn, "cache_url": redis.url, "store_keep": keep}
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cordwood-bench-"))) / "data"
        settings["store_segments_dir"] = str(data_dir / "segments")
        migrate(settings)
        running = {
            name: stack.enter_context(cordwood(name, data_dir, **settings)) for name in ("api", "worker", "query")
        }
        stack.enter_context(_telling_what_ended(running))
        yield Setup(
            "services" if keep == "rows" else "shared",
            {name: pid_of(process) for name, process in running.items()},
            running["api"].url,
            running["query"].url,
            postgres.directory / "data" if keep == "rows" else data_dir,
            dsn if keep == "rows" else None,
            (postgres, rabbitmq, redis),
        )


def cordwood(command: str, data_dir: Path, **settings: str) -> Cordwood:
    """As users have it, without what comes with development tools."""
    process = Cordwood(command, data_dir, **settings)
    path = os.environ.get("PYTHONPATH")
    process.add_environment(PYTHONPATH=os.pathsep.join([str(_AS_INSTALLED), *([path] if path else [])]))
    return process


@contextmanager
def _telling_what_ended(running: Mapping[str, Cordwood]) -> Iterator[None]:
    """A refused connection says little: add which process ended, and its last words."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        ended = {
            name: process.log()[-1000:]
            for name, process in running.items()
            if process.process is not None and process.process.poll() is not None
        }
        raise RuntimeError(f"{error}; ended meanwhile: {ended or 'none'}") from error


def migrate(settings: dict[str, str]) -> None:
    """Make the tables of a database."""
    env = {**os.environ, **{f"CORDWOOD_{name.upper()}": value for name, value in settings.items()}}
    subprocess.run([sys.executable, "-m", "cordwood", "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)


def pid_of(process: Cordwood) -> int:
    """Of a process that was started."""
    assert process.process is not None, "it has been started"
    return process.process.pid
