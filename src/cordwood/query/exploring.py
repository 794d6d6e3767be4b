"""The endpoints that tell what there is to ask for: fields, their values, facets; and what is beside an event."""

import re
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.model.census import Asked, Census, FieldCount
from cordwood.model.plan import Plan
from cordwood.model.search.field import DERIVED_TIMES, Field, field_named
from cordwood.model.tenant import Tenant
from cordwood.query.answers import with_members
from cordwood.query.completeness import completeness
from cordwood.query.engine import Engine, Page
from cordwood.query.parameters import only_known, plan_of
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
_NEARLY_ALL = 0.5
"""A field with so many different values, in proportion to its events, is one whose values hardly come twice."""

Made = Callable[[], Coroutine[Any, Any, bytes]]


class ExploringRoutes:
    """`GET /api/v1/fields`, `/api/v1/fields/{name}/values`, `/api/v1/facets` and `/api/v1/context`."""

    def __init__(self, engine: Engine, store: Store, keys: Keys, clock: Clock, wanted: Wanted) -> None:
        self._engine = engine
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
        return await self._census(request, "fields", plan, Asked(1), fields_of)

    async def _facets(self, request: Request) -> Response:
        plan, given = self._asked(request, "limit")
        asked = Asked(_number(given, "limit", FACET_VALUES, MOST_FACET_VALUES, least=1))
        return await self._census(request, "facets", plan, asked, facets_of)

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
        asked = Asked(_number(given, "limit", VALUES, MOST_VALUES, least=1), field, prefix)
        return await self._census(request, "values", plan, asked, lambda census: values_of(census, field))

    async def _context(self, request: Request) -> Response:
        started = time.perf_counter()
        tenant = self._tenant(request)
        given = only_known(request.query_params.multi_items(), ("id", "before", "after", "by"))
        if "id" not in given:
            raise BadRequest("'id' is missing", hint="it is the `id` of an event in an answer")
        before = _number(given, "before", BESIDE, MOST_BESIDE, least=0)
        after = _number(given, "after", BESIDE, MOST_BESIDE, least=0)
        event = await self._engine.found(event_id_of(given["id"]), tenant)
        around = beside(event, given.get("by", "service"))

        async def made() -> bytes:
            return await context_json(self._store, self._store, tenant, event, around, before, after)

        question = ("context", event.id, around.by, before, after)
        return await self._answer(request, tenant, question, Plan(filter=around.filter), made, started)

    async def _census(
        self, request: Request, name: str, plan: Plan, asked: Asked, shown: Callable[[Census], dict[str, object]]
    ) -> Response:
        started = time.perf_counter()
        tenant = self._tenant(request)

        async def made() -> bytes:
            census = await self._store.census(plan, tenant, asked)
            of_all = {"events": census.matched, "examined": census.examined, "exact": census.is_exact}
            return msgspec.json.encode({**shown(census), **of_all})[:-1]

        return await self._answer(request, tenant, (name, asked), plan, made, started)

    async def _answer(
        self,
        request: Request,
        tenant: Tenant,
        question: tuple[object, ...],
        plan: Plan,
        made: Callable[[], Coroutine[Any, Any, bytes]],
        started: float,
    ) -> Response:
        async def answer() -> Response:
            return _answer(await self._engine.answered(question, plan, tenant, made), started)

        return await self._wanted.answer(request, tenant, answer())

    def _asked(self, request: Request, *further: str) -> tuple[Plan, dict[str, str]]:
        items = request.query_params.multi_items()
        given = only_known([each for each in items if each[0] != "filter"], (*_RANGE, *further))
        return plan_of([each for each in items if each[0] in _RANGE], self._clock.now_us()), given

    def _tenant(self, request: Request) -> Tenant:
        return authenticate(dict(request.headers.raw), self._keys, "query").tenant


def fields_of(census: Census) -> dict[str, object]:
    """The fields, by name."""
    return {
        "fields": [
            {
                "name": field.name,
                "types": field.types,
                "events": _estimated(census, field.events),
                "coverage": round(field.events / max(1, census.examined), 6),
                "example": field.values[0][0] if field.values else None,
            }
            for field in sorted(census.fields, key=lambda field: field.name)
        ]
    }


def facets_of(census: Census) -> dict[str, object]:
    """The fields with their values, those that the most events have in front."""
    named = {field.name: field for field in census.fields}
    met = [field for field in census.fields if field.distinct and not _is_copied(field, named)]
    return {
        "facets": [
            {
                "name": field.name,
                "types": field.types,
                "events": _estimated(census, field.events),
                "distinct": field.distinct,
                "unique": _is_unique(field),
                "values": [] if _is_unique(field) else _values(census, field),
            }
            for field in sorted(met, key=lambda field: (-field.events, field.name))
        ]
    }


def values_of(census: Census, field: Field) -> dict[str, object]:
    """One field with its values."""
    found = census.fields[0] if census.fields else FieldCount("", (), 0)
    return {
        "values": _values(census, found),
        "types": found.types,
        "distinct": found.distinct,
        "having": _estimated(census, found.events),
    }


def _values(census: Census, field: FieldCount) -> list[dict[str, object]]:
    return [{"value": value, "count": _estimated(census, count)} for value, count in field.values]


def _is_copied(field: FieldCount, named: Mapping[str, FieldCount]) -> bool:
    """Whether it is what was sent by the name of a derived value, which says the same of as many events."""
    meant = named.get(field.name[1:]) if field.name.startswith(".") else None
    return meant is not None and replace(field, name=meant.name) == meant


def _is_unique(field: FieldCount) -> bool:
    return field.distinct > len(field.values) and field.distinct > _NEARLY_ALL * field.events


def _estimated(census: Census, count: int) -> int:
    return count if census.is_exact else round(count * census.matched / max(1, census.examined))


def _number(given: dict[str, str], name: str, usual: int, most: int, *, least: int) -> int:
    text = given.get(name)
    if text is None:
        return usual
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not least <= int(text) <= most:
        raise BadRequest(f"{name!r} is no number from {least} to {most:,}: {text[:80]!r}")
    return int(text)


def _answer(page: Page, started: float) -> Response:
    took_ms = round((time.perf_counter() - started) * 1e3, 3)
    return as_json(
        with_members(page.body, {"cached": page.is_cached, "took_ms": took_ms, **completeness(page.coverage)})
    )
