"""The system under load: where to send, how to count, what to watch."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import proc

_AGAIN = (429, 503)
_POLL_S = 0.05
_LAST_POLL_S = 1.0
_SHARE_OF_LEFT = 0.8


@dataclass(frozen=True)
class Target:
    """Any system that takes NDJSON over HTTP and can say how many events it holds."""

    url: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    count_url: str | None = None
    count_path: str = "count"
    pids: Sequence[int] = ()
    data_dir: Path | None = None

    def connect(self) -> http.client.HTTPConnection:
        return connection(self.url)

    def count(self) -> int:
        """The events that a query sees now."""
        assert self.count_url is not None, "asked only where there is a way to count"
        return count_at(self.count_url, self.count_path, self.headers)


def connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "127.0.0.1", parts.port, timeout=300)


def get(url: str, headers: dict[str, str]) -> bytes:
    """The body of an answer. Raises RuntimeError unless it is 200."""
    parts = urlsplit(url)
    client = connection(url)
    try:
        client.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = client.getresponse()
        body = response.read()
    finally:
        client.close()
    if response.status != 200:
        raise RuntimeError(f"{url} answered {response.status}: {body[:300]!r}")
    return body


def count_at(url: str, path: str, headers: dict[str, str]) -> int:
    """A number: the whole answer, or what `path` (dotted) leads to within its JSON."""
    value = json.loads(get(url, headers))
    for name in path.split(".") if isinstance(value, dict | list) else ():
        value = value[int(name)] if isinstance(value, list) else value[name]
    return int(value)


class Watch:
    """CPU, peak memory and disk of a target from now on."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._disk = 0 if target.data_dir is None else proc.disk_bytes(target.data_dir)
        proc.reset_peak(target.pids)
        self._cpu_s = proc.cpu_s(target.pids)

    def cost(self, events: int) -> dict[str, float]:
        """What `events` have cost until now."""
        found: dict[str, float] = {}
        if self._target.pids:
            found["server_cpu_us_per_event"] = (proc.cpu_s(self._target.pids) - self._cpu_s) / events * 1e6
            found["peak_memory_bytes"] = proc.memory_bytes(self._target.pids, "VmHWM")
        if self._target.data_dir is not None:
            found["disk_bytes_per_event"] = (proc.disk_bytes(self._target.data_dir) - self._disk) / events
        return found


def await_count(target: Target, wanted: int, timeout_s: float) -> int:
    """Ask until the count is `wanted`, or does not rise any more for `timeout_s`. Returns the last count.

    Counting takes time of the system that is measured: asked every 50 ms, a million rows cost PostgreSQL half as much
    again as storing them. So the next count waits for most of what the rate until now leaves to wait.
    """
    began = time.monotonic()
    first = seen = target.count()
    changed = time.monotonic()
    while seen < wanted and (asked := time.monotonic()) - changed < timeout_s:
        left_s = (wanted - seen) * (asked - began) / (seen - first) if seen > first else 0.0
        threading.Event().wait(min(max(_POLL_S, left_s * _SHARE_OF_LEFT), _LAST_POLL_S))
        now = target.count()
        if now != seen:
            seen, changed = now, time.monotonic()
    return seen


def retry_after_s(response: http.client.HTTPResponse) -> float | None:
    """How long to wait before the same request, or None when the answer is final."""
    if response.status not in _AGAIN:
        return None
    header = response.getheader("retry-after", "")
    return float(header) if header.isdigit() else 0.2
