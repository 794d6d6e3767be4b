"""`python -m bench …`."""

import argparse
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import bare_copy, ingest, patterns, single, tail, visible
from bench.report import show
from bench.target import Target

_SETUPS = ("embedded", "services", "shared")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except (OSError, RuntimeError) as error:
        print(f"bench: {getattr(options, 'url', '')} {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "ingest":
            load = ingest.IngestLoad(options.events, options.clients, options.batch, options.encoding, options.timeout)
            figures = ingest.measure(_target(options, "/api/v1/ingest"), load)
        case "single":
            singly = single.SingleLoad(options.connections, options.seconds)
            figures = _single(_target(options, "/log"), singly, options.runs)
        case "visible":
            query_url = options.query_url or f"{options.url}/api/v1/query"
            figures = visible.measure(_target(options, "/log"), visible.VisibleLoad(query_url, options.samples))
        case "tail":
            tail_url = options.tail_url or f"{options.url}/api/v1/tail"
            figures = tail.measure(_target(options, "/log"), tail.TailLoad(tail_url, options.samples))
        case "copy":
            figures = bare_copy.measure(options.dsn, options.events, options.connections)
        case "patterns":
            figures = patterns.measure(options.directory, options.runs)
        case "query" | "people" | "page" | "soak" | "scale" | "profile":
            figures = _own(options)
        case "rows":
            figures = _rows(options)
        case "tracing":
            figures = _tracing(options)
        case "cluster":
            return _cluster(options)
        case "sizing":
            from bench import sizing

            sizing.main()
            return 0
        case _:
            from bench import suite

            return suite.main(options.events, options.runs, options.setup or _SETUPS, options.out)
    show(f"{options.command} {getattr(options, 'url', '')}".strip(), figures, options.json)
    return 1 if figures.get("missing") else 0


def _own(options: argparse.Namespace) -> dict[str, Any]:
    """What needs a set-up to itself, and takes long: recorded beside what the suite has found."""
    from bench import people, query, scale, soak, suite
    from bench.setups import embedded

    with embedded() as setup:
        match options.command:
            case "query":
                figures = query.measure(setup, query.QueryLoad(options.events, options.runs))
            case "people":
                figures = people.measure(
                    setup,
                    people.PeopleLoad(options.events, options.people, options.pause, options.seconds, options.rate),
                )
            case "page":
                from bench import page

                figures = page.measure(setup, page.PageLoad(options.events, options.runs))
            case "profile":
                from bench import profiling

                figures = profiling.measure(setup, profiling.ProfileLoad(options.events))
            case "soak":
                figures = soak.measure(
                    setup, soak.SoakLoad(options.events, options.clients, options.batch, options.every, options.rate)
                )
            case _:
                figures = scale.measure(
                    setup,
                    scale.ScaleLoad(options.events, options.step, options.first, options.clients, options.batch),
                )
    suite.record(options.out, "embedded", options.command, figures)
    return figures


def _rows(options: argparse.Namespace) -> dict[str, Any]:
    from bench import rows, suite
    from bench.setups import services

    with services() as setup:
        figures = rows.measure(setup, rows.RowsLoad(options.events, options.runs))
    suite.record(options.out, "services", "rows", figures)
    return figures


def _tracing(options: argparse.Namespace) -> dict[str, Any]:
    from bench import suite, tracing

    figures = tracing.measure(tracing.TracingLoad(options.events, options.runs, seconds=options.seconds))
    suite.record(options.out, "embedded", "tracing", figures)
    return figures


def _cluster(options: argparse.Namespace) -> int:
    from bench import cluster, suite

    missing = 0
    for part, figures in cluster.measure(cluster.ClusterLoad(options.events, options.part or cluster.PARTS)):
        suite.record(options.out, "cluster", part, figures)
        show(f"cluster: {part}", figures, None)
        missing += figures["missing"] + figures.get("doubled", 0)
    return 1 if missing else 0


def _single(target: Target, load: single.SingleLoad, runs: int) -> dict[str, Any]:
    if not runs:
        return single.measure(target, load)
    from bench.constant import constant
    from bench.suite import beside_constant

    with constant() as bare:
        return beside_constant(target, bare, load, runs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Cordwood, or a system like it.")
    commands = parser.add_subparsers(dest="command", required=True)

    one = commands.add_parser("ingest", help="large NDJSON bodies: events/s to acknowledged and to queryable")
    _add_target(one)
    one.add_argument("--protocol", choices=["jsonl"], default="jsonl", help="wire format")
    one.add_argument("--events", type=_number, default=1_000_000, help="how many, 1e6 for instance")
    one.add_argument("--clients", type=int, default=4)
    one.add_argument("--batch", type=_number, default=50_000, help="events in one request")
    one.add_argument("--encoding", choices=["identity", "gzip", "zstd"], default="identity")
    one.add_argument("--timeout", type=float, default=60.0, help="seconds without progress until counting gives up")

    one = commands.add_parser("single", help="one event a request: requests/s and latencies")
    _add_target(one)
    one.add_argument("--connections", type=int, default=64)
    one.add_argument("--seconds", type=float, default=10.0)
    one.add_argument(
        "--runs", type=int, default=0, help="so many runs by turns with uvicorn answering a constant; the middle counts"
    )

    one = commands.add_parser("visible", help="from POST to being in a query's answer")
    _add_target(one)
    one.add_argument("--query-url", help="the query endpoint  [default: URL/api/v1/query]")
    one.add_argument("--samples", type=_number, default=200)

    one = commands.add_parser("tail", help="from POST, and from being stored, to being told to a live tail")
    _add_target(one)
    one.add_argument("--tail-url", help="the tail endpoint  [default: URL/api/v1/tail]")
    one.add_argument("--samples", type=_number, default=200)

    one = commands.add_parser("copy", help="bare binary COPY of the same rows into the same table")
    one.add_argument("--dsn", required=True, help="postgresql://… of a migrated database; rows stay in it")
    one.add_argument("--events", type=_number, default=1_000_000)
    one.add_argument("--connections", type=int, default=1)
    one.add_argument("--json", type=Path, help="write the figures to this file, too")

    one = commands.add_parser("patterns", help="messages to templates: accuracy, and CPU a message")
    one.add_argument("directory", type=Path, nargs="?", help="of NAME.log_structured.csv files, as loghub has them")
    one.add_argument("--runs", type=int, default=5, help="the middle one counts")
    one.add_argument("--json", type=Path, help="write the figures to this file, too")

    one = commands.add_parser("query", help="cordwood up with many events on segments: how long questions take, warm")
    one.add_argument("--events", type=_number, default=10_000_000)
    one.add_argument("--runs", type=int, default=20, help="of each question")
    _add_record(one)

    one = commands.add_parser("people", help="cordwood up with many people who ask while events come in")
    one.add_argument("--events", type=_number, default=10_000_000, help="that are there to begin with")
    one.add_argument("--people", type=int, default=50)
    one.add_argument("--pause", type=float, default=5.0, help="seconds between an answer and the next question")
    one.add_argument("--seconds", type=float, default=30.0, help="of people alone, of events alone, and of both")
    one.add_argument("--rate", type=float, default=100_000.0, help="events/s")
    _add_record(one)

    one = commands.add_parser("page", help="cordwood up with many events in a browser: how long one waits")
    one.add_argument("--events", type=_number, default=10_000_000)
    one.add_argument("--runs", type=int, default=7)
    _add_record(one)

    one = commands.add_parser("soak", help="cordwood up under steady ingest: does memory grow?")
    one.add_argument("--events", type=_number, default=50_000_000)
    _add_load(one)
    one.add_argument("--every", type=float, default=1.0, help="seconds between two looks at memory")
    one.add_argument("--rate", type=float, default=0.0, help="events/s; 0 is as fast as they are taken")
    _add_record(one)

    one = commands.add_parser("rows", help="services with many events as rows: how long questions take, warm")
    one.add_argument("--events", type=_number, default=10_000_000)
    one.add_argument("--runs", type=int, default=12, help="of each question")
    _add_record(one)

    one = commands.add_parser(
        "cluster", help="3 api, 4 worker, 2 query processes on a RabbitMQ cluster: rolling restarts, costs, growth"
    )
    one.add_argument("--events", type=_number, default=500_000, help="of each run with so many workers")
    one.add_argument("--part", action="append", choices=["rolling", "rows", "segments"], help="only this one")
    _add_out(one)

    commands.add_parser("sizing", help="write what `cluster` has found into docs/guide/sizing.md")

    one = commands.add_parser("profile", help="cordwood up under ingest: where the CPU goes (perf, py-spy)")
    one.add_argument("--events", type=_number, default=5_000_000, help="for each of the two profilers")
    _add_record(one)

    one = commands.add_parser("tracing", help="cordwood up with no, few and all requests traced, by turns")
    one.add_argument("--events", type=_number, default=1_000_000, help="of each run with large bodies")
    one.add_argument("--runs", type=int, default=5, help="of each")
    one.add_argument("--seconds", type=float, default=5.0, help="of single events, in each run")
    _add_record(one)

    one = commands.add_parser("scale", help="cordwood up filled step by step: ingest, and a narrow question")
    one.add_argument("--events", type=_number, default=100_000_000, help="in all")
    one.add_argument("--step", type=_number, default=10_000_000, help="events between two rates")
    one.add_argument("--first", type=_number, default=1_000_000, help="events that the rest is compared with")
    _add_load(one)
    _add_record(one)

    one = commands.add_parser("suite", help="start every set-up, measure it, write RESULTS.md")
    one.add_argument("--events", type=_number, default=1_000_000)
    one.add_argument("--runs", type=int, default=3, help="of ingest and copy; the middle one counts")
    one.add_argument("--setup", action="append", choices=_SETUPS, help="only this one")
    _add_out(one)
    return parser


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--batch", type=_number, default=50_000, help="events in one request")


def _add_record(parser: argparse.ArgumentParser) -> None:
    _add_out(parser)
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="directory of RESULTS.md and results.json"
    )


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="base URL  [default: %(default)s]")
    parser.add_argument("--path", help="where to POST")
    parser.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help="query argument of the POST")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument("--pid", type=int, action="append", default=[], help="server process, for CPU and memory")
    parser.add_argument("--data-dir", type=Path, help="where the server keeps its data")
    parser.add_argument("--count-url", help="answers how many events are queryable; 'none' for a system without one")
    parser.add_argument("--count-path", default="count", help="where in that JSON the number is  [default: count]")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")


def _target(options: argparse.Namespace, path: str) -> Target:
    pairs = [text.partition("=")[::2] for text in options.query]
    headers = {name.strip(): value.strip() for name, _, value in (text.partition(":") for text in options.header)}
    count_url = options.count_url or f"{options.url}/api/v1/query/count"
    return Target(
        url=options.url,
        path=(options.path or path) + (f"?{urlencode(pairs)}" if pairs else ""),
        headers=headers,
        count_url=None if count_url == "none" else count_url,
        count_path=options.count_path,
        pids=options.pid,
        data_dir=options.data_dir,
    )


def _number(text: str) -> int:
    """A whole number, also as 1e6 or 50_000."""
    value = float(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is no positive whole number")
    return int(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
