"""Many clients at once, and bodies far larger than they look: memory stays bounded, and the others are served."""

import gzip
import resource
import socket
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from cordwood.model.zstd import compress
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until
from tests.support.wire import Wire, connections, forget_peak, memory_mib, statuses_in

IDLE = 10_000
PYTHON = sys.executable
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the clients' ends of ten thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + 2_000:
        pytest.skip(f"this system allows {hard} open files; the test needs {IDLE + 2_000}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 2_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_ten_thousand_idle_connections_slow_nobody_down(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up, ExitStack() as opened:
        alone_s = slowest_s(up)
        before = memory_mib(up)
        clients = []
        for _ in range(IDLE):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", up.port), timeout=30))
            client.sendall(GET)
            clients.append(client)
        for client in clients:
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert connections(up) >= IDLE
        crowded_s = slowest_s(up)
        grown = memory_mib(up) - before
        print(f"{IDLE:,} idle: +{grown} MiB, slowest of 50 posts {alone_s * 1e3:.0f} → {crowded_s * 1e3:.0f} ms")
        assert grown < 300
        assert crowded_s < 2
        assert up.stop() == 0
        assert "stopped" in up.log()


def slowest_s(up: Cordwood) -> float:
    """Of fifty single events, each on a connection of its own."""
    times = []
    for _ in range(50):
        began = time.monotonic()
        assert up.post("/log", b'{"message":"hello"}')[0] == 202
        times.append(time.monotonic() - began)
    return max(times)


def test_connections_beyond_the_limit_are_503_until_others_leave(tmp_path: Path) -> None:
    settings = {"http_max_connections": "50", "http_head_timeout_s": "60"}
    with Cordwood("up", tmp_path / "data", **settings) as up:
        with ExitStack() as opened:
            for _ in range(50):
                opened.enter_context(Wire(up))
            wait_until(lambda: connections(up) >= 50, 10)
            for _ in range(20):
                with Wire(up) as refused:
                    said = refused.until_closed(10)
                    assert statuses_in(said) == [503]
                    assert b"retry-after: " in said
                    assert b"50 connections are open already" in said
        wait_until(lambda: up.post("/log", b"{}")[0] == 202, 10)
        assert b'cordwood_http_refused_total{reason="too_many_connections"}' in up.get("/metrics")[1]


def test_few_open_files_bound_connections_by_themselves(tmp_path: Path) -> None:
    up = Cordwood("up", tmp_path / "data")
    up.start_with(["sh", "-c", f"ulimit -n 256; exec '{PYTHON}' -m cordwood up --port {up.port}"])
    try:
        assert "connections_bounded" in up.log()
        with ExitStack() as opened:
            wires = [opened.enter_context(Wire(up)) for _ in range(400)]
            wait_until(lambda: sum(wire.statuses() == [503] for wire in wires) >= 400 - 128, 10)
        wait_until(lambda: up.post("/log?wait=stored", b"{}")[0] == 202, 10)
        assert "Too many open files" not in up.log()
    finally:
        up.kill()


_MIB = bytes(1 << 20)


def _zeros() -> bytes:
    return _MIB * 80


BOMBS: dict[str, tuple[str, int, Callable[[], bytes]]] = {
    "gzip": ("gzip", 413, lambda: gzip.compress(_zeros())),
    "deflate": ("deflate", 413, lambda: zlib.compress(_zeros())),
    "zstd": ("zstd", 413, lambda: compress(_zeros())),
    "gzip in gzip": ("gzip", 400, lambda: gzip.compress(gzip.compress(_zeros()))),
    "zstd in zstd": ("zstd", 400, lambda: compress(compress(_zeros()))),
    "gzip members": ("gzip", 413, lambda: gzip.compress(_MIB) * 100),
    "zstd frames": ("zstd", 413, lambda: compress(_MIB) * 100),
    "empty members": ("gzip", 400, lambda: gzip.compress(b"") * 20_000),
    "empty frames": ("zstd", 400, lambda: compress(b"") * 20_000),
    "values": ("gzip", 413, lambda: gzip.compress(b"[" + b"0," * (5 << 20) + b"0]")),
    "bad lines": ("gzip", 400, lambda: gzip.compress(b"x\n" * (5 << 20))),
    "brackets": ("zstd", 400, lambda: compress(b"[" * (20 << 20))),
    "open objects": ("zstd", 400, lambda: compress(b'{"a":' * (5 << 20))),
    "objects": ("zstd", 413, lambda: compress(b"[" + b'{"a":1},' * (3 << 20) + b"{}]")),
}
"""Coding, answer, body."""


@pytest.fixture(scope="module")
def bombed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("bombs") / "data") as process:
        yield process


@pytest.mark.parametrize("name", BOMBS)
def test_six_bombs_at_once(bombed: Cordwood, name: str) -> None:
    coding, expected, made = BOMBS[name]
    body = made()
    forget_peak(bombed)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: bombed.post("/log", body, **{"Content-Encoding": coding}), range(6)))
    peak = memory_mib(bombed, "VmHWM")
    print(f"{name}, {len(body):,} bytes: peak {peak} MiB")
    assert {status for status, _ in answers} <= {expected, 429}
    assert peak < 1_200
    assert bombed.post("/log", b"{}")[0] == 202
