"""What a person sees while events are sent, and afterwards: shared by the commands that send."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordwood.client import send as client
from cordwood.client.batches import Place
from cordwood.client.feed import Feed
from cordwood.client.http import TryAgain
from cordwood.client.sender import Counts, Sender, Stretch
from cordwood.neutral import neutral

MAX_SHOWN = 10


class Screen:
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
def shown_progress(feed: Feed, counts: Counts, total_bytes: int | None) -> Iterator[Screen]:
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
        yield Screen(progress, feed, counts, total_bytes)


@contextmanager
def interruptible(interruption: client.Interruption, screen: Screen) -> Iterator[None]:
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


def tell_what_failed(
    counts: Counts, outcome: client.Outcome, sender: Sender, interruption: client.Interruption, files: list[str]
) -> None:
    for trouble in outcome.troubles:
        tell(f"{trouble.source}: {trouble.error}")
    for complaint in sorted(counts.complaints, key=lambda complaint: complaint.place):
        tell(f"{_at(complaint.place)}: rejected: {complaint.error}")
    if counts.rejected > len(counts.complaints):
        tell(f"… and {counts.rejected - len(counts.complaints):,} more rejected")
    if counts.first_unread is not None:
        what = "1 line was" if counts.unread == 1 else f"{counts.unread:,} lines were"
        tell(f"{what} not as --parse has it, and became a message alone; first {_at(counts.first_unread)}")
    _tell_stretches("not sent", counts.unsent)
    _tell_stretches("no answer, so it may be stored, or not", counts.unanswered)
    if sender.fatal is not None:
        tell(f"stopped: {sender.fatal.message}")
        if sender.fatal.hint:
            tell(f"  → {sender.fatal.hint}")
    if sender.fatal is not None or interruption.times:
        where = f"read up to {_at(outcome.last)}" if outcome.last else "nothing was read"
        tell(f"{'interrupted' if interruption.times else 'not complete'}: {where}; what follows was not sent")
    if (open_ := counts.read - counts.accepted - counts.rejected - counts.failed) > 0:
        tell(f"{open_:,} events were under way: whether they were accepted is not known")


def _tell_stretches(what: str, stretches: Sequence[Stretch]) -> None:
    """Those that follow each other in a file are one."""
    joined: list[Stretch] = []
    for first, last in sorted(stretches):
        if joined and (joined[-1][1][0], joined[-1][1][1] + 1) == first:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    for first, last in joined[:MAX_SHOWN]:
        tell(f"{what}: {_at(first)} to {_at(last)}")
    if len(joined) > MAX_SHOWN:
        tell(f"… and {len(joined) - MAX_SHOWN:,} more stretches: {what}")


def final_line(counts: Counts, took_s: float) -> str:
    return (
        f"read {counts.read:,}  accepted {counts.accepted:,}  rejected {counts.rejected:,}  failed {counts.failed:,}"
        f"  in {took_s:.1f} s ({counts.accepted / max(took_s, 0.001):,.0f}/s)"
    )


def leave(status: int, outcome: client.Outcome) -> NoReturn:
    """End the process, or the command, with this exit status."""
    if outcome.is_settled:
        raise typer.Exit(status)
    # Threads that wait for an answer would keep the process.
    sys.stdout.flush()
    os._exit(status)


def _at(place: Place) -> str:
    return f"{place[0]}:{place[1]}"


def tell(message: str) -> None:
    typer.echo(f"cordwood: {neutral(message)}", err=True)
