"""The endpoints of the query line, described."""

from typing import Annotated

from msgspec import Meta

from cordwood.errors import Cancelled, UnsupportedMedia
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.query.line.routes import CHECK, COMPLETE, MOST_OPTIONS, REFINE
from cordwood.query.line.shapes import Checked, Completion, Refine, Refined
from cordwood.query.operations import QUESTION

_QUERY = QUESTION[2]

LINE = (
    Operation(
        path=CHECK,
        name="checkQuery",
        about="what a query makes, without asking it",
        scope="query",
        parameters=(_QUERY,),
        answers={200: Answer(about="events, rows or a series, and their columns", content={JSON: Checked})},
    ),
    Operation(
        path=COMPLETE,
        name="completeQuery",
        about="what may come next in a query that is being written",
        scope="query",
        parameters=(
            _QUERY,
            Parameter(
                name="cursor",
                about="where it is being written, in characters (code points); the end if not given",
                schema=Annotated[int, Meta(ge=0)],
            ),
            *QUESTION[:2],
            Parameter(name="limit", about="options in the answer", schema=Annotated[int, Meta(ge=1, le=MOST_OPTIONS)]),
        ),
        answers={200: Answer(about="the options, the likeliest first", content={JSON: Completion})},
        errors=(Cancelled,),
    ),
    Operation(
        path=REFINE,
        method="POST",
        name="refineQuery",
        about="put a clause into a query, or what excludes it, and leave what is written as it is",
        scope="query",
        body={JSON: Refine},
        answers={200: Answer(about="the query with the clause", content={JSON: Refined})},
        errors=(UnsupportedMedia,),
    ),
)
