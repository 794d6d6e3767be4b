"""The endpoints that change what is stored, described."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from cordwood.errors import Corrupt, NotFound, UnsupportedMedia
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.query.deadletters import ActionRow, Discard, LetterAnswer, Listing, Replay
from cordwood.query.deletion import Deletion
from cordwood.query.mending import Outcome

_Count = Annotated[int, Meta(ge=0)]
_LetterId = Annotated[str, Meta(examples=["01a20a6b-c8c1-7b73-a9d5-ddce00000000~0"])]
_Limit = Parameter(name="limit", about="how many at most", schema=Annotated[int, Meta(ge=1, le=1000)])
_BASE = "/api/v1/dead-letters"


class Discarded(Struct, frozen=True, forbid_unknown_fields=True):
    """How many events were given up."""

    events: _Count


class Deleted(Struct, frozen=True, forbid_unknown_fields=True):
    """How many events were removed, or would be."""

    events: _Count
    dry_run: bool


class Actions(Struct, frozen=True, forbid_unknown_fields=True):
    """What was done, the latest first."""

    actions: Sequence[ActionRow]


MENDING = (
    Operation(
        path=_BASE,
        name="dead_letters",
        about="events that no store could hold: counts by reason, and a page of them",
        scope="query",
        parameters=(
            Parameter(name="reason", about="only those with exactly this reason"),
            _Limit,
            Parameter(name="cursor", about="`next` of the page before", schema=_LetterId),
        ),
        answers={200: Answer(about="the letters", content={JSON: Listing})},
    ),
    Operation(
        path=f"{_BASE}/{{id}}",
        name="dead_letter",
        about="one dead letter with its bytes",
        scope="query",
        parameters=(Parameter(name="id", about="its id", schema=_LetterId, where="path"),),
        answers={200: Answer(about="the letter", content={JSON: LetterAnswer})},
        errors=(NotFound,),
    ),
    Operation(
        method="POST",
        path=f"{_BASE}/replay",
        name="replay",
        about="store dead letters after all, mended if need be",
        scope="admin",
        body={JSON: Replay},
        answers={200: Answer(about="what became of them", content={JSON: Outcome})},
        errors=(NotFound, UnsupportedMedia),
    ),
    Operation(
        method="POST",
        path=f"{_BASE}/discard",
        name="discard",
        about="give dead letters up",
        scope="admin",
        body={JSON: Discard},
        answers={200: Answer(about="how many events", content={JSON: Discarded})},
        errors=(UnsupportedMedia,),
    ),
    Operation(
        path="/api/v1/actions",
        name="actions",
        about="what people and rules did to stored data",
        scope="admin",
        parameters=(_Limit,),
        answers={200: Answer(about="the record", content={JSON: Actions})},
    ),
    Operation(
        method="POST",
        path="/api/v1/delete",
        name="delete",
        about="remove events for good",
        scope="admin",
        body={JSON: Deletion},
        answers={200: Answer(about="how many", content={JSON: Deleted})},
        errors=(UnsupportedMedia, Corrupt),
    ),
)
