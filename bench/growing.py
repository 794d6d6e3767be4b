"""Events a second with one worker, two, three and four, and what each part of the platform spends on an event."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.endless import Endless
from bench.proc import disk_bytes
from bench.scaled import Platform, Reading, Spent, standing_still
from bench.setups import pid_of
from bench.share import Shares
from cordwood.model.batch import compressed

SHARES = {"rows": 0.1, "segments": 0.4}
"""Of a core, for each worker of a series: small enough that one leaves the machine idle, and four do not."""
_SATURATED = 0.85
_QUIET_CORES, _MOST_QUIET_S = 0.08, 40.0
_PARTS = ("client", "api", "rabbitmq", "worker", "postgres", "redis", "query")


@dataclass(frozen=True)
class GrowingLoad:
    events: int
    """Of each run."""
    batch: int = 10_000
    """Events in a request."""
    look_s: float = 5.0
    """How long it is watched what parts use when nothing comes in."""


@dataclass(frozen=True)
class _Run:
    seconds: float
    filling: Spent
    draining: Spent
    pushed_back: int


class _Source:
    """Events for so many runs."""

    def __init__(self, load: GrowingLoad, runs: int) -> None:
        self.events = load.events
        self._endless = Endless(runs * load.events, load.batch, load.events)
        self.sent = 0

    def bodies(self) -> Iterator[memoryview]:
        first, self.sent = self.sent, self.sent + self.events
        yield from self._endless.bodies(first, self.events)

    def queue_bytes_per_event(self) -> float:
        """Of a request's body, packed as the api packs it."""
        body = next(self._endless.bodies(0, self.events))
        return len(compressed(bytes(body))) / bytes(body).count(b"\n")


def measure(running: Platform, load: GrowingLoad, shares: Shares | None) -> dict[str, Any]:
    """All workers at full speed, where the costs are counted; then a series of workers with a share of a core each.
    Leaves one worker."""
    source = _Source(load, len(running.workers) + 2)
    running.send(source.bodies())  # opens connections, makes partitions, loads what is compiled
    running.await_stored(source.sent)
    _await_quiet(running, load.look_s)
    idle = _watched(running, load.look_s)
    before, began = _kept(running), running.read()
    full = _run(running, source)
    resting = _await_quiet(running, load.look_s)
    figures = {
        "events": load.events,
        "load_before": os.getloadavg()[0],
        **_costs(running, load.events, before, running.since(began), full, resting, idle),
        "queue_bytes_per_event": source.queue_bytes_per_event(),
        "events_per_s": load.events / full.seconds,
        "machine_busy_share": full.draining.machine_share,
        "busy_with_other_work_share": full.draining.others_share,
    }
    figures |= _series(running, source, shares)
    return figures | {"missing": source.sent - running.target.count()}


def _series(running: Platform, source: _Source, shares: Shares | None) -> dict[str, Any]:
    """From all workers down to one."""
    cores = SHARES[running.keep] if shares is not None else None
    runs: dict[int, _Run] = {}
    workers = list(running.workers)
    while workers:
        if shares is not None and cores is not None:
            for worker in workers:
                shares.bind(pid_of(worker), cores)
        runs[len(workers)] = _run(running, source)
        if len(workers) == 1:
            break
        workers.pop().stop()
        running = replace(running, workers=list(workers))
    if shares is not None:
        shares.release()
    rates = {many: source.events / run.seconds for many, run in sorted(runs.items())}
    return {
        "cores_a_worker": "no bound" if cores is None else cores,
        "events_per_s_by_workers": " · ".join(f"{rate:,.0f}" for rate in rates.values()),
        "share_of_linear_by_workers": " · ".join(f"{rate / many / rates[1]:.2f}" for many, rate in rates.items()),
        "machine_busy_by_workers": " · ".join(f"{runs[many].draining.machine_share:.2f}" for many in rates),
        "busy_with_other_work_by_workers": " · ".join(f"{runs[many].draining.others_share:.2f}" for many in rates),
        **{
            f"{part}_cpu_us_per_event_by_workers": " · ".join(
                f"{runs[many].draining.cpu_s[part] / source.events * 1e6:.2f}" for many in rates
            )
            for part in ("worker", "postgres")
        },
        "saturated_by_workers": " · ".join(_saturated(runs[many].draining, many, cores) for many in rates),
        "two_workers_of_linear": rates[2] / 2 / rates[1] if 2 in rates else 1.0,
        "pushed_back": sum(run.pushed_back for run in runs.values()),
    }


