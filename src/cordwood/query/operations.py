"""The query endpoints, described."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from cordwood.errors import Cancelled, NotFound, Overloaded
from cordwood.http.openapi import CSV, JSON, NDJSON, Answer, Operation, Parameter
from cordwood.model.event import Level
from cordwood.query.completeness import Completeness, Slices
from cordwood.query.ledger import LedgerAnswer
from cordwood.query.receipts import ReceiptFate
from cordwood.query.routes import ARROW
from cordwood.query.tail import EVENT_STREAM, PATH

_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Time = Annotated[str, Meta(examples=["2026-11-23T10:00:00Z", "1795435200", "-15m", "now"])]

_Receipt = Annotated[str, Meta(examples=["01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~1"])]
_Position = Annotated[int, Meta(ge=0, lt=10**18)]
_Limit = Annotated[int, Meta(ge=1, le=999_999_999_999)]


class AnsweredEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """An event as it was sent, in `data`, and what was derived beside it."""

    id: UUID
    timestamp: _Moment
    inserted_at: _Moment
    level: Level | None
    service: str | None
    data: Mapping[str, Any]
    columns: Mapping[str, Any] | UnsetType = UNSET


class UnknownField(Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the query that none of the events looked at has, and what may be meant."""

    name: str
    suggestion: str | None


class DroppedEvents(Struct, frozen=True, forbid_unknown_fields=True):
    """Retention took these out of the days in the time range: `days` are kept, and those before `dropped_before` go."""

    days: Annotated[int, Meta(ge=0)]
    dropped_before: _Moment
    events_dropped: Annotated[int, Meta(ge=1)]
    last_dropped_at: _Moment | None


