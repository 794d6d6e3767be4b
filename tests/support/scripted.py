"""An ingest server that does as it is told: refuses, drops connections, keeps callers waiting."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cordwood.model.zstd import ZstdDecompressor

_INFLATE: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: ZstdDecompressor().decompress(body),
    "gzip": gzip.decompress,
    "": bytes,
}


class Request:
    """One POST as it arrived; the monotonic clock's time when."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.at_s = time.monotonic()
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers["content-length"]))
        self.lines = _INFLATE[self.headers.get("content-encoding", "")](self.body).splitlines()
        self._handler = handler

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        encoded = json.dumps(body).encode()
        self._handler.send_response(status)
        for name, value in {"content-length": str(len(encoded)), **(headers or {})}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.write(encoded)

    def drop(self) -> None:
        """Close the connection without a word."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[["Scripted", Request], None]


def take(server: "Scripted", request: Request) -> None:
    """As the real one: good events are kept once per idempotency key, bad ones are named."""
    errors = [
        {"index": index, "line": index + 1, "error": "not a JSON object"}
        for index, line in enumerate(request.lines)
        if not _is_object(line)
    ]
    bad = {error["index"] for error in errors}
    good = [line for index, line in enumerate(request.lines) if index not in bad]
    server.kept[request.headers["idempotency-key"]] = good
    counts = {"accepted": len(good), "rejected": len(errors), "errors": errors[:100]}
    if len(errors) > 100:
        counts["errors_omitted"] = len(errors) - 100
    request.answer(202 if good else 400, {"receipt": "r", **counts})


def refuse(status: int, detail: str = "told so", **headers: str) -> Answer:
    """Answer with a problem."""

    def answer(_: "Scripted", request: Request) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request.answer(status, {"title": "no", "status": status, "detail": detail, "hint": "a hint"}, named)

    return answer


def drop(_: "Scripted", request: Request) -> None:
    """Close the connection, nothing kept."""
    request.drop()


def take_and_drop(server: "Scripted", request: Request) -> None:
    """Keep the events, but the answer never arrives."""
    server.kept[request.headers["idempotency-key"]] = request.lines
    request.drop()


class Scripted:
    """A real HTTP server on a free port. The first requests get the answers of the script, all others are taken."""

    def __init__(self, script: Iterable[Answer] = (), *, otherwise: Answer = take, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.kept: dict[str, list[bytes]] = {}
        self._script = list(script)
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler_class())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def events(self) -> list[bytes]:
        """All kept, in the order of their requests."""
        return [line for lines in list(self.kept.values()) for line in lines]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next_answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self._script.pop(0) if self._script else self._otherwise

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_POST(self) -> None:
                request = Request(self)
                scripted._next_answer(request)(scripted, request)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name there)
                """Tests look at the requests themselves."""

        return Handler


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
