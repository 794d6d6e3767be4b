"""Settings of the worker."""

from typing import Annotated

from msgspec import Meta, Struct


class WorkerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How batches are gathered into transactions."""

    writers: Annotated[int, Meta(description="transactions written at once")] = 2
    prefetch: Annotated[int, Meta(description="batches that may be in hand, unacknowledged")] = 256
    max_load_events: Annotated[int, Meta(description="events that one transaction gathers before it starts")] = 65_536
    max_load_bytes: Annotated[int, Meta(description="bytes of events that one transaction gathers")] = 16 << 20
    pace_s: Annotated[float, Meta(description="seconds between the starts of two small transactions of one writer")] = (
        0.2
    )
    tend_interval_s: Annotated[float, Meta(description="seconds between rounds of the store's chores")] = 5.0
    drain_timeout_s: Annotated[float, Meta(description="seconds that open transactions get at shutdown")] = 10.0
