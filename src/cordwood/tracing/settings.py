"""Settings of tracing."""

from typing import Annotated

from msgspec import Meta, Struct


class TracingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where spans go, and of what they are made."""

    endpoint: Annotated[
        str,
        Meta(
            description="collector that takes OTLP over HTTP, for instance http://127.0.0.1:4318; none: no traces. "
            "OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES are obeyed"
        ),
    ] = ""
    sample_rate: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="share of requests without a traceparent header that are traced; others are when it says so",
        ),
    ] = 0.01
    service_name: Annotated[
        str, Meta(description="service.name of the spans; none means OTEL_SERVICE_NAME, or cordwood-api and so on")
    ] = ""
    max_waiting: Annotated[
        int, Meta(ge=1, description="spans that may wait for the collector; further ones are dropped, and counted")
    ] = 8192
