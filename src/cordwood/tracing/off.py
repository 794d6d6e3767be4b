"""No traces."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from cordwood.tracing.context import SpanContext
from cordwood.tracing.span import Kind, Value


class Unrecorded:
    """A span that nobody records."""

    context: SpanContext | None = None

    @property
    def name(self) -> str:
        return ""

    @name.setter
    def name(self, name: str) -> None:
        pass

    def set(self, **attributes: Value) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass

    def end(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


class Off:
    """Traces nothing."""

    is_on = False

    def __init__(self) -> None:
        self._unrecorded = Unrecorded()

    def request(self, traceparent: bytes | None) -> None:
        return None

    def span(self, name: str, kind: Kind, causes: Sequence[SpanContext | None]) -> Unrecorded:
        return self._unrecorded
