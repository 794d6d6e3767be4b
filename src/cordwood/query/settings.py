"""Settings of the query service."""

from typing import Annotated

from msgspec import Meta, Struct


class CanarySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Marked events that are sent and looked for all the time; run by `cordwood up` and `cordwood query`."""

    interval_s: Annotated[float, Meta(ge=0, description="seconds between two canary events; 0 sends none")] = 0.0
    url: Annotated[str, Meta(description="api service that takes them; none means this process (up)")] = ""
    api_key: Annotated[str, Meta(description="key with the scopes ingest and query, where keys are on; a secret")] = ""
    timeout_s: Annotated[float, Meta(description="seconds until one that cannot be found counts as lost")] = 30.0


class QuerySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on questions."""

    default_limit: Annotated[int, Meta(description="events in an answer when the question names no limit")] = 100
    max_limit: Annotated[int, Meta(description="events one JSON answer may have; a stream has no such bound")] = 10_000
    max_at_once: Annotated[int, Meta(description="questions answered at once; more wait")] = 8
    max_waiting: Annotated[int, Meta(description="questions that may wait their turn; beyond, 429")] = 64
    sql_max_at_once: Annotated[int, Meta(ge=1, description="SQL questions answered at once; more wait")] = 2
