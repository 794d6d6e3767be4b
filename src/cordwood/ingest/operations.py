"""The ingest endpoints, described."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from cordwood.errors import Overloaded, SlowBody, TooLarge, Unavailable, UnsupportedMedia
from cordwood.http.inflate import ENCODINGS
from cordwood.http.openapi import JSON, NDJSON, Answer, Operation, Parameter
from cordwood.tenancy.quota.gate import Standing

_Count = Annotated[int, Meta(ge=0)]
# Of an array, only what is no object is refused: one that is suffices.
_EVENTS = {"anyOf": [{"type": "object"}, {"type": "array", "contains": {"type": "object"}}]}
_CODING = {"type": "string", "pattern": f"^\\s*$|identity|{'|'.join(ENCODINGS)}", "examples": list(ENCODINGS)}


class RejectedEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an event was not taken. Both numbers are of the request: events from 0, lines from 1."""

    index: _Count
    error: str
    line: Annotated[int, Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET


class Accepted(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a request's events. `stored` is there when `wait=stored` was asked for."""

    receipt: str
    accepted: Annotated[int, Meta(ge=1)]
    rejected: _Count
    errors: Annotated[Sequence[RejectedEvent], Meta(max_length=100)]
    errors_omitted: Annotated[int, Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET
    stored: bool | msgspec.UnsetType = msgspec.UNSET


def _taking(path: str, name: str) -> Operation:
    return Operation(
        method="POST",
        path=path,
        name=name,
        about="take events: one JSON object, an array of objects, or NDJSON",
        scope="ingest",
        parameters=(
            Parameter(
                name="wait", about="answer when the events are durable, or stored", schema=Literal["durable", "stored"]
            ),
            Parameter(
                name="Idempotency-Key",
                about="names this request: sent again under the same key, it is stored once",
                schema=Annotated[str, Meta(min_length=1, max_length=255)],
                where="header",
            ),
            Parameter(
                name="Content-Encoding",
                about="how the body is compressed, if it is",
                schema=_CODING,
                where="header",
            ),
        ),
        body={JSON: _EVENTS, NDJSON: str},
        answers={202: Answer(about="every event counted in `accepted` is durable", content={JSON: Accepted})},
        errors=(SlowBody, TooLarge, UnsupportedMedia, Overloaded, Unavailable),
    )


INGEST = (
    _taking("/log", "log"),
    _taking("/api/v1/ingest", "ingest"),
    Operation(
        path="/api/v1/limits",
        name="limits",
        about="what the key's tenant may send, and how far it is",
        scope="ingest",
        answers={200: Answer(about="limits and use", content={JSON: Standing})},
    ),
)
