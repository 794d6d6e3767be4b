"""The suite's figures as RESULTS.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import human


@dataclass(frozen=True)
class Goal:
    """A figure that must reach, or must stay below, a bound."""

    text: str
    setup: str
    part: str
    figure: str
    bound: float
    is_floor: bool


_PER_S = "requests_per_s"

GOALS = (
    Goal("embedded: events/s to queryable", "embedded", "ingest", "queryable_events_per_s", 150_000, True),
    Goal("RabbitMQ + PostgreSQL: share of a bare COPY", "services", "ingest", "share_of_copy", 0.5, True),
    Goal("embedded: single-event requests/s, durable, 64 connections", "embedded", "single", _PER_S, 15_000, True),
    Goal("embedded: single-event requests/s, durable, 256 connections", "embedded", "single_256", _PER_S, 18_000, True),
    Goal("embedded: visible within, 99th percentile, ms", "embedded", "visible", "visible_p99_ms", 1_000, False),
    Goal("services: visible within, 99th percentile, ms", "services", "visible", "visible_p99_ms", 1_000, False),
    Goal("embedded: idle memory", "embedded", "idle", "up_memory_bytes", 200e6, False),
)

_HOW = """\
`ingest` sends prepared NDJSON bodies of 50,000 events from four clients, uncompressed, and counts until a query
sees every event; the middle of the runs is shown. `copy` is a binary COPY of the same rows, encoded beforehand, into
the same table, before each run. `single` sends one event a request over 64 connections, `single 256` over 256, each
answered once it is durable; the middle of the runs is shown. `constant requests per s` is what the same client gets,
just before each run, from uvicorn with an application that answers a constant, and `share of constant` the median of
the ratios. `visible` is the time from a POST to the event's being in a query's answer. CPU and memory are the server
processes' own (of `services`: api, worker and query; not PostgreSQL, RabbitMQ and Redis). The load generator runs on
the same machine.
"""


def write(path: Path, results: dict[str, Any]) -> None:
    """Write the page."""
    machine = results["machine"]
    lines = [
        "# Benchmark results",
        "",
        "Made by `python -m bench suite`; do not edit.",
        "",
        f"{machine['processor']} · {machine['memory']} · {machine['system']} · Python {machine['python']} · "
        f"{results['measured_at']}",
        "",
        "| figure | goal | measured | |",
        "| --- | ---: | ---: | --- |",
        *(_goal_row(goal, results) for goal in GOALS if goal.setup in results),
        "",
        _HOW,
    ]
    for setup in ("embedded", "services"):
        for part, figures in results.get(setup, {}).items():
            lines += [f"## {setup}: {part}", "", "| figure | value |", "| --- | ---: |"]
            lines += [f"| {name.replace('_', ' ')} | {human(name, value)} |" for name, value in figures.items()]
            lines.append("")
    path.write_text("\n".join(lines))


def _goal_row(goal: Goal, results: dict[str, Any]) -> str:
    value = float(results[goal.setup][goal.part][goal.figure])
    is_met = value >= goal.bound if goal.is_floor else value < goal.bound
    sign = "≥" if goal.is_floor else "<"
    return (
        f"| {goal.text} | {sign} {human(goal.figure, goal.bound)} | {human(goal.figure, value)} |"
        f" {'met' if is_met else '**not met**'} |"
    )
