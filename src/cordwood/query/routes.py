"""The query endpoints."""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest, Corrupt
from cordwood.http.auth import authenticate
from cordwood.model.plan import Plan
from cordwood.model.search.pipes import Pipe, Sample
from cordwood.model.tenant import Tenant
from cordwood.query.answers import with_members
from cordwood.query.completeness import completeness, in_headers
from cordwood.query.diagnosis import Diagnosis
from cordwood.query.engine import Engine
from cordwood.query.pages import Page
from cordwood.query.parameters import Question, plan_of, question_of
from cordwood.query.rows import Csv, rows_ndjson
from cordwood.query.wanted import Wanted
from cordwood.tenancy.interface import Keys

NDJSON, CSV, ARROW = "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"


class QueryRoutes:
    """`GET /api/v1/query`, `/api/v1/query/count`, `/api/v1/query/cost` and `/api/v1/events/{id}`."""

    def __init__(self, engine: Engine, keys: Keys, clock: Clock, wanted: Wanted, diagnosis: Diagnosis) -> None:
        self._engine = engine
        self._wanted = wanted
        self._keys = keys
        self._clock = clock
        self._diagnosis = diagnosis

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/query", self._query),
            Route("/api/v1/query/count", self._count),
            Route("/api/v1/query/cost", self._cost),
            Route("/api/v1/events/{id}", self._event),
        ]

    async def _query(self, request: Request) -> Response:
        started = time.perf_counter()
        tenant = self._tenant(request)
        question = question_of(request.query_params.multi_items(), self._clock.now_us())
        plan, pipes = question.plan, question.pipes
        accepted = request.headers.get("accept", "")
        if (kind := next((each for each in (NDJSON, CSV, ARROW) if each in accepted), None)) is not None:
            arrived = await self._engine.arrived(tenant)
            stream = await self._started(
                lambda: self._wanted.stream(request, tenant, self._stream(plan, pipes, tenant, kind))
            )
            coverage = replace(await self._engine.coverage(plan, tenant), arrived=arrived)
            return StreamingResponse(stream, media_type=kind, headers=in_headers(coverage))
        return await self._wanted.answer(request, tenant, self._page(question, tenant, started))

    async def _page(self, question: Question, tenant: Tenant, started: float) -> Response:
        plan, pipes, piped = question
        if piped is not None:
            page = await self._engine.table(
                plan, pipes, tenant, lambda: self._diagnosis.unknown_fields(plan, piped, tenant)
            )
        else:
            page = await self._engine.page(plan, tenant)
        took_ms = round((time.perf_counter() - started) * 1e3, 3)
        members: dict[str, object] = {"cached": page.is_cached, "took_ms": took_ms, "exact": is_exact(pipes)}
        members |= put_together(page) | completeness(page.coverage)
        if page.is_empty and plan.after is None:
            members |= await self._diagnosis.why_empty(plan, tenant, piped)
        return as_json(with_members(page.body, members))

    async def _count(self, request: Request) -> Response:
        tenant = self._tenant(request)
        plan = plan_of(request.query_params.multi_items(), self._clock.now_us())
        return await self._wanted.answer(request, tenant, self._counted(plan, tenant))

    async def _counted(self, plan: Plan, tenant: Tenant) -> Response:
        count, coverage = await self._engine.count(plan, tenant)
        why = {} if count else await self._diagnosis.why_empty(plan, tenant)
        return as_json(msgspec.json.encode({"count": count, "exact": True, **completeness(coverage), **why}))

    async def _cost(self, request: Request) -> Response:
        """What a question would look at: nothing is read for it but the catalog and filters of words."""
        tenant = self._tenant(request)
        plan = question_of(request.query_params.multi_items(), self._clock.now_us()).plan
        return as_json(msgspec.json.encode(completeness(await self._engine.coverage(plan, tenant))))

    async def _event(self, request: Request) -> Response:
        tenant = self._tenant(request)
        return as_json(await self._engine.event(event_id_of(request.path_params["id"]), tenant))

    def _stream(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant, kind: str) -> AsyncGenerator[bytes, None]:
        if kind == ARROW:
            return self._arrow(plan, pipes, tenant)
        if pipes or kind == CSV:
            return self._engine.rows(plan, pipes, tenant, rows_ndjson if kind == NDJSON else Csv())
        return self._engine.stream(plan, tenant)

    async def _arrow(self, plan: Plan, pipes: Sequence[Pipe], tenant: Tenant) -> AsyncGenerator[bytes, None]:
        # Here, as only who asks for it is to pay for loading it.
        from cordwood.query.arrow_rows import ArrowRows

        stream = ArrowRows(pipes)
        async with contextlib.aclosing(self._engine.rows(plan, pipes, tenant, stream)) as blocks:
            async for block in blocks:
                yield block
        yield stream.end()

    async def _started(self, start: Callable[[], AsyncGenerator[bytes, None]]) -> AsyncIterator[bytes]:
        """A stream, its first block already there: what fails at once is answered with a status, not a cut."""
        stream = start()
        try:
            first = await anext(stream, b"")
        except Corrupt:
            stream = start()  # what was just found to be damaged is left out
            first = await anext(stream, b"")

        async def blocks() -> AsyncIterator[bytes]:
            async with contextlib.aclosing(stream):
                yield first
                async for block in stream:
                    yield block

        return blocks()

    def _tenant(self, request: Request) -> Tenant:
        return authenticate(dict(request.headers.raw), self._keys, "query").tenant


def event_id_of(text: str) -> UUID:
    """Raises BadRequest."""
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"{text[:80]!r} is no event id", hint="event ids are UUIDs") from error


def put_together(page: Page) -> dict[str, object]:
    """Of how many parts an answer was made, if it was."""
    return {} if page.slices is None else {"slices": {"kept": page.slices[0], "asked": page.slices[1]}}


def is_exact(pipes: Sequence[Pipe]) -> bool:
    """Whether an answer is about every event that matches."""
    return not any(isinstance(pipe, Sample) for pipe in pipes)


def as_json(body: bytes) -> Response:
    """An answer."""
    return Response(body, media_type="application/json")