class Empty(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an answer has nothing: events in the time range, and the clause of the query that left none of them; or where
    in time there are some; what retention took out of the range. `tenant` tells what a key sees, when it sees nothing;
    `meant`, how a phrase like `status=404` is written as a field and its value.
    """

    events_in_range: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    removed_by: str | UnsetType = UNSET
    events_before: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    matches_alone: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    unknown_fields: Sequence[UnknownField] | UnsetType = UNSET
    meant: str | UnsetType = UNSET
    events_matching: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    events_stored: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    newest: _Moment | UnsetType = UNSET
    tenant: str | UnsetType = UNSET
    retention: DroppedEvents | UnsetType = UNSET


class Page(Completeness, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events, newest first; `next` is the cursor of the page behind this one. With pipes, `rows`, or `events` if they
    are such still; `columns` are those that pipes made, and `truncated` tells that there are more. Where a column has
    no value in any row, `unknown_fields` are those of the query that no event has."""

    cached: bool
    took_ms: Annotated[float, Meta(ge=0)]
    exact: bool
    slices: Slices | UnsetType = UNSET
    empty: Empty | UnsetType = UNSET
    events: Sequence[AnsweredEvent] | UnsetType = UNSET
    next: str | UnsetType | None = UNSET
    rows: Sequence[Mapping[str, Any]] | UnsetType = UNSET
    columns: Sequence[str] | UnsetType = UNSET
    unknown_fields: Sequence[UnknownField] | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET


class Cost(Completeness, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a question would look at, at most."""


class Count(Completeness, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many events match."""

    count: Annotated[int, Meta(ge=0)]
    exact: bool
    empty: Empty | UnsetType = UNSET


QUESTION = (
    Parameter(name="start", about="from this time on: RFC 3339, Unix time, `now`, or back from now", schema=_Time),
    Parameter(name="end", about="before this time", schema=_Time),
    Parameter(
        name="query",
        about="what events must match, and what becomes of them, in the query language",
        schema=Annotated[str, Meta(examples=["level:error http.status:>=500 | top 10 host"])],
    ),
    Parameter(
        name="filter",
        about="FIELD:VALUE that every event must have; a field with a colon is written as a JSON string",
        schema=Annotated[str, Meta(examples=["level:error"])],
        is_repeated=True,
    ),
    Parameter(name="limit", about="events in the answer; a page has at most 10,000", schema=_Limit),
    Parameter(name="cursor", about="`next` of the page before"),
)


class RunningQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A question that is being answered."""

    id: UUID
    asked: str
    since: _Moment


class RunningQueries(Struct, frozen=True, forbid_unknown_fields=True):
    """The tenant's, the oldest first; of other processes those that have lasted half a second. `complete` is false
    while these cannot be heard of."""

    queries: Sequence[RunningQuery]
    complete: bool


QUERY = (
    Operation(
        path="/api/v1/query",
        name="query",
        about="events, newest first, or what pipes make of them: a page, or all of it as a stream",
        scope="query",
        parameters=QUESTION,
        answers={200: Answer(about="the events", content={JSON: Page, NDJSON: str, CSV: str, ARROW: bytes})},
        errors=(Overloaded, Cancelled),
    ),
    Operation(
        path="/api/v1/query/count",
        name="count",
        about="how many events match; limit and cursor do not count",
        scope="query",
        parameters=QUESTION,
        answers={200: Answer(about="their number", content={JSON: Count})},
        errors=(Overloaded, Cancelled),
    ),
    Operation(
        path="/api/v1/query/cost",
        name="cost",
        about="what a question would look at, without asking it",
        scope="query",
        parameters=QUESTION,
        answers={200: Answer(about="how much that is", content={JSON: Cost})},
    ),
    Operation(
        path="/api/v1/queries",
        name="queries",
        about="the questions that are being answered",
        scope="query",
        answers={200: Answer(about="the questions", content={JSON: RunningQueries})},
    ),
    Operation(
        path="/api/v1/queries/{id}",
        name="cancel",
        method="DELETE",
        about="stop answering a question: who asked it gets 409",
        scope="query",
        parameters=(Parameter(name="id", about="the question's id", schema=UUID, where="path"),),
        answers={200: Answer(about="it was stopped", content={JSON: RunningQuery})},
        errors=(NotFound,),
    ),
    Operation(
        path="/api/v1/events/{id}",
        name="event",
        about="one event",
        scope="query",
        parameters=(Parameter(name="id", about="the event's id", schema=UUID, where="path"),),
        answers={200: Answer(about="the event", content={JSON: AnsweredEvent})},
        errors=(NotFound,),
    ),
    Operation(
        path="/api/v1/ledger",
        name="ledger",
        about="what became of accepted events, by minute of arrival, and what an audit finds",
        scope="query",
        parameters=(
            *QUESTION[:2],
            Parameter(name="count", about="count every event and check every file, too", schema=bool),
        ),
        answers={200: Answer(about="the counts", content={JSON: LedgerAnswer})},
    ),
    Operation(
        path="/api/v1/receipts/{receipt}",
        name="receipt",
        about="what became of the events of an accepted request",
        scope="query",
        parameters=(Parameter(name="receipt", about="as it was answered", schema=_Receipt, where="path"),),
        answers={200: Answer(about="their fate", content={JSON: ReceiptFate})},
        errors=(NotFound,),
    ),
)

TAIL = (
    Operation(
        path=PATH,
        name="tail",
        about="stored events, then new ones as they are stored, until one side closes: server-sent events, or with "
        "Upgrade a WebSocket",
        scope="query",
        parameters=(
            Parameter(name="query", about="a search line of the query language, without pipes"),
            QUESTION[2],
            Parameter(
                name="history", about="newest stored events to begin with", schema=Annotated[int, Meta(ge=0, le=10_000)]
            ),
            Parameter(
                name="after",
                about="the `id` of the last event heard: begin behind it, instead of with `history`",
                schema=_Position,
            ),
            Parameter(name="Last-Event-ID", about="the same, as browsers send it", schema=_Position, where="header"),
        ),
        answers={200: Answer(about="events named event, missed and live", content={EVENT_STREAM: str})},
        errors=(Overloaded, Cancelled),
    ),
)
