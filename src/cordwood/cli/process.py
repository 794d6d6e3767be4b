"""Running a service in this process: settings, logs, event loop, signals, exit status."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import typer
import uvloop

from cordwood.config import Config, load
from cordwood.errors import ConfigError, CordwoodError
from cordwood.logs import configure_logs
from cordwood.neutral import neutral

Service = Callable[[Config, asyncio.Event, Callable[[str], None]], Awaitable[None]]

log = structlog.get_logger()


def configured(**options: object) -> Config:
    """Settings from all sources; `options` that are None were not given. Exits with 2 on a wrong setting."""
    given = {name.replace("__", "."): str(value) for name, value in options.items() if value is not None}
    with telling_errors():
        config = load(os.environ, given)
    configure_logs(config.log)
    return config


def run(name: str, service: Service, config: Config, announce: Callable[[str], None]) -> None:
    """Run a service until SIGINT or SIGTERM; a second signal ends the process at once."""

    async def main() -> None:
        stop = asyncio.Event()

        def on_signal(number: signal.Signals) -> None:
            if stop.is_set():
                sys.exit(128 + number)
            log.info("stopping", service=name, signal=number.name)
            stop.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
        # What is imported by now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        await service(config, stop, announce)
        log.info("stopped", service=name)

    with telling_errors():
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseExceptionGroup as group:
            known = group.subgroup(CordwoodError)
            if known is None:
                raise
            raise _first(known) from group


@contextmanager
def telling_errors() -> Iterator[None]:
    """Errors that an operator can act on, as two lines rather than a traceback. Exit 2 for settings, 1 for the rest."""
    try:
        yield
    except CordwoodError as error:
        # What a server answered may be in it.
        typer.echo(f"cordwood: {neutral(error.message)}", err=True)
        if error.hint:
            typer.echo(f"  → {neutral(error.hint)}", err=True)
        raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from error


def _first(group: BaseExceptionGroup[CordwoodError]) -> CordwoodError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
