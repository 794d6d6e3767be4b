"""Spans on their way to a collector, from a thread of their own: whoever ends one waits for nothing."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping

import structlog
import urllib3
from urllib3.exceptions import HTTPError

from cordwood import metrics
from cordwood.errors import CordwoodError, Unavailable
from cordwood.tracing.context import NOT_SAMPLED
from cordwood.tracing.otlp import request_of
from cordwood.tracing.span import Recorded

log = structlog.get_logger()

_AT_ONCE = 512
_EVERY_S = 1.0
_LONGEST_WAIT_S = 30.0
_LAST_WORDS_S = 2.0
_TIMEOUT_S = 10.0
# What a collector answers that may take the same spans later (OTLP 1.x, "Retryable response codes").
_AGAIN = frozenset({429, 502, 503, 504})


class Exporter:
    """Keeps a bounded number of spans until the collector has taken them."""

    def __init__(self, url: str, headers: Mapping[str, str], resource: Mapping[str, str], max_waiting: int) -> None:
        """`url` takes OTLP requests; `headers` go with each; `resource` is what all spans say of this process."""
        self._url = url
        self._headers = {**headers, "content-type": "application/x-protobuf", "traceparent": NOT_SAMPLED}
        self._resource = resource
        self._max_waiting = max_waiting
        self._waiting: deque[Recorded] = deque()
        self._pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=_TIMEOUT_S)
        self._stopped = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Gives the last spans a moment: call it in a thread."""
        self._stopped.set()
        self._thread.join(_LAST_WORDS_S)
        self._lost("left", len(self._waiting))
        self._pool.clear()

    def take(self, span: Recorded) -> None:
        """Never waits: beyond the bound, a span is dropped, and counted."""
        if len(self._waiting) >= self._max_waiting:
            self._lost("no_room", 1)
        else:
            self._waiting.append(span)

    def _run(self) -> None:
        wait_s = _EVERY_S
        while not self._stopped.wait(wait_s):
            wait_s = _EVERY_S if self._is_emptied() else min(2 * wait_s, _LONGEST_WAIT_S)
        self._is_emptied()

    def _is_emptied(self) -> bool:
        """Send what waits. False: the collector is away, and has to be left alone for a while."""
        while self._waiting:
            spans = [self._waiting[n] for n in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                self._send(spans)
            except Unavailable as error:
                self._say_away(error)
                return False
            except CordwoodError as error:
                self._say_away(error)
                self._lost("refused", len(spans))
            else:
                self._say_back()
                metrics.TRACE_SPANS.labels("sent").inc(len(spans))
            for _ in spans:
                self._waiting.popleft()
        return True

    def _send(self, spans: list[Recorded]) -> None:
        """Raises Unavailable, and CordwoodError for what will not be taken however often it is sent."""
        with _translated(self._url):
            response = self._pool.request(
                "POST", self._url, body=request_of(spans, self._resource), headers=self._headers
            )
        if 200 <= response.status < 300:
            return
        said = f"{self._url} answered {response.status} to {len(spans)} spans"
        if response.status in _AGAIN:
            raise Unavailable(said)
        raise CordwoodError(said, hint="CORDWOOD_TRACING_ENDPOINT has to name a collector that takes OTLP over HTTP")

    def _say_away(self, error: CordwoodError) -> None:
        """Once: a collector may be away for days."""
        if not self._is_away:
            log.warning("traces_not_sent", reason=error.message, hint=error.hint)
        self._is_away = True

    def _say_back(self) -> None:
        if self._is_away:
            log.info("traces_sent_again")
        self._is_away = False

    @staticmethod
    def _lost(outcome: str, spans: int) -> None:
        metrics.TRACE_SPANS.labels(outcome).inc(spans)


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        raise Unavailable(
            f"{url} does not answer ({error})", hint="spans wait for it, as far as there is room"
        ) from error
