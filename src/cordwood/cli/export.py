"""`cordwood export`: stored events into a file."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordwood.cli.asking import checked
from cordwood.cli.sending import tell
from cordwood.cli.shown import print_json
from cordwood.cli.telling import telling_errors
from cordwood.client.export import Export, Selection, count, selection
from cordwood.client.formats import Compression, Format, named, write
from cordwood.client.http import Api, TryAgain
from cordwood.client.retry import Patience
from cordwood.errors import ConfigError, Unavailable


def export(
    query: Annotated[
        str,
        typer.Argument(
            metavar="[QUERY]", help="What events must match: level:error http.status:>=500", show_default=False
        ),
    ] = "",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="FIELD:VALUE that events must have; may be repeated.", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(help="Before this time.", show_default=False)] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = "ndjson",
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file, a directory to make one in, or - for standard output.")
    ] = "-",
    compress: Annotated[Compression, typer.Option(help="For ndjson and csv.")] = "none",
    retry_for: Annotated[
        float, typer.Option(min=0, help="Seconds to go on trying while the server is away or busy.")
    ] = 120.0,
    is_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
) -> None:
    """Write stored events to a file, newest first, all that match. `cordwood import` reads ndjson and parquet back.

    cordwood export service:checkout --start -7d --format parquet --output checkout.parquet

    An answer that breaks off is taken up where it broke. A file gets its name when it is whole.

    Exit status: 0 when the export is complete, 1 when it is not, 2 for wrong usage, 130 when interrupted.
    """
    started = time.monotonic()
    with telling_errors(), _ending():
        target = None if output == "-" else _target(Path(output), form, compress)
        if form == "parquet" and (target is None or compress != "none"):
            raise ConfigError("Parquet needs a file, and is compressed itself", hint="say --output FILE, no --compress")
        if target is None and sys.stdout.isatty():
            raise ConfigError("logs are not for a terminal", hint="say --output FILE; cordwood search shows events")
        chosen = selection(checked(query), filters or (), start, end)
        api = Api(url, api_key)
        told_s = -10.0

        def on_retry(error: TryAgain, wait_s: float) -> None:
            nonlocal told_s
            if time.monotonic() - told_s > 5.0:
                told_s = time.monotonic()
                tell(f"{error.message}; going on in {wait_s:.1f} s")

        answer = Export(api, chosen, Patience(total_s=retry_for), on_retry)
        with _shown(answer, api, chosen) as lines:
            _write(lines, form, compress, target)
        api.close()
    took_s = time.monotonic() - started
    if answer.incomplete:
        tell(f"not complete: {answer.incomplete}")
    _tell_counts(answer, target, took_s, is_json=is_json)
    raise typer.Exit(1 if answer.incomplete else 0)


def _target(output: Path, form: Format, compression: Compression) -> Path:
    if output.is_dir():
        return named(output, form, compression, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    if not output.parent.is_dir():
        raise ConfigError(f"there is no directory {output.parent}", hint="make it first")
    return output


def _write(lines: Iterable[bytes], form: Format, compression: Compression, target: Path | None) -> None:
    if target is None:
        assert form != "parquet", "refused before"
        write(lines, form, compression, sys.stdout.buffer)
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        if form == "parquet":
            from cordwood.client.parquet_writer import write_parquet  # the engine is loaded by whoever needs it

            write_parquet(lines, unfinished)
        else:
            with unfinished.open("wb") as out:
                write(lines, form, compression, out)
        descriptor = os.open(unfinished, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        unfinished.replace(target)
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror or error}", hint="nothing was left there") from error
    finally:
        unfinished.unlink(missing_ok=True)
        shutil.rmtree(f"{unfinished}.spill", ignore_errors=True)


@contextmanager
def _shown(answer: Export, api: Api, chosen: Selection) -> Iterator[Iterable[bytes]]:
    """The events; a person at a terminal sees how far it is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield answer
        return
    columns = [BarColumn(), TextColumn("{task.fields[events]} events"), TextColumn("{task.fields[rate]}/s")]
    columns += [TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("exporting", total=count(api, chosen), events="0", rate="0")
        started = time.monotonic()

        def watched() -> Iterator[bytes]:
            for line in answer:
                if answer.events % 1000 == 0:
                    rate = answer.events / max(0.001, time.monotonic() - started)
                    progress.update(task, completed=answer.events, events=f"{answer.events:,}", rate=f"{rate:,.0f}")
                yield line

        yield watched()


@contextmanager
def _ending() -> Iterator[None]:
    """SIGINT and SIGTERM end the command as errors do: what is unfinished is removed."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except BrokenPipeError as error:
        # Whoever reads our output may stop early; the interpreter would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_counts(answer: Export, target: Path | None, took_s: float, *, is_json: bool) -> None:
    size_bytes = None if target is None else target.stat().st_size
    if is_json and target is not None:
        print_json(
            {
                "file": str(target),
                "bytes": size_bytes,
                "events": answer.events,
                "complete": not answer.incomplete,
                "resumed": answer.resumed,
                "seconds": round(took_s, 3),
            }
        )
        return
    where = "" if target is None else f"  {target} ({size_bytes:,} bytes)"
    rate = answer.events / max(took_s, 0.001)
    typer.echo(f"exported {answer.events:,} in {took_s:.1f} s ({rate:,.0f}/s){where}", err=target is None)
