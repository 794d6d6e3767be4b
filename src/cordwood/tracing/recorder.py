"""Spans of what is to be traced, handed over when they end."""

import random
import secrets
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from cordwood.tracing.context import SpanContext, incoming
from cordwood.tracing.off import Unrecorded
from cordwood.tracing.span import Kind, Recorded, Value

Take = Callable[[Recorded], None]
"""Hears of each span that has ended. Raises nothing, blocks nothing."""
_MAX_LINKS = 128
"""As OpenTelemetry's own limit: a transaction may hold hundreds of batches."""


class Recorder:
    """Makes spans, and gives `take` those that ended."""

    is_on = True

    def __init__(self, take: Take, sample_rate: float) -> None:
        self._take = take
        self._sample_rate = sample_rate
        self._random = random.Random()  # noqa: S311 (a share of requests, no secret)
        self._unrecorded = Unrecorded()

    def request(self, traceparent: bytes | None) -> "Recording | None":
        said = None if traceparent is None else incoming(traceparent.decode("latin-1"))
        if said is None:
            if self._random.random() >= self._sample_rate:
                return None
            return Recording(self._take, "", "server", None, ())
        return Recording(self._take, "", "server", said.context, ()) if said.is_sampled else None

    def span(self, name: str, kind: Kind, causes: Sequence[SpanContext | None]) -> "Recording | Unrecorded":
        traced = list(dict.fromkeys(cause for cause in causes if cause is not None))
        if not traced:
            return self._unrecorded
        if len(traced) == 1:
            return Recording(self._take, name, kind, traced[0], ())
        span = Recording(self._take, name, kind, None, traced[:_MAX_LINKS])
        if len(traced) > _MAX_LINKS:
            span.set(cordwood_links_left_out=len(traced) - _MAX_LINKS)
        return span


class Recording:
    """A span under way."""

    __slots__ = ("_attributes", "_failure", "_kind", "_links", "_parent", "_started", "_take", "context", "name")

    def __init__(
        self, take: Take, name: str, kind: Kind, parent: SpanContext | None, links: Sequence[SpanContext]
    ) -> None:
        trace_id = secrets.token_bytes(16) if parent is None else parent.trace_id
        self.context: SpanContext | None = SpanContext(trace_id, secrets.token_bytes(8))
        self.name = name
        self._take: Take | None = take
        self._kind = kind
        self._parent = None if parent is None else parent.span_id
        self._links = links
        self._attributes: dict[str, Value] = {}
        self._failure: str | None = None
        # The wall clock may jump: how long it took is told by the other one.
        self._started = time.time_ns(), time.perf_counter_ns()

    def set(self, **attributes: Value) -> None:
        self._attributes |= {name.replace("_", "."): value for name, value in attributes.items()}

    def fail(self, reason: str) -> None:
        self._failure = reason

    def end(self) -> None:
        """Further ends change nothing."""
        take, self._take = self._take, None
        if take is None:
            return
        assert self.context is not None, "a recording has one"
        wall_ns, began_ns = self._started
        ended_ns = wall_ns + time.perf_counter_ns() - began_ns
        take(
            Recorded(
                context=self.context,
                parent=self._parent,
                links=self._links,
                name=self.name,
                kind=self._kind,
                started_ns=wall_ns,
                ended_ns=ended_ns,
                attributes=self._attributes,
                failure=self._failure,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and self._failure is None:
            self.fail(str(error) or type(error).__name__)
        self.end()
