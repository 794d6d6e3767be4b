"""`cordwood import`: files and directories into the platform, resumable."""

import hashlib
import os
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from cordwood.cli.sending import MAX_SHOWN, final_line, interruptible, leave, shown_progress, tell, tell_what_failed
from cordwood.cli.shown import print_json
from cordwood.cli.telling import telling_errors
from cordwood.client import send as client
from cordwood.client.feed import STDIN, Feed, size_of
from cordwood.client.http import Api
from cordwood.client.importing import AsTheyAre, Importing, files_in
from cordwood.client.journal import Journal, target_of
from cordwood.client.retry import Patience
from cordwood.client.sender import Counts, Encoding, Sender
from cordwood.errors import ConfigError


def import_(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Files, and directories of files.", show_default=False)
    ],
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to send to.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the ingest scope.", show_default=False)
    ] = None,
    parse: Annotated[
        Literal["json", "text", "combined", "logfmt", "auto"] | None,
        typer.Option(help="How to read the lines, as `cordwood send` does. When not given, each file tells."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="File that remembers what was taken.  [default: one for these paths and this server, in "
            "~/.local/state/cordwood/import]",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Forget what was imported, and begin anew.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first event that is not taken.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests under way at once.")] = 2,
    compress: Annotated[Encoding, typer.Option(help="How requests travel.")] = "zstd",
    retry_for: Annotated[
        float, typer.Option(min=0, help="Seconds to go on trying while the server is away or busy.")
    ] = 120.0,
    is_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Import logs: NDJSON, JSON, plain text, gzip and zstd, Parquet, and what `cordwood export` wrote.

    When it was interrupted or killed, or the server was away, the same command goes on where it stopped: nothing is
    lost, nothing doubled. Directories are read with all that is below them, sorted, hidden files left out.

    Exit status: 0 when every event was accepted, 1 when not, 2 for wrong usage, 130 when interrupted.
    """
    if STDIN in paths:
        raise typer.BadParameter("standard input cannot be resumed: use cordwood send -", param_hint="PATH")
    with telling_errors():
        api = Api(url, api_key, connections=concurrency)
        target = target_of(url, api_key, parse or "")
        where = state or _state_of(paths, target)
        try:
            journal = Journal(where, target)
        except OSError as error:
            raise ConfigError(f"{where}: {error.strerror}", hint="name another --state") from error
    files = files_in(paths)
    counts = Counts(MAX_SHOWN)
    importing = Importing(journal, parse, again=again)
    feed = Feed(files, importing.read)
    started = time.monotonic()
    with shown_progress(feed, counts, size_of(files)) as screen:
        sender = Sender(
            api,
            counts,
            concurrency=concurrency,
            encoding=compress,
            patience=Patience(total_s=retry_for),
            on_retry=screen.tell_retry,
            on_settled=importing.settled,
        )

        def look() -> None:
            screen.update()
            if strict and counts.rejected:
                feed.stop()
                sender.stop()

        interruption = client.Interruption(feed, sender)
        with interruptible(interruption, screen):
            outcome = client.run(feed, AsTheyAre(), sender, counts, interruption, look)
    api.close()
    if outcome.is_settled:
        journal.close()
    tell_what_failed(counts, outcome, sender, interruption, files)
    took_s = time.monotonic() - started
    is_complete = counts.accepted == counts.read and not outcome.troubles and sender.fatal is None
    if interruption.times or not is_complete:
        tell(f"what was taken is remembered in {where}: the same command goes on from there")
    if is_json:
        print_json(
            {
                "files": len(files),
                "whole": importing.files,
                "already": importing.already,
                "read": counts.read,
                "accepted": counts.accepted,
                "rejected": counts.rejected,
                "failed": counts.failed,
                "seconds": round(took_s, 3),
            }
        )
    else:
        before = f"  ({importing.already:,} by earlier runs)" if importing.already else ""
        typer.echo(final_line(counts, took_s) + before)
    leave(128 + interruption.signal if interruption.times else 0 if is_complete else 1, outcome)


def _state_of(paths: list[str], target: str) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    named = msgspec.json.encode((target, sorted(str(Path(path).resolve()) for path in paths)))
    digest = hashlib.blake2b(named, digest_size=16).hexdigest()
    return Path(home).expanduser() / "cordwood" / "import" / f"{digest}.ndjson"
