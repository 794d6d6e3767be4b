"""Sends logs without pause, and each batch again until it is accepted: what was accepted is known to the event."""

import json
import threading
import uuid
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from typing import Self

from tests.compose.stack import Stack
from tests.support.waiting import wait_until

_EVENTS = 200
_PAUSE_S = 0.05
_PATIENCE_S = 300
_LEVELS = ("info", "info", "info", "warn", "error")


class Sender:
    """Runs in a thread while the block runs; numbers its events 0, 1, 2 …"""

    def __init__(self, stack: Stack) -> None:
        self.batches = 0
        self.retries = 0
        self._stack = stack
        self._run_id = uuid.uuid4().hex
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_all)
        self._refused: str | None = None

    @property
    def events(self) -> int:
        """How many were accepted."""
        return self.batches * _EVENTS

    def goes_on(self, batches: int) -> Callable[[], bool]:
        """Whether as many more have been accepted. Raises RuntimeError when one was refused for good."""
        target = self.batches + batches

        def reached() -> bool:
            if self._refused:
                raise RuntimeError(self._refused)
            return self.batches >= target

        return reached

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _send_all(self) -> None:
        while not self._stop.is_set():
            body = b"".join(_line(self.events + number) for number in range(_EVENTS))
            try:
                wait_until(partial(self._is_accepted, body), _PATIENCE_S, "a batch to be accepted")
            except (TimeoutError, ValueError) as error:
                self._refused = str(error)
                return
            self.batches += 1
            self._stop.wait(_PAUSE_S)

    def _is_accepted(self, body: bytes) -> bool:
        key = f"{self._run_id}-{self.batches}"
        try:
            status, said = self._stack.ask("/log", body, content_type="application/x-ndjson", idempotency_key=key)
        except (OSError, HTTPException):
            status, said = 503, b""
        if status == 202:
            return True
        if status not in (429, 500, 502, 503, 504):
            raise ValueError(f"{status}: {said.decode(errors='replace')}")
        self.retries += 1
        self._stop.wait(_PAUSE_S)
        return False


def _line(number: int) -> bytes:
    """As an application writes it."""
    event = {
        "level": _LEVELS[number % len(_LEVELS)],
        "service": "compose-test",
        "message": f"GET /cart/{number} took {number % 997} ms",
        "http": {"status": 200 + number % 5 * 100, "path": f"/cart/{number}"},
        "trace_id": f"{number:032x}",
        "n": number,
    }
    return json.dumps(event).encode() + b"\n"
