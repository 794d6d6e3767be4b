"""`bench single`: one event a request over keep-alive connections, as fast as answers come."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

from bench import data
from bench.target import Target, Watch, await_count

_EVENTS = 20_000
_END_OF_HEADERS = b"\r\n\r\n"


@dataclass(frozen=True)
class SingleLoad:
    connections: int
    seconds: float
    timeout_s: float = 60.0


class _Tally:
    def __init__(self, requests: "cycle[bytes]") -> None:
        self.requests = requests
        self.latencies_s: list[float] = []
        self.statuses: dict[bytes, int] = {}
        self.is_over = False


class _Client(asyncio.Protocol):
    """One connection: the next request leaves when the answer to the last one is complete."""

    def __init__(self, tally: _Tally, closed: asyncio.Future[None]) -> None:
        self._tally = tally
        self._closed = closed
        self._received = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._send()

    def data_received(self, received: bytes) -> None:
        self._received = received = self._received + received if self._received else received
        end = received.find(_END_OF_HEADERS)
        if end < 0:
            return
        head = received[:end].lower()
        at = head.find(b"content-length:")
        if at < 0:
            self._closed.set_exception(RuntimeError(f"an answer without content-length: {head[:200]!r}"))
            self._transport.abort()
            return
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(received) < end + 4 + length:
            return
        self._received = b""
        tally = self._tally
        status = received[9:12]
        tally.latencies_s.append(time.perf_counter() - self._sent_s)
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        if tally.is_over:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            if self._tally.is_over:
                self._closed.set_result(None)
            else:
                self._closed.set_exception(exc or ConnectionError("the server closed a connection"))

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(next(self._tally.requests))


def measure(target: Target, load: SingleLoad) -> dict[str, Any]:
    """Send single events for so many seconds, and count that each acknowledged one arrived."""
    requests = _requests(target)
    before = None if target.count_url is None else target.count()
    watch = Watch(target)
    client_cpu = time.process_time()
    tally = _Tally(cycle(requests))
    took_s = uvloop.run(_run(target, load, tally))
    client_cpu = time.process_time() - client_cpu
    answered = len(tally.latencies_s)
    accepted = tally.statuses.get(b"202", 0)
    latencies_ms = sorted(latency * 1e3 for latency in tally.latencies_s)
    result: dict[str, Any] = {
        "connections": load.connections,
        "requests_per_s": accepted / took_s,
        "accepted": accepted,
        "refused": answered - accepted,
        **{f"latency_p{share:g}_ms": percentile(latencies_ms, share) for share in (50, 90, 99, 99.9)},
        "latency_max_ms": latencies_ms[-1],
        "client_cpu_us_per_request": client_cpu / answered * 1e6,
    }
    result |= watch.cost(answered)
    if before is not None:
        result["missing"] = accepted - (await_count(target, before + accepted, load.timeout_s) - before)
    return result


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` percent lie (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


async def _run(target: Target, load: SingleLoad, tally: _Tally) -> float:
    loop = asyncio.get_running_loop()
    parts = urlsplit(target.url)
    started = time.perf_counter()
    closed: list[asyncio.Future[None]] = [loop.create_future() for _ in range(load.connections)]
    for future in closed:
        await loop.create_connection(partial(_Client, tally, future), parts.hostname or "127.0.0.1", parts.port or 80)
    loop.call_later(load.seconds, setattr, tally, "is_over", True)
    await asyncio.gather(*closed)
    return time.perf_counter() - started


def _requests(target: Target) -> list[bytes]:
    parts = urlsplit(target.url)
    headers = {"host": parts.netloc, "content-type": "application/json", **target.headers}
    head = f"POST {target.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    lines = bytes(data.prepared(_EVENTS)).splitlines()
    return [f"{head}content-length: {len(line)}\r\n\r\n".encode() + line for line in lines]
