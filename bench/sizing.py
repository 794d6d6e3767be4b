"""`bench sizing`: what the measured costs of an event come to at larger rates: the tables of docs/guide/sizing.md."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "sizing.md"
RATES = (10_000, 1_000_000, 100_000_000)
BUSY = 0.6
"""The share of a core that is planned with: the rest is for peaks, and for what is made up after a restart."""
_QUEUE_BOUND = 4 << 30
"""The default of CORDWOOD_BROKER_MAX_SIZE_BYTES."""
_DAY_S = 86_400
_UNTOLD = "not measured then"
_LINK_BYTES = 10e9 / 8
"""A second of a link of 10 Gbit/s."""

Figures = dict[str, Any]


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(filled(PAGE.read_text(), json.loads((ROOT / "bench" / "results.json").read_text())))


def filled(page: str, results: Figures) -> str:
    """The page with its tables made anew."""
    for name, made in {"costs": costs, "rates": rates, "growth": growth, "restarts": restarts}.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        assert begin and end, f"the page has a place for {name}"
        page = before + begin + "\n" + "\n".join(made(results)) + "\n\n" + end + after
    return page


def costs(results: Figures) -> list[str]:
    """µs and bytes that one event costs each part."""
    rows, segments = _kept(results)
    api = (rows["api_cpu_us_per_event"] + segments["api_cpu_us_per_event"]) / 2
    queue = _rabbitmq_us(results)

    def line(what: str, *values: float | str) -> str:
        return f"| {what} | {' | '.join(each if isinstance(each, str) else _short(each) for each in values)} |"

    return [
        "| an event costs | rows | segments |",
        "| --- | ---: | ---: |",
        line("CPU of api, µs, in large requests", api, api),
        line("CPU of RabbitMQ, µs, its three nodes together", queue, queue),
        line("CPU of worker until stored, µs", *(each["worker_cpu_us_per_event"] for each in (rows, segments))),
        line("CPU of worker for merging later, µs", "none", segments["worker_later_cpu_us_per_event"]),
        line("CPU of PostgreSQL, µs", *(each["postgres_cpu_us_per_event"] for each in (rows, segments))),
        line("bytes sent, uncompressed", _sent(results), _sent(results)),
        line("bytes in the queue, of each node", *(each["queue_bytes_per_event"] for each in (rows, segments))),
        line("bytes kept", *_stored(results)),
        line("bytes of PostgreSQL's log (WAL)", *(each["wal_bytes_per_event"] for each in (rows, segments))),
        line("syncs of that log for a million", *(each["wal_syncs_per_million_events"] for each in (rows, segments))),
    ]  # fmt: skip


def rates(results: Figures) -> list[str]:
    """What they come to at three rates."""
    rows, segments = _kept(results)
    api = (rows["api_cpu_us_per_event"] + segments["api_cpu_us_per_event"]) / 2
    single = float(results["services"]["single"]["server_cpu_us_per_event"])
    queue_us, queue_bytes = _rabbitmq_us(results), rows["queue_bytes_per_event"]
    rows_bytes, segment_bytes = _stored(results)
    worker_us = segments["worker_cpu_us_per_event"] + segments["worker_later_cpu_us_per_event"]

    def cores(us: float) -> Callable[[int], str]:
        return lambda rate: _short(rate * us / 1e6 / BUSY)

    def size(bytes_: float, unit: float = 1.0) -> Callable[[int], str]:
        return lambda rate: _bytes(rate * bytes_ * unit)

    lines: list[tuple[str, Callable[[int], str]]] = [
        ("cores for api, large requests", cores(api)),
        ("cores for api and worker, one event a request", cores(single)),
        ("cores for RabbitMQ, in all", cores(queue_us)),
        (
            "queues, were a leader to do all of that on one core",
            lambda rate: _short(max(1.0, rate * queue_us / 1e6 / BUSY)),
        ),
        ("cores for workers that write rows", cores(rows["worker_cpu_us_per_event"])),
        ("cores for PostgreSQL with rows", cores(rows["postgres_cpu_us_per_event"])),
        ("cores for workers that write segments", cores(worker_us)),
        ("cores for PostgreSQL that names segments", cores(segments["postgres_cpu_us_per_event"])),
        ("network into api, uncompressed, a second", size(_sent(results))),
        ("network of RabbitMQ, a second: in, to two followers, out", size(4 * queue_bytes)),
        ("links of 10 Gbit/s for both", lambda rate: _short(rate * (_sent(results) + 4 * queue_bytes) / _LINK_BYTES)),
        ("written by PostgreSQL with rows, a second", size(rows["postgres_written_bytes_per_event"])),
        ("disk for a day of rows", size(rows_bytes, _DAY_S)),
        ("disk for a day of segments", size(segment_bytes, _DAY_S)),
        ("a stop of the store that a queue of 4 GiB bridges", lambda rate: _span(_QUEUE_BOUND / queue_bytes / rate)),
    ]
    return [
        "| | " + " | ".join(f"{rate:,} events/s" for rate in RATES) + " |",
        "| --- | " + " | ".join("---:" for _ in RATES) + " |",
        *(f"| {what} | {' | '.join(map(of, RATES))} |" for what, of in lines),
    ]


def growth(results: Figures) -> list[str]:
    """What one more worker, and one more query process, brought on the machine that was measured."""
    lines = [
        "| | cores each | events/s with 1, 2, 3, 4 | CPU of worker, µs an event | of PostgreSQL | nothing left of |",
        "| --- | ---: | --- | --- | --- | --- |",
    ]
    for keep, figures in zip(("rows", "segments"), _kept(results), strict=True):
        names = ("worker_cpu_us_per_event", "postgres_cpu_us_per_event", "events_per_s", "saturated")
        worker, postgres, rates_, ended = (figures.get(f"{name}_by_workers", _UNTOLD) for name in names)
        lines.append(f"| workers, {keep} | {figures['cores_a_worker']} | {rates_} | {worker} | {postgres} | {ended} |")
    lines += ["", "| | the machine's cores busy with 1, 2, 3, 4 | of that, with other work |", "| --- | --- | --- |"]
    for keep, figures in zip(("rows", "segments"), _kept(results), strict=True):
        busy = (figures.get(f"{name}_by_workers", _UNTOLD) for name in ("machine_busy", "busy_with_other_work"))
        lines.append(f"| {keep} | {' | '.join(busy)} |")
    lines += [
        "",
        "| | cores each | questions/s with 1, 2 | two to twice one | CPU of query, of PostgreSQL: ms a question |",
        "| --- | ---: | --- | ---: | --- |",
    ]
    for keep, figures in zip(("rows", "segments"), _kept(results), strict=True):
        lines.append(
            f"| query processes, {keep} | {figures['cores_a_query_process']} | "
            f"{figures['questions_per_s_by_processes']} | {figures['questions_of_linear']:.2f} | "
            f"{_short(figures['query_cpu_ms_per_question'])}, {_short(figures['postgres_cpu_ms_per_question'])} |"
        )
    return lines


def restarts(results: Figures) -> list[str]:
    """What senders saw of a rolling restart."""
    seen = results["cluster"]["rolling"]
    return [
        "| | |",
        "| --- | ---: |",
        f"| processes restarted, then nodes of RabbitMQ | {seen['process_restarts']}, {seen['node_restarts']} |",
        f"| events acknowledged | {seen['events']:,} |",
        f"| lost, doubled, faults of the audit | {seen['missing']}, {seen['doubled']}, {seen['audit_faults']} |",
        "| requests answered 503 while processes restarted, while nodes did | "
        f"{seen['answered_503_while_processes_restarted']}, {seen['answered_503_while_nodes_restarted']} |",
        f"| answered 429; cut while under way; found nobody; answered otherwise | {seen['answered_429']}; "
        f"{seen['cut_under_way']}; {seen['found_nobody']}; {seen['answered_otherwise']} |",
        f"| longest wait of a sender until acknowledged, s | {seen['longest_wait_of_a_sender_s']:.1f} |",
    ]


def _kept(results: Figures) -> tuple[Figures, Figures]:
    return results["cluster"]["rows"], results["cluster"]["segments"]


def _rabbitmq_us(results: Figures) -> float:
    """The queue carries the same, whatever the store keeps."""
    return sum(float(each["rabbitmq_cpu_us_per_event"]) for each in _kept(results)) / 2


def _sent(results: Figures) -> float:
    return float(results["services"]["ingest"]["sent_bytes_per_event"])


def _stored(results: Figures) -> tuple[float, float]:
    """Of segments, that of ten million, merged: fewer are not as small."""
    kept = float(results["embedded"]["query"]["segment_bytes_per_event"])
    return float(results["cluster"]["rows"]["database_bytes_per_event"]), kept


def _short(value: float) -> str:
    """Two digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        digits = len(str(int(abs(value)))) - 2
        return f"{round(value, -digits):,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{_short(value)} {unit}"
        value /= 1000
    return f"{_short(value)} PB"


def _span(seconds: float) -> str:
    if seconds >= 3600:
        return f"{_short(seconds / 3600)} h"
    return f"{_short(seconds / 60)} min" if seconds >= 60 else f"{_short(seconds)} s"
