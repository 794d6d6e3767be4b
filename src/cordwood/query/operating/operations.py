"""The endpoints of this room, described."""

from typing import Annotated

from msgspec import Meta

from cordwood.errors import NotFound, Unconfirmed, UnsupportedMedia
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.query.operating.shapes import KeyList, MadeKey, NewKey, Status, StoreAnswer, Whoami
from cordwood.tenancy.issuing import KeyEntry

_KEYS = "/api/v1/keys"

OPERATING = (
    Operation(
        path="/api/v1/whoami",
        name="whoami",
        about="what the caller's key opens, and which service answers",
        scope="any",
        answers={200: Answer(about="who", content={JSON: Whoami})},
    ),
    Operation(
        path="/api/v1/status",
        name="status",
        about="how things go: what came in and became of it, how fast, what waits, what is stored",
        scope="query",
        parameters=(
            Parameter(
                name="minutes",
                about="so many, this one included; 60 if not given",
                schema=Annotated[int, Meta(ge=1, le=1440)],
            ),
        ),
        answers={200: Answer(about="as of a second ago at most, where that is cheap", content={JSON: Status})},
    ),
    Operation(
        path="/api/v1/store",
        name="store",
        about="what takes the room in the store: by part, service and field; reads every segment's footer",
        scope="query",
        answers={200: Answer(about="the tenant's", content={JSON: StoreAnswer})},
    ),
    Operation(
        path=_KEYS,
        name="keys",
        about="api keys ever made for the tenant, never the keys themselves",
        scope="admin",
        answers={200: Answer(about="all of them", content={JSON: KeyList})},
    ),
    Operation(
        method="POST",
        path=_KEYS,
        name="make_key",
        about="make an api key for the tenant, with scopes that the caller's key has",
        scope="admin",
        body={JSON: NewKey},
        answers={200: Answer(about="the key, shown this once", content={JSON: MadeKey})},
        errors=(UnsupportedMedia, Unconfirmed),
    ),
    Operation(
        method="DELETE",
        path=f"{_KEYS}/{{id}}",
        name="revoke_key",
        about="end an api key; it stays in the list",
        scope="admin",
        parameters=(
            Parameter(name="id", about="its id", schema=Annotated[str, Meta(examples=["8a51c07d22f3"])], where="path"),
        ),
        answers={200: Answer(about="the key, revoked", content={JSON: KeyEntry})},
        errors=(NotFound,),
    ),
)
