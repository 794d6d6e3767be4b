"""Running a service in this process: settings, logs, event loop, signals, exit status."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog

from cordwood.cli.sent_logs import sent_logs
from cordwood.cli.telling import telling_errors
from cordwood.config import Config, load
from cordwood.errors import CordwoodError
from cordwood.logs import configure_logs

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
    import uvloop

    with telling_errors(), sent_logs(name, config.log, announce) as announced:
        _run(name, service, config, announced, uvloop.new_event_loop)


def _run(
    name: str,
    service: Service,
    config: Config,
    announce: Callable[[str], None],
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Raises CordwoodError."""

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

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())
    except BaseExceptionGroup as group:
        known = group.subgroup(CordwoodError)
        if known is None:
            raise
        raise _first(known) from group
    finally:
        # Else what an error holds is never let go, and DuckDB's library ends with a screen of what it found leaked,
        # below what the operator is to read.
        gc.unfreeze()


def _first(group: BaseExceptionGroup[CordwoodError]) -> CordwoodError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
