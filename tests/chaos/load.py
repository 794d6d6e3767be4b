"""A load of numbered events, sent as careful and careless senders do, and what each was told."""

import contextlib
import http.client
import json
import random
import threading
import time
import uuid
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

_SIZES = (1, 1, 1, 1, 2, 10, 50, 400, 1500)
_GENTLE_SIZES = (*[1] * 20, *[2] * 10, *[10] * 10, *[50] * 5, 1500)
_GENTLE_PAUSE_S = 0.02
_KEYED = 0.7
"""Share of requests that carry an Idempotency-Key and are repeated until they are taken."""
_FIRST_WAIT_S, _LAST_WAIT_S = 0.02, 0.5
_TIMEOUT_S = 20.0


class Acknowledged(Struct, frozen=True):
    """Events first … first+count-1 were promised to be durable."""

    first: int
    count: int
    receipt: str


class Load:
    """Sends from several threads until told to stop. Counts are read after that.

    A gentle one sends some thousand events a second: for hours, and still to be compared event by event.
    """

    def __init__(self, urls: list[str], rng: random.Random, *, threads: int = 3, is_gentle: bool = False) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.uncertain: list[range] = []
        """Events of requests without a key whose outcome nobody told: once or not at all."""
        self.refused = 0
        """Requests that were answered with 429: nothing of them was kept."""
        self.unanswered = 0
        """Requests that got 503, or no answer."""
        self.broken = 0
        """Of these, requests that were sent and then got no answer: cut while they were under way."""
        self.away = 0
        """Of these, requests that were not sent, as nobody listened."""
        self.slowest_s = 0.0
        """The longest that events waited from being sent first until they were acknowledged."""
        self.surprises: list[str] = []
        """Answers that no sender should ever see."""
        self._urls = urls
        self._sizes, self._pause_s = (_GENTLE_SIZES, _GENTLE_PAUSE_S) if is_gentle else (_SIZES, 0.0)
        self._next = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._give_up_at = float("inf")
        seeds = [rng.random() for _ in range(threads)]
        self._threads = [threading.Thread(target=self._run, args=(random.Random(seed),)) for seed in seeds]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._give_up_at = time.monotonic() + 60
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def events(self) -> int:
        """How many were acknowledged so far."""
        return sum(each.count for each in self.acknowledged)

    def _run(self, rng: random.Random) -> None:
        with contextlib.closing(_Client(self._urls, rng)) as client:
            while not self._stop.is_set():
                first, count = self._numbers(rng.choice(self._sizes))
                self._send(client, rng, first, count)
                if self._pause_s:
                    self._stop.wait(self._pause_s)

    def _numbers(self, count: int) -> tuple[int, int]:
        with self._lock:
            first = self._next
            self._next += count
        return first, count

    def _send(self, client: "_Client", rng: random.Random, first: int, count: int) -> None:
        body = b"\n".join(
            b'{"n":%d,"level":"info","service":"s%d","message":"event %d"}' % (n, n % 5, n)
            for n in range(first, first + count)
        )
        key = str(uuid.UUID(int=rng.getrandbits(128))) if rng.random() < _KEYED else None
        headers = {} if key is None else {"Idempotency-Key": key}
        wait_s, began = _FIRST_WAIT_S, time.monotonic()
        while True:
            status, answer = client.post("/api/v1/ingest", body, headers)
            if status == 202:
                taken = json.loads(answer)
                if taken["accepted"] != count or taken["rejected"]:
                    self.surprises.append(f"{count} events sent: {answer.decode()[:200]}")
                self.acknowledged.append(Acknowledged(first, count, taken["receipt"]))
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                return
            if status == 429:
                self.refused += 1
            elif status in (0, 503):
                self.unanswered += 1
                self.broken += client.was_cut
                self.away += status == 0 and not client.was_cut
                if key is None:
                    self.uncertain.append(range(first, first + count))
                    return
            else:
                self.surprises.append(f"status {status}: {answer.decode(errors='replace')[:200]}")
                return
            if time.monotonic() > self._give_up_at:
                self.uncertain.append(range(first, first + count))
                return
            time.sleep(rng.uniform(0, wait_s))
            wait_s = min(2 * wait_s, _LAST_WAIT_S)


class _Client:
    """A keep-alive connection to one of several addresses; another one after a failure."""

    def __init__(self, urls: list[str], rng: random.Random) -> None:
        self._addresses = [(parts.hostname or "", parts.port or 80) for parts in map(urlsplit, urls)]
        self._at = rng.randrange(len(urls))
        self._connection: http.client.HTTPConnection | None = None
        self.was_cut = False
        """Whether the last request was sent, and got no answer."""

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; status 0 when no answer came."""
        self.was_cut = False
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(*self._addresses[self._at], timeout=_TIMEOUT_S)
                self._connection.connect()
            self.was_cut = True
            self._connection.request("POST", path, body, headers)
            response = self._connection.getresponse()
            answer = response.read()
            self.was_cut = False
        except (OSError, http.client.HTTPException):
            self._fail_over()
            return 0, b""
        if response.status == 503:
            self._fail_over()
        return response.status, answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fail_over(self) -> None:
        self.close()
        self._at = (self._at + 1) % len(self._addresses)
