"""Settings of the ingest service."""

from typing import Annotated

from msgspec import Meta, Struct


class IngestSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on events, and how much may be taken in at once."""

    max_event_bytes: Annotated[int, Meta(description="bytes one event may have as JSON")] = 1 << 20
    max_depth: Annotated[int, Meta(description="levels of nesting one event may have")] = 128
    max_fields: Annotated[int, Meta(description="fields one event may have, nested ones included")] = 16_384
    max_in_flight_bytes: Annotated[int, Meta(description="bytes of requests taken in at once; beyond, 429")] = 256 << 20
    heartbeat_s: Annotated[
        float, Meta(description="seconds between two messages that tell the ledger what was sent")
    ] = 5.0
    wait_timeout_s: Annotated[float, Meta(description="seconds that ?wait=stored waits before it answers")] = 30.0
