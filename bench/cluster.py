"""`bench cluster`: the platform scaled out on one machine, restarted part by part under load, and grown by workers.

Three api, four worker and two query processes, a RabbitMQ cluster of three nodes, PostgreSQL and Redis.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tests.chaos.set_up import SetUp
from tests.chaos.setups import on_cluster, scale_out

from bench import asking, growing, rolling
from bench.scaled import Keep, platform
from bench.share import shares

Part = Literal["rolling", "rows", "segments"]
PARTS: tuple[Part, ...] = get_args(Part)
_SEED = 7


@dataclass(frozen=True)
class ClusterLoad:
    events: int
    """Of each run with so many workers."""
    parts: Sequence[Part] = PARTS
    ask_s: float = 6.0


def measure(load: ClusterLoad) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and figures of each part, as soon as it is done."""
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-") as folder:
        directory = Path(folder)
        with on_cluster(directory, random.Random(_SEED)) as servers:
            if "rolling" in load.parts:
                yield "rolling", rolling.measure(scale_out(servers))
                for name in servers.processes:
                    servers.end(name)
            for keep in load.parts:
                if keep != "rolling":
                    yield keep, _grown(servers, keep, directory, load)


def _grown(servers: SetUp, keep: Keep, directory: Path, load: ClusterLoad) -> dict[str, Any]:
    with ExitStack() as stack:
        running = stack.enter_context(platform(servers, keep, directory))
        bound = stack.enter_context(shares())
        figures = growing.measure(running, growing.GrowingLoad(load.events), bound)
        return figures | asking.measure(running, asking.AskingLoad(growing.newest_ms(), load.ask_s), bound)
