"""`bench soak`: does memory grow under a load that goes on?"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import ingest, proc
from bench.endless import Endless
from bench.setups import Setup
from bench.target import Watch, await_count

_TIMEOUT_S = 120.0
_WARM_SHARE = 0.2
"""Of the events: until then caches and pools fill."""
_SHOWN = 10


@dataclass(frozen=True)
class SoakLoad:
    events: int
    clients: int = 4
    batch: int = 50_000
    every_s: float = 1.0
    """Between two looks at memory."""
    rate: float = 0.0
    """Events a second; 0: as fast as they are taken."""


class _Samples:
    """Resident memory beside the events sent until then, in a thread."""

    def __init__(self, setup: Setup, every_s: float) -> None:
        self._pids = list(setup.processes.values())
        self._every_s = every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.sent = 0
        self.taken: list[tuple[int, int]] = []

    def __enter__(self) -> "_Samples":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.taken.append((self.sent, proc.memory_bytes(self._pids, "VmRSS")))
            if self._is_over.wait(self._every_s):
                return


def measure(setup: Setup, load: SoakLoad) -> dict[str, Any]:
    """Send everything, watch, count."""
    target = setup.target("/api/v1/ingest")
    endless = Endless(load.events, load.batch)
    before = target.count()
    watch = Watch(target)
    started = time.perf_counter()
    with _Samples(setup, load.every_s) as samples:
        pushed_back = ingest.send(target, ingest.NDJSON, _paced(endless, load, samples), load.clients)
        found = await_count(target, before + load.events, _TIMEOUT_S) - before
    queryable_s = time.perf_counter() - started
    return {
        "events": load.events,
        "missing": load.events - found,
        "queryable_events_per_s": found / queryable_s,
        "pushed_back": pushed_back,
        **watch.cost(load.events),
        **growth(samples.taken, load.events),
    }


def growth(samples: list[tuple[int, int]], events: int) -> dict[str, Any]:
    """How memory went, by samples of (sent, bytes): its slope once warm and as long as events come, and some samples.

    No slope where the samples are too few for a line.
    """
    warm = [(sent, size) for sent, size in samples if events * _WARM_SHARE <= sent < events]
    figures: dict[str, Any] = {"samples": len(samples)}
    if len({sent for sent, _ in warm}) > 1:
        sent, sizes = np.array(warm, np.float64).T
        slope, _ = np.polyfit(sent, sizes, 1)
        grown = slope * (sent[-1] - sent[0])
        figures["memory_growth_bytes_per_event"] = float(slope)
        figures["memory_growth_percent"] = float(100 * grown / sizes.mean())
    some = samples[:: max(1, len(samples) // _SHOWN)]
    figures["memory_mb_by_million_events"] = " · ".join(f"{sent / 1e6:g}: {size / 1e6:.0f}" for sent, size in some)
    return figures


def _paced(endless: Endless, load: SoakLoad, samples: _Samples) -> Iterator[memoryview]:
    started = time.monotonic()
    for body in endless.bodies(0, load.events):
        if load.rate:
            due_s = samples.sent / load.rate - (time.monotonic() - started)
            threading.Event().wait(max(0.0, due_s))
        yield body
        samples.sent += load.batch
