"""`bench ingest`: large prepared bodies from a few clients."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench import data
from bench.target import Target, Watch, await_count, retry_after_s

Body = bytes | memoryview

NDJSON = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True)
class IngestLoad:
    events: int
    clients: int
    batch: int
    encoding: str = "identity"
    timeout_s: float = 60.0


def measure(target: Target, load: IngestLoad) -> dict[str, Any]:
    """Send everything once. Data is made and compressed before the clock starts."""
    pack = _packer(load.encoding)
    bodies = [pack(body) for body in data.bodies(data.prepared(load.events), load.batch)]
    sent_bytes = sum(map(len, bodies))
    headers = {**target.headers, **NDJSON}
    if load.encoding != "identity":
        headers["content-encoding"] = load.encoding
    before = None if target.count_url is None else target.count()
    watch = Watch(target)
    client_cpu = time.process_time()
    started = time.perf_counter()
    pushed_back = send(target, headers, bodies, load.clients)
    acknowledged_s = time.perf_counter() - started
    client_cpu = time.process_time() - client_cpu
    result: dict[str, Any] = {
        "events": load.events,
        "sent_bytes_per_event": sent_bytes / load.events,
        "acknowledged_s": acknowledged_s,
        "acknowledged_events_per_s": load.events / acknowledged_s,
        "pushed_back": pushed_back,
        "client_cpu_us_per_event": client_cpu / load.events * 1e6,
    }
    if before is not None:
        found = await_count(target, before + load.events, load.timeout_s) - before
        queryable_s = time.perf_counter() - started
        result |= {"queryable": found, "queryable_s": queryable_s, "queryable_events_per_s": found / queryable_s}
        result["missing"] = load.events - found
    return result | watch.cost(load.events)


def send(target: Target, headers: dict[str, str], bodies: Iterable[Body], clients: int) -> int:
    """All bodies, each until it is accepted. Returns how often the server asked to come again."""
    todo = _Todo(bodies)
    pushed_back: list[int] = []
    failures: list[Exception] = []

    def client() -> None:
        try:
            pushed_back.append(_drain(target, headers, todo))
        except (OSError, RuntimeError) as error:
            failures.append(error)
            todo.end()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(pushed_back)


class _Todo:
    """Bodies, each for one of several clients; those that are made as they are taken are made one at a time."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self._bodies = iter(bodies)
        self._turn = threading.Lock()
        self._is_over = False

    def take(self) -> Body | None:
        """None at the end."""
        with self._turn:
            return None if self._is_over else next(self._bodies, None)

    def end(self) -> None:
        self._is_over = True


def _drain(target: Target, headers: dict[str, str], todo: _Todo) -> int:
    client = target.connect()
    pushed_back = 0
    while (body := todo.take()) is not None:
        while True:
            client.request("POST", target.path, body, headers)
            response = client.getresponse()
            answer = response.read()
            if response.status in (200, 202, 204):
                break
            wait_s = retry_after_s(response)
            if wait_s is None:
                raise RuntimeError(f"{target.url}{target.path} answered {response.status}: {answer[:300]!r}")
            pushed_back += 1
            threading.Event().wait(wait_s)
    client.close()
    return pushed_back


def _packer(encoding: str) -> Callable[[memoryview], Body]:
    match encoding:
        case "identity":
            return lambda body: body
        case "gzip":
            return lambda body: gzip.compress(body, 1)
        case "zstd":
            from cordwood.model.zstd import compress

            return lambda body: compress(body, 1)
        case _:
            raise ValueError(f"unknown encoding {encoding!r}")
