"""`bench profile`: where the CPU goes while `cordwood up` takes events in, compaction included.

The load comes three times: alone, for what it costs, then under two looks. `perf` samples the processors and says in
which library the instructions were, `py-spy` samples the threads that run and says which function of ours they were in,
or called from. Both must be installed (`pip install py-spy`); Linux only.
"""

import operator
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ingest
from bench.endless import Endless
from bench.files import await_rest
from bench.setups import Setup
from bench.target import Watch, await_count

_TIMEOUT_S = 120.0
_CLIENTS, _BATCH = 4, 50_000
_HERTZ = 199
_SHOWN = 14
_LEAST_PERCENT = 0.8


@dataclass(frozen=True)
class ProfileLoad:
    events: int
    """Sent each time."""


def measure(setup: Setup, load: ProfileLoad) -> dict[str, Any]:
    """Warm up, then send three times. Raises RuntimeError where a profiler is missing."""
    for tool in ("perf", "py-spy"):
        if shutil.which(tool) is None:
            raise RuntimeError(f"{tool} is not installed")
    target = setup.target("/api/v1/ingest")
    pid = next(iter(setup.processes.values()))
    events = max(load.events // _BATCH, 1) * _BATCH
    warm_up = min(events, 20 * _BATCH)
    endless = Endless(warm_up + 3 * events, _BATCH)
    begun = target.count()

    def send(first: int, count: int) -> None:
        ingest.send(target, ingest.NDJSON, endless.bodies(first, count), _CLIENTS)
        await_count(target, begun + first + count, _TIMEOUT_S)
        await_rest(setup.data_dir)

    send(0, warm_up)
    figures: dict[str, Any] = {"events": events}
    with tempfile.TemporaryDirectory(prefix="cordwood-profile-") as folder:
        samples, stacks = Path(folder) / "perf.data", Path(folder) / "stacks"
        watch = Watch(target)
        send(warm_up, events)
        figures |= watch.cost(events)
        with _beside(["perf", "record", "-q", "-F", str(_HERTZ), "-p", str(pid), "-o", str(samples)]):
            send(warm_up + events, events)
        figures |= {f"in {name} %": share for name, share in _by(samples, "dso")}
        figures |= {f"at {name} %": share for name, share in _by(samples, "symbol")}
        spy = ["py-spy", "record", "-p", str(pid), "-r", str(_HERTZ), "-f", "raw", "-o", str(stacks), "-d", "100000"]
        with _beside(spy):
            send(warm_up + 2 * events, events)
        figures |= {f"under {name} %": share for name, share in _by_function(stacks)}
    figures["missing"] = begun + warm_up + 3 * events - target.count()
    return figures


@contextmanager
def _beside(command: list[str]) -> Iterator[None]:
    """A profiler that runs for as long as the block, and has written its file behind it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as profiler:
        try:
            yield
        finally:
            profiler.send_signal(signal.SIGINT)
            said = profiler.communicate()[1]
    if profiler.returncode not in (0, 1, -signal.SIGINT, 128 + signal.SIGINT):
        raise RuntimeError(f"{command[0]} ended with {profiler.returncode}: {said[-500:]}")


def _by(samples: Path, key: str) -> list[tuple[str, float]]:
    """The largest shares of all samples, in percent, by shared object or by symbol."""
    report = subprocess.run(
        ["perf", "report", "-i", samples, "--stdio", "-q", "--sort", key, "-F", f"overhead,{key}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found: list[tuple[str, float]] = []
    for line in report.splitlines():
        share, _, name = line.strip().partition("%")
        name = name.removesuffix("-      -").strip().removeprefix("[.] ").removeprefix("[k] ")
        # Addresses are of compiled loops, which have no names.
        if name and not name.startswith("0x") and float(share) >= _LEAST_PERCENT:
            name = "compiled loops" if name.startswith("[JIT]") else "kernel" if name == "[kernel.kallsyms]" else name
            found.append((name, float(share)))
    return sorted(found, key=operator.itemgetter(1), reverse=True)[:_SHOWN]


def _by_function(stacks: Path) -> list[tuple[str, float]]:
    """The largest shares, in percent, by the innermost function of ours; of the samples in which there was one."""
    shares: Counter[str] = Counter()
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        ours = [frame for frame in frames.split(";") if "cordwood/" in frame]
        if ours:
            shares[_named(ours[-1])] += int(count)
    total = shares.total()
    return [(name, 100 * count / total) for name, count in shares.most_common(_SHOWN)]


def _named(frame: str) -> str:
    """`function (…/src/cordwood/store/x.py:12)` as `store/x.py function`."""
    function, _, place = frame.partition(" (")
    return f"{place.rpartition('cordwood/')[2].partition(':')[0]} {function}"
