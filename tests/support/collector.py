"""A collector of traces: takes OTLP over HTTP, and reads it with OpenTelemetry's own library."""

import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Seen(NamedTuple):
    """A span as it arrived, ids in hex."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent: str
    links: list[tuple[str, str]]
    attributes: dict[str, str]
    started_ns: int
    ended_ns: int
    failure: str | None


class Collector:
    """Listens while the block runs. `answers` gives the status of each request; the last one stays."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers) or [200]
        self._spans: list[Seen] = []
        self.requests: list[dict[str, str]] = []
        """Headers of every request, names in lower case, and its path."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = collector._take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace_id: str | None = None) -> list[Seen]:
        """Those that came, in the order of their begin."""
        return sorted(
            (span for span in list(self._spans) if trace_id in (None, span.trace_id)), key=lambda span: span.started_ns
        )

    def names(self, trace_id: str | None = None) -> list[str]:
        return [span.name for span in self.spans(trace_id)]

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        status = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self.requests.append({**headers, "path": path})
        if status == 200:
            self._spans += read(body)
        return status


def read(body: bytes) -> Sequence[Seen]:
    """What a request holds."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Seen(
            service=next(a.value.string_value for a in each.resource.attributes if a.key == "service.name"),
            name=span.name,
            kind=span.kind,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
            attributes={a.key: _text(a.value) for a in span.attributes},
            started_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
            failure=span.status.message if span.status.code == 2 else None,
        )
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def _text(value: object) -> str:
    which = value.WhichOneof("value")  # type: ignore[attr-defined]
    return str(getattr(value, which))
