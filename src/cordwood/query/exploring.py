"""The endpoints that tell what there is to ask for: fields, their values, facets; and what is beside an event."""

import re
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.model.census import Asked
from cordwood.model.plan import Plan
from cordwood.model.search.field import DERIVED_TIMES, field_named
from cordwood.model.tenant import Tenant
from cordwood.query.answers import with_members
from cordwood.query.censuses import Censuses
from cordwood.query.completeness import completeness
from cordwood.query.engine import Engine
from cordwood.query.pages import Page
from cordwood.query.parameters import number_of, only_known, plan_of
from cordwood.query.routes import as_json, event_id_of
from cordwood.query.surroundings import beside, context_json
from cordwood.query.wanted import Wanted
from cordwood.store.interface import Store
from cordwood.tenancy.interface import Keys

FACET_VALUES, MOST_FACET_VALUES = 10, 100
VALUES, MOST_VALUES = 20, 1_000
BESIDE, MOST_BESIDE = 10, 1_000
_RANGE = ("start", "end", "query", "filter")
_MOST_PREFIX = 1_000


class ExploringRoutes:
    """`GET /api/v1/fields`, `/api/v1/fields/{name}/values`, `/api/v1/facets` and `/api/v1/context`."""

    def __init__(self, engine: Engine, store: Store, keys: Keys, clock: Clock, wanted: Wanted) -> None:
        self._engine = engine
        self._censuses = Censuses(engine, store)
        self._wanted = wanted
        self._store = store
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[Route]:
        values = Route("/api/v1/fields/{name:path}/values", self._values)
        # A name may have slashes, and line feeds.
        values.path_regex = re.compile(values.path_regex.pattern, re.DOTALL)
        return [
            Route("/api/v1/fields", self._fields),
            values,
            Route("/api/v1/facets", self._facets),
            Route("/api/v1/context", self._context),
        ]

    async def _fields(self, request: Request) -> Response:
        plan, _ = self._asked(request)
        return await self._census(request, plan, self._censuses.fields)

    async def _facets(self, request: Request) -> Response:
        plan, given = self._asked(request, "limit")
        top = number_of(given, "limit", FACET_VALUES, MOST_FACET_VALUES, least=1)
        return await self._census(request, plan, lambda plan, tenant: self._censuses.facets(plan, tenant, top))

    async def _values(self, request: Request) -> Response:
        plan, given = self._asked(request, "limit", "prefix")
        field = field_named(request.path_params["name"])
        if field.derived in DERIVED_TIMES or field.derived == "_id":
            raise BadRequest(
                f"the values of {field.name} are not counted: hardly one comes twice",
                hint="a dot in front of the name means what was sent",
            )
        prefix = given.get("prefix", "")
        if len(prefix) > _MOST_PREFIX:
            raise BadRequest(f"'prefix' has {len(prefix):,} characters; at most {_MOST_PREFIX:,} are taken")
        asked = Asked(number_of(given, "limit", VALUES, MOST_VALUES, least=1), field, prefix)
        return await self._census(request, plan, lambda plan, tenant: self._censuses.values(plan, tenant, asked))

    async def _context(self, request: Request) -> Response:
        started = time.perf_counter()
        tenant = self._tenant(request)
        given = only_known(request.query_params.multi_items(), ("id", "before", "after", "by"))
        if "id" not in given:
            raise BadRequest("'id' is missing", hint="it is the `id` of an event in an answer")
        before = number_of(given, "before", BESIDE, MOST_BESIDE, least=0)
        after = number_of(given, "after", BESIDE, MOST_BESIDE, least=0)
        event = await self._engine.found(event_id_of(given["id"]), tenant)
        around = beside(event, given.get("by", "service"))

        async def made() -> bytes:
            return await context_json(self._store, self._store, tenant, event, around, before, after)

        async def answer() -> Response:
            question = ("context", event.id, around.by, before, after)
            return _answer(await self._engine.answered(question, Plan(filter=around.filter), tenant, made), started)

        return await self._wanted.answer(request, tenant, answer())

    async def _census(
        self, request: Request, plan: Plan, asked: Callable[[Plan, Tenant], Coroutine[Any, Any, Page]]
    ) -> Response:
        started = time.perf_counter()
        tenant = self._tenant(request)

        async def answer() -> Response:
            return _answer(await asked(plan, tenant), started)

        return await self._wanted.answer(request, tenant, answer())

    def _asked(self, request: Request, *further: str) -> tuple[Plan, dict[str, str]]:
        items = request.query_params.multi_items()
        given = only_known([each for each in items if each[0] != "filter"], (*_RANGE, *further))
        return plan_of([each for each in items if each[0] in _RANGE], self._clock.now_us()), given

    def _tenant(self, request: Request) -> Tenant:
        return authenticate(dict(request.headers.raw), self._keys, "query").tenant


def _answer(page: Page, started: float) -> Response:
    took_ms = round((time.perf_counter() - started) * 1e3, 3)
    return as_json(
        with_members(page.body, {"cached": page.is_cached, "took_ms": took_ms, **completeness(page.coverage)})
    )
