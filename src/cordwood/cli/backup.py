"""`cordwood backup` and `cordwood restore`: the embedded parts, copied while they work, and back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.progress import progress
from cordwood.cli.shown import print_json
from cordwood.cli.surveyed import sized
from cordwood.cli.telling import telling_errors
from cordwood.neutral import neutral

if TYPE_CHECKING:
    from cordwood.backup.manifest import Manifest
    from cordwood.backup.parts import Fault, Step

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def backup(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory.")],
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Give segment files a second name instead of copying them: at once, and without taking room, on the "
            "same file system. To be copied elsewhere from there.",
        ),
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Copy everything that the embedded platform keeps, also while it runs: events, queue, keys, alerts, dashboards.

    All that was accepted before the command began is in the copy. Each segment is compared with its digest. The copy
    holds logs and secrets, as the data directory does.

    Exit status: 0 when all is copied as it was written, 1 when a segment is damaged or missing (the rest is copied), or
    when the copy is not complete, 2 for wrong usage.
    """
    from cordwood.wiring import copying

    config = configured(data_dir=data_dir)
    with telling_errors(), _bar("backup") as tell:
        manifest, faults = copying.backup(config, directory, tell, is_linked=link)
    _print(manifest, faults, f"copied to {directory}", as_json=as_json)


def restore(
    directory: Annotated[Path, typer.Argument(help="What `cordwood backup` wrote.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make the data directory of a backup; it must be missing or empty.

    Each file is compared with its digest. Until all are there, the data directory stays empty. Run it as the user that
    runs `cordwood up`.

    Exit status: 0 when all is restored as it was written, 1 when a segment is damaged or missing (the rest is
    restored), or when nothing could be restored, 2 for wrong usage.
    """
    from cordwood.wiring import copying

    config = configured(data_dir=data_dir)
    with telling_errors(), _bar("restore") as tell:
        manifest, faults = copying.restore(config, directory, tell)
    _print(manifest, faults, f"restored to {config.data_dir}", as_json=as_json)


@contextmanager
def _bar(name: str) -> Iterator[Callable[["Step"], None]]:
    with progress("{task.fields[files]} files", has_end=True) as shown:
        task = shown.add_task(name, files="0", total=None)

        def tell(step: "Step") -> None:
            shown.update(task, total=step.of_bytes, completed=step.bytes, files=f"{step.files:,}")

        yield tell


def _print(manifest: "Manifest", faults: Sequence["Fault"], done: str, *, as_json: bool) -> None:
    events = sum(each.events for each in manifest.files)
    size_bytes = sum(each.bytes for each in (*manifest.databases, *manifest.files))
    if as_json:
        print_json(
            {
                "is_well": not faults,
                "taken_at": manifest.taken_at,
                "cordwood": manifest.cordwood,
                "segments": len(manifest.files),
                "events": events,
                "bytes": size_bytes,
                "databases": [each.path for each in manifest.databases],
                "faults": faults,
            }
        )
    else:
        for fault in faults:
            what = f"{fault.kind}: {fault.reason}; {fault.events:,} events"
            typer.echo(f"✗ {neutral(fault.path)}: {neutral(what)}")
        queue = " and the queue" if any(each.path == "queue.sqlite" for each in manifest.databases) else ""
        typer.echo(f"{events:,} events in {len(manifest.files):,} segments{queue}, {sized(size_bytes)}: {done}")
    raise typer.Exit(1 if faults else 0)
