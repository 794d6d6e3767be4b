"""Settings of the answer cache."""

from typing import Annotated

from msgspec import Meta, Struct


class CacheSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where answers are kept for a while."""

    url: Annotated[str, Meta(description="memory: or redis[s]://HOST:PORT/DB")] = "memory:"
    ttl_s: Annotated[float, Meta(description="seconds an answer is kept")] = 300.0
    slice_ttl_s: Annotated[float, Meta(description="seconds a part of an answer, an hour or some days, is kept")] = (
        3600.0
    )
    slice_min_events: Annotated[int, Meta(description="answers about fewer events are not put together from parts")] = (
        100_000
    )
    max_answer_bytes: Annotated[int, Meta(description="larger answers are not cached")] = 1 << 20
    memory_bytes: Annotated[int, Meta(description="room for the in-process cache")] = 32 << 20
