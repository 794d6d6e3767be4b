"""`bench people`: many people ask, each with pauses to think, while events come in."""

import http.client
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from bench import data, ingest
from bench.endless import Endless
from bench.setups import Setup
from bench.single import percentile
from bench.target import Target, await_count, connection

_TIMEOUT_S = 120.0
_FILLING_CLIENTS = 4
MINUTE_MS, _QUARTER_MS, _HOUR_MS = 60_000, 15 * 60_000, 60 * 60_000

QUESTIONS: Sequence[tuple[int, str, int, Sequence[tuple[str, str]]]] = (
    (4, "/api/v1/query", _QUARTER_MS, [("limit", "100")]),
    (4, "/api/v1/query", _HOUR_MS, [("limit", "100"), ("query", "level:error service:{service}")]),
    (4, "/api/v1/histogram", _HOUR_MS, [("by", "level")]),
    (2, "/api/v1/query", _HOUR_MS, [("limit", "100"), ("query", '"item:{item}"')]),
    (2, "/api/v1/query", _HOUR_MS, [("query", "| stats count(), p99(http.duration_ms) by service")]),
    (1, "/api/v1/facets", _QUARTER_MS, []),
)
"""How often, where, over how much time until the newest event, and what."""


@dataclass(frozen=True)
class PeopleLoad:
    events: int
    """That are there to begin with."""
    people: int = 50
    pause_s: float = 5.0
    """Between an answer and the next question, on average."""
    seconds: float = 30.0
    """Of each of the three: people alone, events alone, both."""
    rate: float = 100_000.0
    """Events a second."""
    batch: int = 10_000
    clients: int = 2


@dataclass
class _Heard:
    """What came of the questions."""

    took_ms: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _Newest:
    """How many events were sent: what is asked for ends there."""

    def __init__(self, endless: Endless, sent: int) -> None:
        self._endless = endless
        self.sent = sent

    def ms(self) -> int:
        return self._endless.moment_ms(self.sent)


def measure(setup: Setup, load: PeopleLoad) -> dict[str, Any]:
    """Fill; then people alone, events alone, both."""
    target = setup.target("/api/v1/ingest")
    coming = int(load.rate * load.seconds) // load.batch * load.batch
    total = load.events // load.batch * load.batch + 2 * coming
    endless = Endless(total, load.batch)
    newest = _Newest(endless, total - 2 * coming)
    before = target.count()
    ingest.send(target, ingest.NDJSON, endless.bodies(0, newest.sent), _FILLING_CLIENTS)
    await_count(target, before + newest.sent, _TIMEOUT_S)
    with _asking(setup, load, newest) as alone:
        threading.Event().wait(load.seconds)
    rate_alone = _sent(target, endless, newest, coming, load)
    with _asking(setup, load, newest) as beside:
        rate_beside = _sent(target, endless, newest, coming, load)
    found = await_count(target, before + total, _TIMEOUT_S) - before
    figures: dict[str, Any] = {
        "events": load.events,
        "missing": total - found,
        "people": load.people,
        "pause_s": load.pause_s,
        "rate_wanted": load.rate,
        "rate_alone": rate_alone,
        "rate_beside_people": rate_beside,
        "rate_share": rate_beside / rate_alone,
        "errors": len(alone.failed) + len(beside.failed),
    }
    for name, heard in (("idle", alone), ("busy", beside)):
        took_ms = sorted(heard.took_ms)
        figures[f"{name}_questions"] = len(took_ms)
        if took_ms:
            figures |= {f"{name}_p{share}_ms": percentile(took_ms, share) for share in (50, 95)}
    if alone.took_ms and beside.took_ms:
        figures["busy_to_idle_p95"] = figures["busy_p95_ms"] / figures["idle_p95_ms"]
    for reason in (*alone.failed, *beside.failed)[:1]:
        figures["first_error"] = reason
    return figures


def _sent(target: Target, endless: Endless, newest: _Newest, events: int, load: PeopleLoad) -> float:
    """Events a second, from the first on until all can be queried."""
    before, started = target.count(), time.perf_counter()
    ingest.send(target, ingest.NDJSON, _paced(endless, newest, events, load), load.clients)
    await_count(target, before + events, _TIMEOUT_S)
    return events / (time.perf_counter() - started)


def _paced(endless: Endless, newest: _Newest, events: int, load: PeopleLoad) -> Iterator[memoryview]:
    first, started = newest.sent, time.monotonic()
    for body in endless.bodies(first, events):
        due_s = (newest.sent - first) / load.rate - (time.monotonic() - started)
        threading.Event().wait(max(0.0, due_s))
        yield body
        newest.sent += load.batch


@contextmanager
def _asking(setup: Setup, load: PeopleLoad, newest: _Newest) -> Iterator[_Heard]:
    """People who ask for as long as the block."""
    heard, is_over = _Heard(), threading.Event()
    people = [
        threading.Thread(target=_person, args=(setup.query_url, random.Random(number), load, newest, heard, is_over))
        for number in range(load.people)
    ]
    for person in people:
        person.start()
    try:
        yield heard
    finally:
        is_over.set()
        for person in people:
            person.join()


def _person(
    url: str, chance: random.Random, load: PeopleLoad, newest: _Newest, heard: _Heard, is_over: threading.Event
) -> None:
    client = connection(url)
    while not is_over.wait(chance.expovariate(1 / load.pause_s)):
        # Each ends at another moment, so that nobody is answered out of the cache.
        path, started = question(chance, newest.ms() - chance.randrange(MINUTE_MS)), time.perf_counter()
        try:
            client.request("GET", path)
            response = client.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            heard.failed.append(f"{path}: {error}")
            client.close()
            continue
        heard.took_ms.append((time.perf_counter() - started) * 1e3)
        if response.status != 200:
            heard.failed.append(f"{path} answered {response.status}: {body[:200]!r}")
    client.close()


def question(chance: random.Random, end_ms: int) -> str:
    """The path of one, about the time until `end_ms`."""
    (_, path, span_ms, arguments) = chance.choices(QUESTIONS, [weight for weight, *_ in QUESTIONS])[0]
    named = {"service": chance.choice(data.SERVICES), "item": str(chance.randrange(1_000_000))}
    bounds = [("start", _moment(end_ms - span_ms)), ("end", _moment(end_ms))]
    return f"{path}?{urlencode([*bounds, *((name, value.format(**named)) for name, value in arguments)])}"


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
