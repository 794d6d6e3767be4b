"""The canary: sends marked events through the front door, and looks for each by its id, as a user would."""

import contextlib
import threading
import time
import uuid
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from cordwood import metrics
from cordwood.client.http import Api, TryAgain
from cordwood.errors import CordwoodError, NotFound
from cordwood.model.batch import event_id

log = structlog.get_logger()

SERVICE = "cordwood-canary"
"""The service of every canary event: `service:cordwood-canary` finds them, or leaves them out."""
_LOOK_EVERY_S = 0.02


class _Found(Struct):
    id: UUID


class Canary(threading.Thread):
    """One event at a time, until stopped. Publishes metrics; logs what is lost."""

    def __init__(self, ingest: Api, query: Api, interval_s: float, timeout_s: float) -> None:
        super().__init__(name="canary", daemon=True)
        self._ingest = ingest
        self._query = query
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._stopped = threading.Event()
        for outcome in ("found", "lost", "refused"):
            metrics.CANARY_EVENTS.labels(outcome)  # from 0 on: the first that is lost is a rise

    def stop(self) -> None:
        """Begin no more; returns when the one under way is done with, within a second."""
        self._stopped.set()
        self.join(1)

    def run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            started = time.monotonic()
            try:
                event = self._send()
            except CordwoodError as error:
                metrics.CANARY_EVENTS.labels("refused").inc()
                log.warning("canary_refused", reason=error.message, hint=error.hint)
                continue
            self._look_for(event, started)

    def _send(self) -> UUID:
        """The id of the event that was accepted."""
        key = str(uuid.uuid4())
        body = msgspec.json.encode({"service": SERVICE, "level": "debug", "message": "canary", "canary": key})
        first, _, _ = self._ingest.ingest(body, None, key).receipt.partition(".")
        batch, ordinal, _ = first.split("~")
        return event_id(UUID(batch), int(ordinal))

    def _look_for(self, event: UUID, started: float) -> None:
        while time.monotonic() - started < self._timeout_s:
            with contextlib.suppress(NotFound, TryAgain):
                self._query.get(f"/api/v1/events/{event}", _Found)
                metrics.CANARY_EVENTS.labels("found").inc()
                metrics.CANARY_SECONDS.observe(time.monotonic() - started)
                return
            if self._stopped.wait(_LOOK_EVERY_S):
                return
        metrics.CANARY_EVENTS.labels("lost").inc()
        log.error("canary_lost", id=str(event), waited_s=self._timeout_s, hint="run `cordwood audit`")
