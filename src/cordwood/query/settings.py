"""Settings of the query service."""

from typing import Annotated

from msgspec import Meta, Struct


class QuerySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on questions."""

    default_limit: Annotated[int, Meta(description="events in an answer when the question names no limit")] = 100
    max_limit: Annotated[int, Meta(description="events one JSON answer may have; a stream has no such bound")] = 10_000
    max_at_once: Annotated[int, Meta(description="questions answered at once; more wait")] = 8
    max_waiting: Annotated[int, Meta(description="questions that may wait their turn; beyond, 429")] = 64
