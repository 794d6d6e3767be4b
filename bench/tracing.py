"""`bench tracing`: what it costs `cordwood up` that requests are traced."""

import statistics
import threading
from dataclasses import dataclass
from typing import Any

from bench import ingest, single
from bench.constant import constant
from bench.setups import Setup, embedded
from bench.target import Target, get

SHARES = {"off": None, "off_again": None, "one_in_100": 0.01, "every": 1.0}
"""Of the requests that are traced. Two without any, as they differ too."""
_SENT = 'cordwood_trace_spans_total{outcome="sent"} '

_SENT_WITHIN_S = 1.5

Figures = dict[str, Any]


@dataclass(frozen=True)
class TracingLoad:
    events: int
    """Of one run of large bodies."""
    runs: int
    connections: int = 64
    """Of single events."""
    seconds: float = 5.0


def measure(load: TracingLoad) -> Figures:
    """The middle of the runs without traces; of the others, the median of their ratios to the run beside them.

    Each run is of servers of its own, so that none has another's files to merge.
    """
    found: dict[str, list[Figures]] = {name: [] for name in SHARES}
    with constant() as collector:
        for run in range(load.runs):
            names = list(SHARES)
            for name in names[run % len(names) :] + names[: run % len(names)]:
                found[name].append(_run(load, collector, SHARES[name]))
    figures: Figures = {"events": load.events, "runs": load.runs}
    figures["missing"] = sum(run.pop("missing") for runs in found.values() for run in runs)
    for name, runs in found.items():
        for figure in runs[0]:
            if name == "off":
                figures[figure] = statistics.median(run[figure] for run in runs)
            elif figure != "spans":
                ratios = [run[figure] / off[figure] for run, off in zip(runs, found["off"], strict=True)]
                figures[f"{name}_{figure}_ratio"] = statistics.median(ratios)
            else:
                figures[f"{name}_spans"] = statistics.median(run["spans"] for run in runs)
    return figures


def _run(load: TracingLoad, collector: Target, share: float | None) -> Figures:
    settings = {} if share is None else {"tracing_endpoint": collector.url, "tracing_sample_rate": str(share)}
    with embedded(**settings) as setup:
        singly = single.measure(setup.target("/log"), single.SingleLoad(load.connections, load.seconds))
        spans = _spans(setup)
    with embedded(**settings) as setup:
        large = ingest.measure(setup.target("/api/v1/ingest"), ingest.IngestLoad(load.events, 4, 50_000))
    return {
        "single_requests_per_s": singly["requests_per_s"],
        "single_cpu_us": singly["server_cpu_us_per_event"],
        "ingest_events_per_s": large["queryable_events_per_s"],
        "ingest_cpu_us": large["server_cpu_us_per_event"],
        "spans": spans,
        "missing": singly["missing"] + large["missing"],
    }


def _spans(setup: Setup) -> float:
    """Those that were sent, once the last are: each second some go."""
    before, sent = -1.0, 0.0
    while sent != before:
        threading.Event().wait(_SENT_WITHIN_S)
        lines = get(f"{setup.ingest_url}/metrics", {}).decode().splitlines()
        before, sent = sent, sum(float(line.removeprefix(_SENT)) for line in lines if line.startswith(_SENT))
    return sent