def _saturated(spent: Spent, workers: int, cores: float | None) -> str:
    """The resource that has nothing left."""
    if cores is not None and spent.cpu_s["worker"] / spent.seconds >= _SATURATED * cores * workers:
        return "their shares"
    return "the machine's cores" if spent.machine_share >= _SATURATED else "none"


def _run(running: Platform, source: _Source) -> _Run:
    """Fill the queue while workers stand still, then let them go: the rate is theirs alone."""
    with standing_still(running.workers):
        before = running.read()
        pushed_back = running.send(source.bodies())
        filling = running.since(before)
        before, began = running.read(), time.perf_counter()
    running.await_stored(source.sent)
    return _Run(time.perf_counter() - began, filling, running.since(before), pushed_back)


def _costs(
    running: Platform, events: int, before: dict[str, float], whole: Spent, run: _Run, resting: Spent, idle: Spent
) -> dict[str, float]:
    """µs of CPU and bytes that an event costs each part; what a part spends when nothing comes in is left out."""
    figures: dict[str, float] = {}
    for part in _PARTS:
        spent = run.filling.cpu_s[part] + run.draining.cpu_s[part]
        base = idle.cpu_s[part] / idle.seconds * (run.filling.seconds + run.draining.seconds)
        figures[f"{part}_cpu_us_per_event"] = max(0.0, spent - base) / events * 1e6
    later = resting.cpu_s["worker"] - idle.cpu_s["worker"] / idle.seconds * resting.seconds
    figures["worker_later_cpu_us_per_event"] = max(0.0, later) / events * 1e6
    for name, value in _kept(running).items():
        rate, per = (1e6, "million_events") if name in ("wal_syncs", "commits") else (1, "event")
        figures[f"{name}_per_{per}"] = (value - before[name]) / events * rate
    for part in ("postgres", "rabbitmq"):
        figures[f"{part}_written_bytes_per_event"] = whole.written[part] / events
    for part in ("rabbitmq", "postgres", "worker", "api"):
        figures[f"{part}_idle_cores"] = idle.cpu_s[part] / idle.seconds
    return figures


def _kept(running: Platform) -> dict[str, float]:
    """What PostgreSQL and segments have taken so far."""
    with psycopg.connect(running.dsn, autocommit=True) as connection:
        row = connection.execute("""
            SELECT pg_database_size(current_database()), pg_current_wal_lsn() - '0/0'::pg_lsn,
                (SELECT wal_sync FROM pg_stat_wal),
                (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())
        """).fetchone()
    assert row is not None, "one row"
    size, wal, syncs, commits = map(float, row)
    return {
        "database_bytes": size,
        "wal_bytes": wal,
        "wal_syncs": syncs,
        "commits": commits,
        "segment_bytes": float(disk_bytes(running.segments_dir)),
    }


def _watched(running: Platform, seconds: float) -> Spent:
    before = running.read()
    threading.Event().wait(seconds)
    return running.since(before)


def _await_quiet(running: Platform, look_s: float) -> Spent:
    """Until workers have merged what there is to merge. Returns what that took."""
    before: Reading = running.read()
    while running.since(before).seconds < _MOST_QUIET_S:
        if _watched(running, look_s).cpu_s["worker"] / look_s < _QUIET_CORES:
            break
    return running.since(before)


def newest_ms() -> int:
    """The timestamp up to which events were sent: the last full hour."""
    return int(datetime.now(UTC).replace(minute=0, second=0, microsecond=0).timestamp() * 1000)
