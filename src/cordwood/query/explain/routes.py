"""The endpoint that explains a spike."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import Overloaded, UnsupportedMedia
from cordwood.http.auth import authenticate
from cordwood.http.openapi import JSON, Answer, Operation
from cordwood.query.answers import with_members
from cordwood.query.asked import json_body
from cordwood.query.completeness import completeness
from cordwood.query.engine import Engine
from cordwood.query.explain.explainer import Explainer
from cordwood.query.explain.shapes import ExplainAnswer
from cordwood.query.explain.sides import Explain, sides_of
from cordwood.query.routes import as_json
from cordwood.query.wanted import Wanted
from cordwood.store.interface import Store
from cordwood.tenancy.interface import Keys

PATH = "/api/v1/explain"


class ExplainRoutes:
    """See the module."""

    def __init__(self, engine: Engine, store: Store, keys: Keys, clock: Clock, wanted: Wanted) -> None:
        self._engine = engine
        self._explainer = Explainer(store)
        self._keys = keys
        self._clock = clock
        self._wanted = wanted

    def routes(self) -> list[Route]:
        return [Route(PATH, self._explain, methods=["POST"])]

    async def _explain(self, request: Request) -> Response:
        started = time.perf_counter()
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        asked = await json_body(request, Explain)
        sides = sides_of(asked, self._clock.now_us())

        async def made() -> bytes:
            return msgspec.json.encode(await self._explainer.explained(sides, tenant, asked.limit))[:-1]

        question = ("explain", sides.selection, sides.baseline, asked.limit)

        async def answer() -> Response:
            page = await self._engine.answered(question, sides.both, tenant, made)
            took_ms = round((time.perf_counter() - started) * 1e3, 3)
            members = {"cached": page.is_cached, "took_ms": took_ms, **completeness(page.coverage)}
            return as_json(with_members(page.body, members))

        return await self._wanted.answer(request, tenant, answer())


EXPLAIN = (
    Operation(
        method="POST",
        path=PATH,
        name="explain",
        about="which values of fields and templates of messages differ most between some events and others",
        scope="query",
        body={JSON: Explain},
        answers={200: Answer(about="what differs, the greatest difference first", content={JSON: ExplainAnswer})},
        errors=(Overloaded, UnsupportedMedia),
    ),
)
