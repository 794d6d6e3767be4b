"""`bench tail`: how long after its POST, and after its being stored, a single event is told to a live tail."""

import http.client
import json
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.single import percentile
from bench.target import Target, connection

_WARM_UP = 5


@dataclass(frozen=True)
class TailLoad:
    tail_url: str
    """Of the tail endpoint itself, …/api/v1/tail, on this machine: its clock is compared with ours."""
    samples: int = 200
    pause_s: float = 0.05


def measure(target: Target, load: TailLoad) -> dict[str, Any]:
    """One event at a time, each awaited."""
    run = secrets.token_hex(6)
    listener = connection(load.tail_url)
    path = urlsplit(load.tail_url).path
    listener.request("GET", f"{path}?{urlencode({'query': f'run:{run}', 'history': 0})}", headers=target.headers)
    answer = listener.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{load.tail_url} answered {answer.status}: {answer.read()[:300]!r}")
    _next(answer, b"event: live")
    client = connection(target.url)
    for _ in range(_WARM_UP):
        client.request("POST", target.path, json.dumps({"run": run}).encode(), target.headers)
        client.getresponse().read()
        _next(answer, b"data: ")
    posted_ms: list[float] = []
    stored_ms: list[float] = []
    for number in range(load.samples):
        event = json.dumps({"message": "is it told yet?", "level": "info", "run": run, "n": number}).encode()
        started = time.time()
        client.request("POST", target.path, event, {**target.headers, "content-type": "application/json"})
        response = client.getresponse()
        body = response.read()
        if response.status != 202:
            raise RuntimeError(f"{target.path} answered {response.status}: {body[:300]!r}")
        told = json.loads(_next(answer, b"data: ").removeprefix(b"data: "))
        heard = time.time()
        posted_ms.append((heard - started) * 1e3)
        stored_ms.append((heard - datetime.fromisoformat(told["inserted_at"]).timestamp()) * 1e3)
        threading.Event().wait(load.pause_s)
    client.close()
    answer.close()
    listener.close()
    posted_ms.sort()
    stored_ms.sort()
    return {
        "samples": load.samples,
        "posted_to_told_p50_ms": percentile(posted_ms, 50),
        "posted_to_told_p99_ms": percentile(posted_ms, 99),
        "stored_to_told_p50_ms": percentile(stored_ms, 50),
        "stored_to_told_p99_ms": percentile(stored_ms, 99),
        "stored_to_told_max_ms": stored_ms[-1],
    }


def _next(answer: http.client.HTTPResponse, beginning: bytes) -> bytes:
    """The next line that begins so; of `live`, behind its data."""
    while line := answer.readline():
        if line.startswith(beginning):
            if beginning == b"event: live":
                answer.readline()
            return line
    raise RuntimeError("the tail has ended")
