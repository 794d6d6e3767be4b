"""What every service answers about itself, described."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from cordwood.http.openapi import JSON, Answer, Operation

DESCRIPTION_PATH = "/api/v1/openapi.json"


class Alive(Struct, frozen=True, forbid_unknown_fields=True):
    """The process lives."""

    status: Literal["ok"]


class Readiness(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the service does its work; `reasons` says by part why not."""

    status: Literal["ready", "not ready"]
    reasons: Mapping[str, str]


HEALTH = (
    Operation(
        path="/health",
        name="health",
        about="whether the process lives",
        answers={200: Answer(about="it does", content={JSON: Alive})},
    ),
    Operation(
        path="/ready",
        name="ready",
        about="whether the parts behind the service can be reached",
        answers={
            200: Answer(about="they can", content={JSON: Readiness}),
            503: Answer(about="they cannot, or the service is shutting down", content={JSON: Readiness}),
        },
    ),
    Operation(
        path="/metrics",
        name="metrics",
        about="counters and gauges, for Prometheus",
        answers={200: Answer(about="the text format", content={"text/plain": str})},
    ),
)

DESCRIPTION = Operation(
    path=DESCRIPTION_PATH,
    name="openapi",
    about="this description",
    answers={200: Answer(about="OpenAPI 3.1", content={JSON: dict[str, Any]})},
)
