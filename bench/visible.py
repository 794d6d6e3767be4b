"""`bench visible`: how long after its POST a single event is in a query's answer."""

import http.client
import json
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.single import percentile
from bench.target import Target, connection

_POLL_S = 0.005


@dataclass(frozen=True)
class VisibleLoad:
    query_url: str
    """Of the query endpoint itself, …/api/v1/query."""
    samples: int = 200
    pause_s: float = 0.05
    timeout_s: float = 30.0


def measure(target: Target, load: VisibleLoad) -> dict[str, Any]:
    """One event at a time, each with a marker of its own that is then asked for."""
    seen_ms: list[float] = []
    acknowledged_ms: list[float] = []
    client = connection(target.url)
    asker = connection(load.query_url)
    run = secrets.token_hex(6)
    for number in range(load.samples):
        marker = f"{run}-{number}"
        event = json.dumps({"message": "is it there yet?", "level": "info", "probe": marker}).encode()
        started = time.perf_counter()
        client.request("POST", target.path, event, {**target.headers, "content-type": "application/json"})
        response = client.getresponse()
        answer = response.read()
        if response.status != 202:
            raise RuntimeError(f"{target.path} answered {response.status}: {answer[:300]!r}")
        acknowledged_ms.append((time.perf_counter() - started) * 1e3)
        _await(asker, load, target.headers, marker, started)
        seen_ms.append((time.perf_counter() - started) * 1e3)
        threading.Event().wait(load.pause_s)
    client.close()
    asker.close()
    seen_ms.sort()
    acknowledged_ms.sort()
    return {
        "samples": load.samples,
        "visible_p50_ms": percentile(seen_ms, 50),
        "visible_p99_ms": percentile(seen_ms, 99),
        "visible_max_ms": seen_ms[-1],
        "acknowledged_p50_ms": percentile(acknowledged_ms, 50),
    }


def _await(
    asker: http.client.HTTPConnection, load: VisibleLoad, headers: dict[str, str], marker: str, started: float
) -> None:
    path = urlsplit(load.query_url).path + "?" + urlencode({"start": "-10m", "filter": f"probe:{marker}", "limit": 1})
    while True:
        asker.request("GET", path, headers=headers)
        response = asker.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{load.query_url} answered {response.status}: {body[:300]!r}")
        if json.loads(body)["events"]:
            return
        if time.perf_counter() - started > load.timeout_s:
            raise RuntimeError(f"an event was not visible after {load.timeout_s:g} s")
        threading.Event().wait(_POLL_S)
