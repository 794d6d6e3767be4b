"""Alerts, running: rules evaluated and letters sent until the service stops, whatever is away meanwhile."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from cordwood import metrics
from cordwood.alerts.delivering import Delivering
from cordwood.alerts.evaluating import Evaluating
from cordwood.alerts.outbox import Outbox
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import CordwoodError

log = structlog.get_logger()
T = TypeVar("T")

_IDLE_S, _AWAY_S, _FORGET_S = 1.0, 5.0, 3600.0
_LAST_S = 3.0
"""What is under way when the service stops gets this long; then its lease has to end."""
_DAY_US = 86_400_000_000


class Watching:
    """Everything that goes on in the background."""

    def __init__(
        self, evaluating: Evaluating, delivering: Delivering, outbox: Outbox, clock: Clock, settings: AlertSettings
    ) -> None:
        self._evaluating = evaluating
        self._delivering = delivering
        self._outbox = outbox
        self._clock = clock
        self._settings = settings

    async def run(self, stop: asyncio.Event) -> None:
        """Evaluate and deliver until `stop`."""
        evaluating, delivering, settings = self._evaluating, self._delivering, self._settings
        async with asyncio.TaskGroup() as group:
            group.create_task(_work("evaluating", evaluating.take, evaluating.evaluate, settings.at_once, stop))
            group.create_task(_work("delivering", delivering.take, delivering.deliver, settings.deliver_at_once, stop))
            group.create_task(self._forget(stop))

    async def _forget(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            before_us = self._clock.now_us() - self._settings.history_days * _DAY_US
            await _guarded("forgetting", self._outbox.forget(before_us))
            await _pause(_FORGET_S, stop)


async def _work(
    what: str,
    take: Callable[[int], Awaitable[Sequence[T]]],
    do: Callable[[T], Coroutine[Any, Any, None]],
    at_once: int,
    stop: asyncio.Event,
) -> None:
    """Take and do, a few at once: one that is slow holds up no other."""
    running: set[asyncio.Task[None]] = set()
    try:
        while not stop.is_set():
            taken = await _guarded(what, take(at_once - len(running)))
            for each in taken or ():
                task = asyncio.create_task(do(each))
                running.add(task)
                task.add_done_callback(running.discard)
            if not taken:
                await _pause(_AWAY_S if taken is None else _IDLE_S, stop)
            while len(running) >= at_once and not stop.is_set():
                await asyncio.wait(running, timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        if running:
            await asyncio.wait(running, timeout=_LAST_S)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _guarded(what: str, asked: Awaitable[T]) -> T | None:
    """What is answered; None when that failed, which is told here."""
    try:
        return await asked
    except CordwoodError as error:
        log.warning("alerts_put_off", what=what, reason=error.message, hint=error.hint)
    except Exception:
        # The outermost edge of the background: the service answers while somebody mends this.
        log.exception("alerts_failed", what=what)
    metrics.ALERT_FAILURES.labels(what).inc()
    return None


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
