"""A span: something that took time, and what it belongs to."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from cordwood.tracing.context import SpanContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
"""As OpenTelemetry's SpanKind."""
Value = str | int | float | bool


class Recorded(Struct, frozen=True):
    """One that has ended. Times are ns since 1970 UTC."""

    context: SpanContext
    parent: bytes | None
    """Id of the span above it, in the same trace."""
    links: Sequence[SpanContext]
    """What else brought it about, in other traces."""
    name: str
    kind: Kind
    started_ns: int
    ended_ns: int
    attributes: dict[str, Value]
    failure: str | None
    """Why it did not do what it was to do."""
