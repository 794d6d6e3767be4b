"""What the services ask of a tracer."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from cordwood.tracing.context import SpanContext
from cordwood.tracing.span import Kind, Value


class Span(Protocol):
    """Something under way. Ends with `end`, or the block that it is entered for; an error that leaves the block makes
    it a failed one. Nothing here raises, blocks, or does I/O."""

    name: str

    @property
    def context(self) -> SpanContext | None:
        """None when nobody records it."""
        ...

    def set(self, **attributes: Value) -> None:
        """Say more of it; `_` in a name is written as a dot."""
        ...

    def fail(self, reason: str) -> None:
        """It did not do what it was to do."""
        ...

    def end(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Tracer(Protocol):
    """Makes spans of what is to be traced."""

    @property
    def is_on(self) -> bool:
        """Whether anything ever is."""
        ...

    def request(self, traceparent: bytes | None) -> Span | None:
        """The span of a request, None when it is not to be traced: its sender decides, or chance for those who say
        nothing."""
        ...

    def span(self, name: str, kind: Kind, causes: Sequence[SpanContext | None]) -> Span:
        """What `causes` brought about. One makes it part of that one's trace; of several, it is a trace of its own with
        links to them. Nobody records one without causes that are traced."""
        ...
