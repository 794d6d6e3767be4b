"""What the HTTP server alone can do on this machine: uvicorn with a raw ASGI application that answers a constant."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from bench.target import Target

_BODY = b'{"receipt":"00000000-0000-7000-8000-000000000000~0~1","accepted":1,"rejected":0,"errors":[]}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Read the body, answer as an ingest does."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": _HEADERS, "trailers": False})
    await send({"type": "http.response.body", "body": _BODY, "more_body": False})


@contextmanager
def constant() -> Iterator[Target]:
    """A process of its own that serves it."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.constant", str(port)])
    try:
        wait_until(lambda: _is_open(port), 20, "the constant application to be ready")
        yield Target(url=f"http://127.0.0.1:{port}", path="/log", pids=[process.pid])
    finally:
        process.terminate()
        process.wait(10)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(port: int) -> None:
    """Serve on loopback until terminated, on the same event loop and parser as Cordwood."""
    uvicorn.run(
        application, port=port, loop="uvloop", http="httptools", lifespan="off", log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
