"""`bench suite`: every set-up, every figure, beside its goal."""

import json
import os
import platform
import statistics
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench import bare_copy, ingest, proc, query, single, visible
from bench.constant import constant
from bench.report import human, show
from bench.results import write
from bench.setups import Setup, embedded, services
from bench.target import Target

_IDLE_S = 5.0
_SINGLE_S, _SINGLE_RUNS = 5.0, 5
_QUERY_EVENTS = 1_000_000
_OWN_RUNS = ("query", "people", "page", "soak", "scale", "profile", "rows", "tracing")
"""Parts that take long, and have commands of their own: the suite leaves what they found."""

Figures = dict[str, Any]


def main(events: int, runs: int, wanted: Sequence[str], out: Path) -> int:
    """Measure, print, write `results.json` and `RESULTS.md`. Returns the exit status: 1 when an event was missing."""
    setups: dict[str, AbstractContextManager[Setup]] = {
        "embedded": embedded(),
        "services": services(),
        "shared": services("segments"),
    }
    results: Figures = {"measured_at": _now(), "machine": machine()}
    for name in wanted:
        with setups[name] as setup:
            results[name] = _measure(setup, events, runs)
    if "embedded" in wanted:
        with embedded() as setup:
            small = query.measure(setup, query.QueryLoad(min(events, _QUERY_EVENTS)))
            results["embedded"]["query_small"] = small
            _show(setup, "query_small", results["embedded"])
    for name, parts in _earlier(out).items():
        if name == "cluster":
            results[name] = parts
        elif name in setups and (kept := {part: parts[part] for part in parts if part in _OWN_RUNS}):
            results[name] = results.get(name, {}) | kept
    _write(out, results)
    return int(any(figures.get("missing") for name in wanted for figures in results[name].values()))


def record(out: Path, setup: str, part: str, figures: Figures) -> None:
    """Put one part of a set-up, measured by itself, beside what the suite has found."""
    results = _earlier(out) or {"measured_at": _now(), "machine": machine()}
    results[setup] = results.get(setup, {}) | {part: {"measured_at": _now(), **figures}}
    _write(out, results)


def _earlier(out: Path) -> Figures:
    file = out / "results.json"
    earlier: Figures = json.loads(file.read_text()) if file.exists() else {}
    return earlier


def _write(out: Path, results: Figures) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    write(out / "RESULTS.md", results)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def machine() -> dict[str, str]:
    """What figures depend on."""
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    models = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    return {
        "processor": f"{', '.join(sorted(models)) or platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{memory_kb / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _measure(setup: Setup, events: int, runs: int) -> dict[str, Figures]:
    threading.Event().wait(_IDLE_S)
    pids = setup.processes
    found: dict[str, Figures] = {
        "idle": {f"{name}_memory_bytes": proc.memory_bytes([pid], "VmRSS") for name, pid in pids.items()}
    }
    _show(setup, "idle", found)
    query = f"{setup.query_url}/api/v1/query"
    # The first event makes the day's partitions and opens connections: that is no part of a rate.
    visible.measure(setup.target("/log"), visible.VisibleLoad(query, samples=5))
    # The small before the large: what a million events leave to compact would run beside it.
    found["visible"] = visible.measure(setup.target("/log"), visible.VisibleLoad(query))
    _show(setup, "visible", found)
    with constant() as bare:
        for name, connections in (("single", 64), ("single_256", 256)):
            load = single.SingleLoad(connections, seconds=_SINGLE_S)
            found[name] = beside_constant(setup.target("/log"), bare, load, _SINGLE_RUNS)
            _show(setup, name, found)
    copies: list[Figures] = []
    ingests: list[Figures] = []
    for _ in range(runs):
        # Before each run and in the same table: both meet the same neighbours and the same checkpoints.
        if setup.dsn is not None:
            copies.append(bare_copy.measure(setup.dsn, events))
            _forget_rows(setup.dsn)
        ingests.append(ingest.measure(setup.target("/api/v1/ingest"), ingest.IngestLoad(events, 4, 50_000)))
        if setup.dsn is not None and len(ingests) < runs:
            _forget_rows(setup.dsn)
    if copies:
        found["copy"] = _median(copies, "copied_rows_per_s")
        _show(setup, "copy", found)
    found["ingest"] = _median(ingests, "queryable_events_per_s")
    if copies:
        # Run by run: each ingest is held against the copy just before it, whatever else the machine did then.
        found["ingest"]["share_of_copy"] = statistics.median(
            ingested["queryable_events_per_s"] / copied["copied_rows_per_s"]
            for ingested, copied in zip(ingests, copies, strict=True)
        )
    _show(setup, "ingest", found)
    return found


def beside_constant(target: Target, bare: Target, load: single.SingleLoad, runs: int) -> Figures:
    """The middle run of `target`, and its share of what `bare` answers; by turns, so both meet the same machine."""
    constants: list[Figures] = []
    singles: list[Figures] = []
    for _ in range(runs):
        constants.append(single.measure(bare, load))
        singles.append(single.measure(target, load))
    figures = _median(singles, "requests_per_s")
    figures["constant_requests_per_s"] = statistics.median(each["requests_per_s"] for each in constants)
    figures["share_of_constant"] = statistics.median(
        ours["requests_per_s"] / theirs["requests_per_s"] for ours, theirs in zip(singles, constants, strict=True)
    )
    return figures


def _median(results: Sequence[Figures], by: str) -> Figures:
    """The middle run, and all runs' rates; an event missing in any run shows."""
    ordered = sorted(results, key=lambda figures: float(figures[by]))
    middle = dict(ordered[len(ordered) // 2])
    middle["runs"] = " · ".join(human(by, figures[by]) for figures in results)
    if "missing" in middle:
        middle["missing"] = sum(figures["missing"] for figures in results)
    middle["spread_percent"] = 100 * statistics.pstdev(figures[by] for figures in results) / middle[by]
    return middle


def _forget_rows(dsn: str) -> None:
    """Begin the next run with an empty table and no writing back under way."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE logs")
        connection.execute("CHECKPOINT")


def _show(setup: Setup, name: str, found: dict[str, Figures]) -> None:
    show(f"{setup.name}: {name}", found[name], None)
