"""The endpoints of the query line."""

import msgspec
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.language.parser import parse_noting
from cordwood.language.pipes.known import pipe_text
from cordwood.language.refining import clause_of, clause_of_any, refined
from cordwood.language.rendering import render_filter
from cordwood.language.results import result_of
from cordwood.model.search.field import name_of
from cordwood.model.tenant import Tenant
from cordwood.query.asked import json_body
from cordwood.query.line.completing import Completer
from cordwood.query.line.shapes import Checked, Choice, Completion, Refine, Refined
from cordwood.query.parameters import number_of, only_known, plan_of
from cordwood.query.routes import as_json
from cordwood.query.wanted import Wanted
from cordwood.tenancy.interface import Keys

CHECK, COMPLETE, REFINE = "/api/v1/query/check", "/api/v1/query/complete", "/api/v1/query/refine"
OPTIONS, MOST_OPTIONS = 20, 100
_RANGE = ("start", "end")


class LineRoutes:
    """See the package."""

    def __init__(self, completer: Completer, keys: Keys, clock: Clock, wanted: Wanted) -> None:
        self._completer = completer
        self._keys = keys
        self._clock = clock
        self._wanted = wanted

    def routes(self) -> list[Route]:
        return [
            Route(CHECK, self._check),
            Route(COMPLETE, self._complete),
            Route(REFINE, self._refine, methods=["POST"]),
        ]

    async def _check(self, request: Request) -> Response:
        self._tenant(request)
        text = only_known(request.query_params.multi_items(), ("query",)).get("query", "")
        return as_json(msgspec.json.encode(checked(text, self._clock.now_us())))

    async def _complete(self, request: Request) -> Response:
        tenant = self._tenant(request)
        items = request.query_params.multi_items()
        given = only_known(items, ("query", "cursor", "limit", *_RANGE))
        plan = plan_of([each for each in items if each[0] in _RANGE], self._clock.now_us())
        text = given.get("query", "")
        cursor = number_of(given, "cursor", len(text), len(text), least=0)
        limit = number_of(given, "limit", OPTIONS, MOST_OPTIONS, least=1)

        async def answer() -> Response:
            found = await self._completer.completed(text, cursor, plan, tenant, limit)
            choices = [Choice(*each) for each in found.options]
            return as_json(msgspec.json.encode(Completion(found.start, found.end, choices)))

        return await self._wanted.answer(request, tenant, answer())

    async def _refine(self, request: Request) -> Response:
        self._tenant(request)
        asked = await json_body(request, Refine)
        found = refined(asked.query, _clause(asked), asked.how, self._clock.now_us())
        return as_json(msgspec.json.encode(Refined(found)))

    def _tenant(self, request: Request) -> Tenant:
        return authenticate(dict(request.headers.raw), self._keys, "query").tenant


def checked(text: str, now_us: int) -> Checked:
    """What a query makes. Raises BadQuery."""
    read = parse_noting(text, now_us)
    made = result_of(read.search.pipes)
    named = dict.fromkeys(name_of(mention.field) for mention in read.mentions if mention.pipe == 0)
    return Checked(
        kind=made.kind,
        query_end=read.query_end,
        filter=render_filter(read.search.filter),
        pipes=[pipe_text(pipe) for pipe in read.search.pipes],
        fields=list(named),
        columns=made.columns,
        by=made.by,
        time_column=made.time_column,
        values=made.values,
    )


def _clause(asked: Refine) -> str:
    """Raises BadRequest."""
    if isinstance(asked.clause, str) and asked.field is UNSET and asked.value is UNSET:
        return asked.clause
    if not isinstance(asked.field, str) or asked.clause is not UNSET:
        raise BadRequest(
            "a refinement is of either a 'field' or a 'clause'",
            hint='for instance "field":"level","value":"error", or "clause":"level:error"',
        )
    if asked.value is UNSET:
        return clause_of_any(asked.field)
    return clause_of(asked.field, asked.value)
