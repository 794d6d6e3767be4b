"""`cordwood send`: files and standard input into the platform."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordwood.cli.process import telling_errors
from cordwood.client import send as client
from cordwood.client.batches import Batcher, Place
from cordwood.client.feed import STDIN, Feed, size_of
from cordwood.client.http import Api, TryAgain
from cordwood.client.retry import Patience
from cordwood.client.sender import Counts, Encoding, Sender
from cordwood.neutral import neutral

_MAX_SHOWN = 10
_BATCH_BYTES = 8 << 20
"""A request is far below the server's 64 MiB, and still large enough to amortise what a request costs."""


def send(
    files: Annotated[list[str], typer.Argument(help="Files to send; - is standard input.", show_default=False)],
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to send to.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the ingest scope.", show_default=False)
    ] = None,
    parse: Annotated[
        Literal["json", "text", "combined", "logfmt", "auto"] | None,
        typer.Option(
            help="How to read the lines; auto decides for each. When not given, the first bytes of each file tell: "
            "json or text."
        ),
    ] = None,
    batch_events: Annotated[int, typer.Option(min=1, help="Events in one request, at most.")] = 20_000,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests under way at once.")] = 2,
    compress: Annotated[Encoding, typer.Option(help="How requests travel.")] = "zstd",
    retry_for: Annotated[
        float, typer.Option(min=0, help="Seconds to go on trying while the server is away or busy.")
    ] = 120.0,
) -> None:
    """Send logs: NDJSON, JSON documents, or plain text lines, also gzip or zstd compressed.

    A line of text becomes {"message": line}. What the server does not take is named with its file and line.
    Standard input is sent as it comes: tail -F app.log | cordwood send -

    Exit status: 0 when every event was accepted, 1 when not, 2 for wrong usage, 130 when interrupted.
    """
    if files.count(STDIN) > 1:
        raise typer.BadParameter("standard input can be read once only", param_hint="FILES")
    with telling_errors():
        api = Api(url, api_key, connections=concurrency)
    counts = Counts(_MAX_SHOWN)
    feed = Feed(files, parse)
    started = time.monotonic()
    with _progress(feed, counts, size_of(files)) as screen:
        sender = Sender(
            api,
            counts,
            concurrency=concurrency,
            encoding=compress,
            patience=Patience(total_s=retry_for),
            on_retry=screen.tell_retry,
        )
        interruption = client.Interruption(feed, sender)
        with _interruptible(interruption, screen):
            outcome = client.run(feed, Batcher(batch_events, _BATCH_BYTES), sender, counts, interruption, screen.update)
    api.close()
    _tell_what_failed(counts, outcome, sender, interruption, files)
    typer.echo(_final_line(counts, time.monotonic() - started))
    is_complete = counts.accepted == counts.read and not outcome.troubles and sender.fatal is None
    status = 128 + interruption.signal if interruption.times else 0 if is_complete else 1
    if outcome.is_settled:
        raise typer.Exit(status)
    # Threads that wait for an answer would keep the process.
    sys.stdout.flush()
    os._exit(status)


class _Screen:
    """What a person sees meanwhile, on standard error."""

    def __init__(self, progress: Progress, feed: Feed, counts: Counts, total_bytes: int | None) -> None:
        self._progress = progress
        self._feed = feed
        self._counts = counts
        self._started = time.monotonic()
        self._told_s = -10.0
        self._task = progress.add_task("sending", total=total_bytes, accepted="0", rate="0")

    def update(self) -> None:
        accepted = self._counts.accepted
        rate = accepted / max(0.001, time.monotonic() - self._started)
        self._progress.update(
            self._task, completed=self._feed.read_bytes, accepted=f"{accepted:,}", rate=f"{rate:,.0f}"
        )

    def tell(self, message: str) -> None:
        self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def tell_retry(self, error: TryAgain, wait_s: float) -> None:
        """Not for every one: an outage of minutes is a few lines."""
        now_s = time.monotonic()
        if now_s - self._told_s > 5.0:
            self._told_s = now_s
            self.tell(f"{neutral(error.message)}; trying again in {wait_s:.1f} s")


@contextmanager
def _progress(feed: Feed, counts: Counts, total_bytes: int | None) -> Iterator[_Screen]:
    console = Console(stderr=True)
    columns = [
        BarColumn(),
        TextColumn("{task.fields[accepted]} accepted"),
        TextColumn("{task.fields[rate]}/s"),
        TimeElapsedColumn(),
    ]
    if total_bytes is not None:
        columns += [TextColumn("ETA"), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Screen(progress, feed, counts, total_bytes)


@contextmanager
def _interruptible(interruption: client.Interruption, screen: _Screen) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into requests to end. A third SIGINT ends the process at once."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        interruption.ask(number)
        if interruption.is_urgent():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        else:
            screen.tell("stopping: sending what has been read (interrupt again to leave at once)")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_what_failed(
    counts: Counts, outcome: client.Outcome, sender: Sender, interruption: client.Interruption, files: list[str]
) -> None:
    for trouble in outcome.troubles:
        _tell(f"{trouble.source}: {trouble.error}")
    for complaint in sorted(counts.complaints, key=lambda complaint: complaint.place):
        _tell(f"{_at(complaint.place)}: rejected: {complaint.error}")
    if counts.rejected > len(counts.complaints):
        _tell(f"… and {counts.rejected - len(counts.complaints):,} more rejected")
    for first, last in sorted(counts.unsent)[:_MAX_SHOWN]:
        _tell(f"not sent: {_at(first)} to {_at(last)}")
    if len(counts.unsent) > _MAX_SHOWN:
        _tell(f"… and {len(counts.unsent) - _MAX_SHOWN:,} more stretches not sent")
    if sender.fatal is not None:
        _tell(f"stopped: {sender.fatal.message}")
        if sender.fatal.hint:
            _tell(f"  → {sender.fatal.hint}")
    if sender.fatal is not None or interruption.times:
        where = f"read up to {_at(outcome.last)}" if outcome.last else "nothing was read"
        _tell(f"{'interrupted' if interruption.times else 'not complete'}: {where}; what follows was not sent")
    if (open_ := counts.read - counts.accepted - counts.rejected - counts.failed) > 0:
        _tell(f"{open_:,} events were under way: whether they were accepted is not known")


def _final_line(counts: Counts, took_s: float) -> str:
    return (
        f"read {counts.read:,}  accepted {counts.accepted:,}  rejected {counts.rejected:,}  failed {counts.failed:,}"
        f"  in {took_s:.1f} s ({counts.accepted / max(took_s, 0.001):,.0f}/s)"
    )


def _at(place: Place) -> str:
    return f"{place[0]}:{place[1]}"


def _tell(message: str) -> None:
    typer.echo(f"cordwood: {neutral(message)}", err=True)
