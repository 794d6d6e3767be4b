"""Settings of every HTTP listener."""

from typing import Annotated

from msgspec import Meta, Struct


class HttpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen, and bounds on what a caller may send."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="port to listen on; 0 means the service's own: api and up 8080, query 8081, "
                                          "worker 8082")] = 0  # fmt: skip
    insecure: Annotated[bool, Meta(description="listen on a public address without api keys")] = False
    max_body_bytes: Annotated[int, Meta(description="bytes a request body may have, before and after inflating")] = (
        64 << 20
    )
    body_timeout_s: Annotated[float, Meta(description="seconds until a request body must have arrived")] = 60.0
    drain_s: Annotated[
        float,
        Meta(
            description="seconds that a stopping service goes on answering while /ready sends clients elsewhere; then "
            "as long it answers 503; one that nobody asked anything for as long stops at once"
        ),
    ] = 0.5
    graceful_timeout_s: Annotated[float, Meta(description="seconds that open requests get at shutdown")] = 10.0
