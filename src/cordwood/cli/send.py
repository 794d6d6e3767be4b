"""`cordwood send`: files and standard input into the platform."""

import time
from typing import Annotated, Literal

import typer

from cordwood.cli.sending import MAX_SHOWN, final_line, interruptible, leave, shown_progress, tell, tell_what_failed
from cordwood.cli.telling import telling_errors
from cordwood.client import send as client
from cordwood.client.batches import Batcher
from cordwood.client.feed import STDIN, Feed, size_of
from cordwood.client.http import Api
from cordwood.client.retry import Patience
from cordwood.client.sender import Counts, Encoding, Sender
from cordwood.client.source import events_of

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
            help="How to read the lines; auto decides for each. combined (Apache, nginx) makes remote_addr, user, "
            "timestamp, method, path, protocol, status, bytes, referer and user_agent. When not given, the first bytes "
            "of each file tell: json or text."
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
    A file that is sent twice is stored twice; cordwood import brings files once, and goes on where it was interrupted.

    Exit status: 0 when every event was accepted, 1 when not, 2 for wrong usage, 130 when interrupted.
    """
    if files.count(STDIN) > 1:
        raise typer.BadParameter("standard input can be read once only", param_hint="FILES")
    with telling_errors():
        api = Api(url, api_key, connections=concurrency)
    counts = Counts(MAX_SHOWN)
    feed = Feed(files, lambda name, blocks: events_of(name, blocks, parse))
    started = time.monotonic()
    with shown_progress(feed, counts, size_of(files)) as screen:
        sender = Sender(
            api,
            counts,
            concurrency=concurrency,
            encoding=compress,
            patience=Patience(total_s=retry_for),
            on_retry=screen.tell_retry,
        )
        interruption = client.Interruption(feed, sender)
        with interruptible(interruption, screen):
            outcome = client.run(feed, Batcher(batch_events, _BATCH_BYTES), sender, counts, interruption, screen.update)
    api.close()
    tell_what_failed(counts, outcome, sender, interruption, files)
    if counts.unanswered:
        tell("  → look before you send it again; cordwood import, for files, goes on and stores nothing twice")
    typer.echo(final_line(counts, time.monotonic() - started))
    is_complete = counts.accepted == counts.read and not outcome.troubles and sender.fatal is None
    leave(128 + interruption.signal if interruption.times else 0 if is_complete else 1, outcome)
