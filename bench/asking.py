"""Questions a second with one query process, and with two."""

import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from bench import people
from bench.scaled import Platform, Reading
from bench.setups import pid_of
from bench.share import Shares
from bench.target import connection

CORES = 0.5
"""For each query process."""


@dataclass(frozen=True)
class AskingLoad:
    newest_ms: int
    """The timestamp of the newest event."""
    seconds: float = 6.0
    clients: int = 8


@dataclass
class _Heard:
    answers: int = 0
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def measure(running: Platform, load: AskingLoad, shares: Shares | None) -> dict[str, Any]:
    """The same people's questions, without pauses, to one process and to two."""
    if shares is not None:
        for each in running.queries:
            shares.bind(pid_of(each), CORES)
    _asked([each.url for each in running.queries], load, 2.0)  # opens files, and compiles what is compiled once
    rates: list[float] = []
    errors: list[str] = []
    figures: dict[str, Any] = {"cores_a_query_process": "no bound" if shares is None else CORES}
    for many in range(1, len(running.queries) + 1):
        before: Reading = running.read()
        heard = _asked([each.url for each in running.queries[:many]], load, load.seconds)
        spent = running.since(before)
        rates.append(heard.answers / spent.seconds)
        errors += heard.failed
        if many == 1:
            for part in ("query", "postgres"):
                figures[f"{part}_cpu_ms_per_question"] = spent.cpu_s[part] / max(1, heard.answers) * 1e3
    if shares is not None:
        shares.release()
    figures |= {
        "questions_per_s_by_processes": " · ".join(f"{rate:,.1f}" for rate in rates),
        "questions_of_linear": rates[-1] / len(rates) / rates[0],
        "question_errors": len(errors),
    }
    for reason in errors[:1]:
        figures["first_error"] = reason
    return figures


def _asked(urls: list[str], load: AskingLoad, seconds: float) -> _Heard:
    heard, end = _Heard(), time.monotonic() + seconds
    askers = [
        threading.Thread(target=_ask, args=(urls[number % len(urls)], random.Random(number), load, heard, end))
        for number in range(load.clients)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    return heard


def _ask(url: str, chance: random.Random, load: AskingLoad, heard: _Heard, end: float) -> None:
    client = connection(url)
    while time.monotonic() < end:
        # Each ends at another moment, so that nobody is answered out of the cache.
        path = people.question(chance, load.newest_ms - chance.randrange(people.MINUTE_MS))
        try:
            client.request("GET", path)
            response = client.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            client.close()
            reason = f"{path}: {error}"
        else:
            reason = "" if response.status == 200 else f"{path} answered {response.status}: {body[:200]!r}"
        with heard.lock:
            heard.answers += not reason
            heard.failed += [reason] if reason else []
    client.close()
