"""Settings of the live tail."""

from typing import Annotated

from msgspec import Meta, Struct


class TailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of live tails. The feed itself is where the cache is: `cache.url`."""

    max_readers: Annotated[int, Meta(ge=0, description="live tails open at once in one process; beyond, 429")] = 64
    buffer_bytes: Annotated[
        int,
        Meta(ge=1, description="bytes that wait for one slow reader of a tail; beyond, events are counted as missed"),
    ] = 4 << 20
    feed_bytes: Annotated[
        int, Meta(ge=1, description="bytes of batches that wait to be published, and those that wait to be matched")
    ] = 8 << 20
    cpu_share: Annotated[
        float,
        Meta(gt=0, le=1, description="share of one core that matching for tails may take in a process; what comes "
                                     "faster is counted as missed"),
    ] = 0.25  # fmt: skip
    max_history: Annotated[int, Meta(ge=0, description="stored events that a tail may begin with")] = 10_000
    max_scanned: Annotated[int, Meta(ge=1, description="stored events that are looked at to resume one")] = 50_000
