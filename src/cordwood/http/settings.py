"""Settings of every HTTP listener."""

import ipaddress
from typing import Annotated

from msgspec import Meta, Struct


class HttpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen, and bounds on what a caller may send."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="port to listen on; 0 means the service's own: api and up 8080, query 8081, worker 8082",
        ),
    ] = 0
    insecure: Annotated[bool, Meta(description="listen on a public address without api keys")] = False
    tls_cert: Annotated[
        str, Meta(description="PEM file of the certificate and its chain; with a key, every listener speaks https")
    ] = ""
    tls_key: Annotated[str, Meta(description="PEM file of the certificate's key; new files are used as they come")] = ""
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
    max_connections: Annotated[
        int, Meta(description="connections open at once, as far as the limit of open files allows; beyond, 503")
    ] = 16_384
    max_head_bytes: Annotated[int, Meta(description="bytes that the address and headers of a request may have")] = (
        32 << 10
    )
    max_headers: Annotated[int, Meta(description="headers a request may have")] = 100
    head_timeout_s: Annotated[
        float, Meta(description="seconds until the head of a request must have arrived, from its first byte")
    ] = 10.0
    idle_timeout_s: Annotated[float, Meta(description="seconds a connection is kept open between requests")] = 75.0
    write_timeout_s: Annotated[float, Meta(description="seconds a client may leave an answer unread")] = 60.0
    graceful_timeout_s: Annotated[float, Meta(description="seconds that open requests get at shutdown")] = 10.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
