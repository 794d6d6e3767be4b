"""The worker's background chores: the store's, and the queue's figures."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import get_args
from uuid import UUID

import structlog

from cordwood import metrics
from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import CordwoodError
from cordwood.model.ledger import FindingKind, judge
from cordwood.model.retention import Retention
from cordwood.store.interface import Books, Eraser, Upkeep, Writer

log = structlog.get_logger()

_WATCH_INTERVAL_S = 2.0
_EXPIRE_INTERVAL_S = 60.0
_AUDIT_INTERVAL_S = 30.0
_AUDIT_REST = 20.0
"""Long books are read less often: for one part of the time in twenty."""
_REPORT_INTERVAL_S = 10.0
"""Each one is a write: an idle platform leaves the disk alone for a while."""


async def tend_forever(store: Upkeep, interval_s: float, stop: asyncio.Event) -> None:
    """A round of the store's chores now and then, until `stop`."""
    while not stop.is_set():
        try:
            await store.tend()
        except CordwoodError as error:
            log.warning("chores_put_off", reason=error.message, hint=error.hint)
        except Exception:
            # The outermost edge of a chore: batches must go on being stored while somebody mends this.
            log.exception("chores_failed")
        await _pause(interval_s, stop)


async def expire_forever(store: Eraser, retention: Callable[[], Awaitable[Retention]], stop: asyncio.Event) -> None:
    """Remove what is older than its retention, until `stop`."""
    while not stop.is_set():
        try:
            await store.expire(await retention())
        except CordwoodError as error:
            log.warning("expiry_put_off", reason=error.message, hint=error.hint)
        except Exception:
            # The outermost edge of a chore: batches must go on being stored while somebody mends this.
            log.exception("expiry_failed")
        await _pause(_EXPIRE_INTERVAL_S, stop)


async def watch_backlog(broker: Broker, writer: Writer, worker: UUID, stop: asyncio.Event) -> None:
    """Publish what waits in the queue as metrics, and tell the ledger when nothing does, until `stop`."""
    reported_at = -_REPORT_INTERVAL_S
    while not stop.is_set():
        # Away: gauges and ledger keep their last value, and readiness says why.
        with contextlib.suppress(CordwoodError):
            backlog = await broker.backlog()
            metrics.BACKLOG_BATCHES.set(backlog.batches)
            if backlog.size_bytes is not None:
                metrics.BACKLOG_BYTES.set(backlog.size_bytes)
            if backlog.oldest_age_s is not None:
                metrics.BACKLOG_AGE_SECONDS.set(backlog.oldest_age_s)
            if time.monotonic() - reported_at >= _REPORT_INTERVAL_S:
                await writer.report(worker, backlog.queue, is_drained=backlog.batches == 0)
                reported_at = time.monotonic()
        await _pause(_WATCH_INTERVAL_S, stop)


async def audit_forever(books: Books, clock: Clock, stop: asyncio.Event) -> None:
    """Publish what the ledger says as metrics, without counting the events themselves, until `stop`."""
    for kind in get_args(FindingKind):
        metrics.LEDGER_FINDINGS.labels(kind).set(0)
    while not stop.is_set():
        began = time.monotonic()
        try:
            findings = judge(await books.accounts(None, is_counted=False), clock.now_us())
        except CordwoodError as error:
            log.warning("ledger_not_read", reason=error.message, hint=error.hint)
        except Exception:
            # The outermost edge of a chore: batches must go on being stored while somebody mends this.
            log.exception("ledger_not_read")
        else:
            kinds = Counter(finding.kind for finding in findings)
            for kind in get_args(FindingKind):
                metrics.LEDGER_FINDINGS.labels(kind).set(kinds[kind])
            metrics.LEDGER_READ_AT.set_to_current_time()
        await _pause(max(_AUDIT_INTERVAL_S, _AUDIT_REST * (time.monotonic() - began)), stop)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
