"""What the tests of backups share: events that keep coming, and what must be there after all is lost."""

import json
import threading
from types import TracebackType
from typing import Any, Self

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

_EACH = 50


class Sending:
    """`with Sending(api) as sending`: requests with numbered events, one after the other, from two threads."""

    def __init__(self, api: Cordwood) -> None:
        self._api = api
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._next = 0
        self._accepted: list[int] = []
        self._threads = [threading.Thread(target=self._send) for _ in range(2)]

    def accepted(self) -> list[int]:
        """The numbers that were answered with 202 until now."""
        with self._turn:
            return list(self._accepted)

    def until(self, more: int) -> list[int]:
        """Returns when so many more were accepted."""
        wanted = len(self.accepted()) + more
        wait_until(lambda: len(self.accepted()) >= wanted, 30, "events to be accepted")
        return self.accepted()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _send(self) -> None:
        while not self._stop.is_set():
            with self._turn:
                first = self._next
                self._next += _EACH
            numbers = range(first, first + _EACH)
            body = b"\n".join(b'{"n":%d,"service":"shop","http":{"status":200}}' % n for n in numbers)
            assert self._api.post("/api/v1/ingest", body)[0] == 202
            with self._turn:
                self._accepted += numbers


def stored(server: Cordwood) -> list[int]:
    return [event["data"]["n"] for event in server.events()]


def audit(server: Cordwood) -> tuple[int, Any]:
    """Exit status and report of an audit that counts every event."""
    done = server.run("audit", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def until_balanced(server: Cordwood) -> None:
    """Every event counted, nothing under way. Numbers of processes that were killed may stay unverified."""

    def is_balanced() -> bool:
        status, report = audit(server)
        return status == 0 and not any(finding["kind"] == "in_flight" for finding in report["findings"])

    wait_until(is_balanced, 90, "the books to balance")
