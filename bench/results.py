"""The suite's figures as RESULTS.md."""

from pathlib import Path
from typing import Any

from bench.goals import GOALS, Goal
from bench.report import human

_HOW = """\
`ingest` sends prepared NDJSON bodies of 50,000 events from four clients, uncompressed, and counts until a query
sees every event; the middle of the runs is shown. `copy` is a binary COPY of the same rows, encoded beforehand, into
the same table, before each run. `single` sends one event a request over 64 connections, `single 256` over 256, each
answered once it is durable; the middle of the runs is shown. `constant requests per s` is what the same client gets,
just before each run, from uvicorn with an application that answers a constant, and `share of constant` the median of
the ratios. `visible` is the time from a POST to the event's being in a query's answer. CPU and memory are the server
processes' own (of `services` and `shared`: api, worker and query; not PostgreSQL, RabbitMQ and Redis). `services` keeps
rows, `shared` segments that PostgreSQL names. The load generator runs on the same machine.

`query` asks `cordwood up`, warm, each question in many variants so that no answer comes from the cache; `query small`
is the suite's own, over fewer events. Names that begin with `sql` are not the platform's answers: DuckDB puts the same
questions to the segment files, and the figures are those of the format. `soak` watches resident memory while events
come steadily; its growth is a line through the samples after the first fifth.
`people` has many people ask (the newest events, errors of a service, a histogram, a word, percentiles, facets; of the
last quarter of an hour or hour), each with pauses to think: alone (`idle`), and while events come in (`busy`).
`page` opens the page in Chromium: a view is there once events are listed and counts are drawn; the longest frame is one
of scrolling through the list.
`rows` asks the services, warm, over events that are rows in PostgreSQL, each time anew. `profile` says where the CPU of
`cordwood up` goes under ingest, compaction included, in percent of the samples: `in` a library, `at` a function of
one (both `perf`), and `under` a function of ours, that is, in it or in what it has called (`py-spy`; threads that run).
`cluster` is three api, four worker and two query processes on three nodes of RabbitMQ, PostgreSQL and Redis, all on one
machine: `rolling` restarts every process and node in turn under load; `rows` and `segments` fill the queue while
workers stand still, then let them go. CPU an event is that of a run at full speed, without what is used when nothing
comes in; series are of workers, and query processes, with so many cores each.
`tracing` is `cordwood up` without traces, and, as ratios to that, a second time without, with one request in 100
traced, and with every one; each run is of servers of its own, by turns.
`scale` sends a first million, then the rest in steps, each until it is queryable; its narrow question is the newest 100
of one minute. Parts that were not run are not shown, nor are goals that name more events than were sent.
"""


def write(path: Path, results: dict[str, Any]) -> None:
    """Write the page."""
    machine = results["machine"]
    lines = [
        "# Benchmark results",
        "",
        "Made by `python -m bench suite`, `query`, `people`, `page`, `rows`,",
        "`soak`, `scale`, `profile`, `tracing` and `cluster`; do not edit.",
        "",
        f"{machine['processor']} · {machine['memory']} · {machine['system']} · Python {machine['python']} · "
        f"{results['measured_at']}",
        "",
        "| figure | goal | measured | |",
        "| --- | ---: | ---: | --- |",
        *(_goal_row(goal, results) for goal in GOALS if _is_measured(goal, results)),
        "",
        _HOW,
    ]
    for setup in ("embedded", "services", "shared", "cluster"):
        for part, figures in results.get(setup, {}).items():
            lines += [f"## {setup}: {part}", "", "| figure | value |", "| --- | ---: |"]
            lines += [f"| {name.replace('_', ' ')} | {human(name, value)} |" for name, value in figures.items()]
            lines.append("")
    path.write_text("\n".join(lines))


def _is_measured(goal: Goal, results: dict[str, Any]) -> bool:
    figures = results.get(goal.setup, {}).get(goal.part, {})
    return goal.figure in figures and figures.get("events", 0) >= goal.events


def _goal_row(goal: Goal, results: dict[str, Any]) -> str:
    value = float(results[goal.setup][goal.part][goal.figure])
    is_met = value >= goal.bound if goal.is_floor else value < goal.bound
    sign = "≥" if goal.is_floor else "<"
    return (
        f"| {goal.text} | {sign} {human(goal.figure, goal.bound)} | {human(goal.figure, value)} |"
        f" {'met' if is_met else '**not met**'} |"
    )
