"""Letters out of the outbox to their receivers: at least once each, in order within a lane."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import structlog

from cordwood import metrics
from cordwood.alerts.interface import Dispatch, Letter
from cordwood.alerts.outbox import Outbox
from cordwood.alerts.receivers.http import HttpSender
from cordwood.alerts.receivers.interface import NotTaken, Send
from cordwood.alerts.receivers.mail import MailSender
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import CordwoodError
from cordwood.model.alerts.rule import Email, Receiver, Slack, Webhook

log = structlog.get_logger()

_US = 1_000_000
_FIRST_REST_S, _LONGEST_REST_S = 5, 600
_LEASE_BEYOND_S = 15.0
"""What a lease lasts beyond the time that a receiver may take."""
_MOST_DOUBLINGS = 10


class Postman:
    """Sends, in threads of its own: receivers that do not answer hold up nothing else."""

    def __init__(self, settings: AlertSettings) -> None:
        self._timeout_s = settings.deliver_timeout_s
        web, mail = HttpSender(settings), MailSender(settings)
        self._senders: Mapping[type[Receiver], Send] = {Webhook: web, Slack: web, Email: mail}
        self._threads = ThreadPoolExecutor(2 * settings.deliver_at_once, thread_name_prefix="alerts")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, letter: Letter, now_us: int) -> None:
        """Return once the receiver has it. Raises NotTaken, within the time that it may take."""
        cuts: list[Callable[[], None]] = []
        send = self._senders[type(letter.receiver)]
        sending = asyncio.get_running_loop().run_in_executor(self._threads, send, letter, now_us, cuts.append)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.shield(sending)
        except TimeoutError as error:
            raise NotTaken(f"no answer within {self._timeout_s:g} s") from error
        finally:
            if not sending.done():
                for cut in cuts:
                    cut()  # the thread comes back
                sending.add_done_callback(_forget)


def _forget(sending: "asyncio.Future[None]") -> None:
    """What it ended with has been told as a timeout."""
    if not sending.cancelled():
        sending.exception()


class Delivering:
    """Takes letters that are due, sends them, and notes what became of them."""

    def __init__(self, outbox: Outbox, postman: Postman, clock: Clock, settings: AlertSettings) -> None:
        self._outbox = outbox
        self._postman = postman
        self._clock = clock
        self._settings = settings

    async def take(self, limit: int) -> Sequence[Dispatch]:
        """Some letters that are due, for this sender alone. Raises Unavailable when the outbox is away."""
        now_us = self._clock.now_us()
        lease_us = round((self._settings.deliver_timeout_s + _LEASE_BEYOND_S) * _US)
        return await self._outbox.take(now_us, now_us + lease_us, limit)

    async def deliver(self, dispatch: Dispatch) -> None:
        """Send, and note what became of it. Raises nothing: what fails is tried again."""
        kind = type(dispatch.letter.receiver).__name__.lower()
        try:
            await self._postman.send(dispatch.letter, self._clock.now_us())
        except NotTaken as error:
            await self._put_off(dispatch, kind, str(error))
        except Exception:
            # A defect of ours must neither lose this letter nor hold up the others.
            log.exception("alert_not_delivered", rule=dispatch.letter.notice.rule, receiver=kind)
            await self._put_off(dispatch, kind, "a defect in sending; the log of the service tells more")
        else:
            metrics.ALERT_DELIVERIES.labels(kind, "delivered").inc()
            # Not noted: the lease ends, and it is sent once more, under the same id.
            with contextlib.suppress(CordwoodError):
                await self._outbox.settle(dispatch, "delivered", self._clock.now_us())

    async def _put_off(self, dispatch: Dispatch, kind: str, reason: str) -> None:
        now_us = self._clock.now_us()
        is_over = now_us - dispatch.created_us >= self._settings.deliver_for_s * _US
        rest_s = min(_FIRST_REST_S << min(dispatch.attempts - 1, _MOST_DOUBLINGS), _LONGEST_REST_S)
        metrics.ALERT_DELIVERIES.labels(kind, "given_up" if is_over else "put_off").inc()
        log.warning(
            "alert_given_up" if is_over else "alert_put_off",
            rule=dispatch.letter.notice.rule,
            receiver=kind,
            attempts=dispatch.attempts,
            reason=reason,
        )
        with contextlib.suppress(CordwoodError):
            await self._outbox.settle(
                dispatch, "given_up" if is_over else "waiting", now_us, reason, try_us=now_us + rest_s * _US
            )
