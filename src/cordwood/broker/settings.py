"""Settings of the queue."""

from typing import Annotated

from msgspec import Meta, Struct


class BrokerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broker carries the batches, and how long to wait for it."""

    url: Annotated[
        str,
        Meta(
            description="sqlite: (a queue file in the data directory), sqlite:PATH, or "
            "amqp[s]://USER:PASSWORD@HOST/VHOST, where HOST may be several of a cluster, separated by commas"
        ),
    ] = "sqlite:"
    queue: Annotated[str, Meta(description="name of the RabbitMQ queue; its dead letters go to NAME.dead")] = (
        "cordwood.batches"
    )
    confirm_timeout_s: Annotated[
        float, Meta(description="seconds to wait for the broker's confirm before answering 503")
    ] = 10.0
    spool_bytes: Annotated[
        int,
        Meta(
            description="bytes of batches an api process may keep in spool.sqlite in the data directory while RabbitMQ "
            "is away, blocked or full; 0 keeps none and answers 503"
        ),
    ] = 0
    min_free_bytes: Annotated[
        int,
        Meta(
            description="bytes that stay free on the disk of the SQLite queue, or of the spool, for storing what is "
            "queued; a tenth of the disk where that is less; below, publishers get 429"
        ),
    ] = 256 << 20
    max_size_bytes: Annotated[
        int, Meta(description="bytes of batches the queue may hold before publishers get 429")
    ] = 4 << 30
