"""`cordwood store`: see what takes the room, check the segments, merge them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from cordwood.cli.keys import tenant_named
from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.progress import progress
from cordwood.cli.shown import print_json
from cordwood.cli.surveyed import print_survey, sized
from cordwood.cli.telling import telling_errors
from cordwood.neutral import neutral
from cordwood.store.care import Checked, Fault, Merged

T = TypeVar("T")

store = typer.Typer(
    name="store", help="What takes the room in the store; is it well; make it compact.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.", show_default=False)]


@store.command()
def stats(of_tenant: OfTenant = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Tell how many events there are, of which tenants and services, and what takes how many bytes.

    Works beside a running server; reads, never writes. Of rows in PostgreSQL it counts every one.
    """
    from cordwood.wiring import services

    config = configured(data_dir=data_dir)
    with telling_errors():
        owner = None if of_tenant is None else tenant_named(of_tenant)
        survey = asyncio.run(services.run_survey(config, owner))
    if as_json:
        print_json(survey)
    else:
        print_survey(survey)


@store.command()
def check(of_tenant: OfTenant = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Read every segment back: is its file there, as it was written, with the events that it should have?

    Works beside a running server; reads, never writes. Whether the events are all that should be there, `cordwood
    audit` tells.

    Exit status: 0 when all are well, 1 when one is damaged or missing or the store cannot be looked at, 2 for wrong
    usage, 130 when interrupted.
    """
    from cordwood.wiring import services

    config = configured(data_dir=data_dir)
    faults: list[Fault] = []
    last = Checked(segments=0, of_segments=0, events=0, bytes=0, of_bytes=0)
    with telling_errors(), progress("{task.fields[segments]} segments", has_end=True) as shown:
        owner = None if of_tenant is None else tenant_named(of_tenant)
        task = shown.add_task("check", segments="0")

        def tell(step: Checked) -> None:
            nonlocal last
            last = step
            shown.update(task, total=step.of_bytes, completed=step.bytes, segments=f"{step.segments:,}")
            if step.fault is not None:
                faults.append(step.fault)

        orphans, is_stopped = _interruptible(lambda stop: services.run_check(config, owner, stop, tell))
    if as_json:
        print_json(
            {
                "is_complete": not is_stopped,
                "is_well": not faults,
                "segments": last.segments,
                "events": last.events,
                "bytes": last.bytes,
                "faults": faults,
                "orphans": orphans,
            }
        )
    else:
        for fault in faults:
            typer.echo(f"✗ {_fault_line(fault)}")
        for path in orphans:
            typer.echo(f"· {neutral(path)}: no segment: being written just now, or left by a crash")
        counted = f"{last.segments:,} segments, {last.events:,} events, {sized(last.bytes)}"
        typer.echo(f"{counted}: {_verdict(faults)}")
    if is_stopped:
        typer.echo(f"interrupted: {last.of_segments - last.segments:,} segments were not looked at", err=True)
    raise typer.Exit(130 if is_stopped else 1 if faults else 0)


@store.command()
def compact(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Merge small segments into large ones now, also where they are too few to be merged by themselves.

    A running server merges by itself, and is the one that may: this is for a store that nobody writes. Where PostgreSQL
    names the segments, it takes turns with the workers. May be interrupted or killed at any time. The replaced files go
    when the next server has run for some minutes.

    Exit status: 0 when nothing is left to merge, 1 when the disk is full or others do not let it have its turn, 2 when
    another process writes the store, 130 when interrupted.
    """
    from cordwood.wiring import services

    config = configured(data_dir=data_dir)
    merges: list[Merged] = []
    with telling_errors(), progress("{task.fields[merges]} merges", has_end=False) as shown:
        task = shown.add_task("compact", merges="0", total=None)

        def tell(merged: Merged) -> None:
            merges.append(merged)
            shown.update(task, merges=f"{len(merges):,}")

        _, is_stopped = _interruptible(lambda stop: services.run_compact(config, stop, tell))
    done = [merged for merged in merges if merged.segments]
    damaged = len(merges) - len(done)
    before, after = sum(each.bytes_before for each in done), sum(each.bytes_after for each in done)
    gone = sum(each.segments for each in done)
    if as_json:
        print_json(
            {
                "is_complete": not is_stopped,
                "merges": len(done),
                "segments_before": gone,
                "segments_after": len(done),
                "bytes_before": before,
                "bytes_after": after,
            }
        )
    elif done:
        typer.echo(f"merged {gone:,} segments of {sized(before)} into {len(done):,} of {sized(after)}")
    else:
        typer.echo("nothing was merged" if is_stopped or damaged else "nothing to merge")
    if damaged:
        typer.echo("damaged segments were left alone: `cordwood store check` names them", err=True)
    if is_stopped:
        typer.echo("interrupted: the same command goes on from here", err=True)
    raise typer.Exit(130 if is_stopped else 0)


def _interruptible(work: Callable[[asyncio.Event], Awaitable[T]]) -> tuple[T, bool]:
    """What `work` returns, and whether it was asked to stop: by SIGINT or SIGTERM, at the end of its current step."""

    async def main() -> tuple[T, bool]:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await work(stop), stop.is_set()

    return asyncio.run(main())


def _fault_line(fault: Fault) -> str:
    what = f"{fault.kind}: {fault.reason}; {fault.events:,} events of tenant {fault.tenant}"
    return f"{neutral(fault.segment)}: {neutral(what)}"


def _verdict(faults: list[Fault]) -> str:
    kinds = [fault.kind for fault in faults]
    found = [f"{kinds.count(kind):,} {kind}" for kind in ("damaged", "missing") if kind in kinds]
    return ", ".join(found) or "all well"
