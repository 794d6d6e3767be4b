"""The endpoint that takes SQL, described."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from cordwood.errors import Cancelled, Corrupt, Overloaded, UnsupportedMedia
from cordwood.http.openapi import JSON, NDJSON, Answer, Operation
from cordwood.query.sql import ARROW, CSV, PATH, SqlRequest


class SqlColumn(Struct, frozen=True, forbid_unknown_fields=True):
    """A column; `type` as the store's own SQL names it."""

    name: str
    type: str


class SqlAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows as arrays. `truncated`: there are more than `limit`; not `complete`: what is damaged is left out."""

    columns: Sequence[SqlColumn]
    complete: bool
    truncated: bool
    rows: Sequence[Sequence[Any]]


SQL = (
    Operation(
        method="POST",
        path=PATH,
        name="sql",
        about="one SELECT over the relation `logs`, which holds the events of the key's tenant",
        scope="query",
        body={JSON: SqlRequest},
        answers={200: Answer(about="the rows", content={JSON: SqlAnswer, NDJSON: str, CSV: str, ARROW: bytes})},
        errors=(UnsupportedMedia, Overloaded, Cancelled, Corrupt),
    ),
)
