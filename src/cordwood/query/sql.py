"""SQL over HTTP: one SELECT over a tenant's own events."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.model.tenant import Tenant
from cordwood.query.asked import json_body
from cordwood.query.parameters import parse_time
from cordwood.query.settings import QuerySettings
from cordwood.query.sql_formats import arrow_stream, csv_lines, encoded, ndjson, rows_of
from cordwood.query.turns import Turns
from cordwood.query.wanted import Wanted
from cordwood.store.selecting import Question, Rows, SqlReader
from cordwood.tenancy.interface import Keys

PATH = "/api/v1/sql"
NDJSON, CSV, ARROW = "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"
_MOST_TEXT = 100_000
_MOST_ANSWER_BYTES = 64 << 20


class SqlRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One SELECT over `logs`, and the time range that `logs` has. `limit`: rows in a JSON answer."""

    sql: Annotated[str, Meta(min_length=1, max_length=_MOST_TEXT)]
    start: str | None = None
    end: str | None = None
    limit: Annotated[int, Meta(ge=1)] | None = None


class SqlRoutes:
    """`POST /api/v1/sql`. Bounded: a few questions at once, a few more waiting."""

    def __init__(self, reader: SqlReader, keys: Keys, clock: Clock, settings: QuerySettings, wanted: Wanted) -> None:
        self._reader = reader
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._wanted = wanted
        self._turns = Turns(settings.sql_max_at_once, settings.max_waiting)

    def routes(self) -> list[Route]:
        return [Route(PATH, self._sql, methods=["POST"])]

    async def _sql(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        asked = await json_body(request, SqlRequest)
        limit = asked.limit or self._settings.max_limit
        if limit > self._settings.max_limit:
            raise BadRequest(
                f"'limit' is {limit:,}; a JSON answer has at most {self._settings.max_limit:,} rows",
                hint="ask with 'Accept: application/x-ndjson' for a stream without bound",
            )
        question = self._question(asked)
        accepted = request.headers.get("accept", "")
        wanted = next((kind for kind in (NDJSON, CSV, ARROW) if kind in accepted), None)
        blocks = self._asked(question, tenant)
        work = _whole(blocks, limit) if wanted is None else self._streamed(request, tenant, blocks, wanted)
        return await self._wanted.answer(request, tenant, work)

    async def _streamed(
        self, request: Request, tenant: Tenant, blocks: AsyncGenerator[Rows, None], wanted: str
    ) -> Response:
        """Once there is something to send: what fails before is answered with a status, not a cut."""
        try:
            first = await anext(blocks)
        except BaseException:
            await blocks.aclose()
            raise
        headers = {"cordwood-incomplete": first.left_out} if first.left_out else {}
        stream = self._wanted.stream(request, tenant, _stream(first, blocks, wanted))
        return StreamingResponse(stream, media_type=wanted, headers=headers)

    def _question(self, asked: SqlRequest) -> Question:
        """Raises BadRequest."""
        now_us = self._clock.now_us()
        start_us = None if asked.start is None else parse_time("start", asked.start, now_us)
        end_us = None if asked.end is None else parse_time("end", asked.end, now_us)
        if start_us is not None and end_us is not None and start_us >= end_us:
            raise BadRequest("'start' is not before 'end'", hint="events with start <= timestamp < end are answered")
        if "\0" in asked.sql:
            raise BadRequest("'sql' has a character U+0000", hint="write chr(0)")
        return Question(asked.sql, start_us, end_us)

    async def _asked(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        async with self._turns.turn(), contextlib.aclosing(self._reader.ask(question, tenant)) as blocks:
            async for rows in blocks:
                yield rows


async def _whole(blocks: AsyncGenerator[Rows, None], limit: int) -> Response:
    async with contextlib.aclosing(blocks):
        return Response(await _page(blocks, limit), media_type="application/json")


async def _page(blocks: AsyncGenerator[Rows, None], limit: int) -> bytes:
    """All rows up to a limit, as JSON. Whether there are more, `truncated` says."""
    lines: list[bytes] = []
    size_bytes, is_cut = 0, False
    head: dict[str, Any] = {}
    async for rows in blocks:
        head = head or {"columns": rows.columns, "complete": not rows.left_out}
        some = await asyncio.to_thread(_lines, rows)
        is_cut = len(lines) + len(some) > limit
        lines += some[: limit - len(lines)]
        size_bytes += sum(map(len, some))
        if size_bytes > _MOST_ANSWER_BYTES:
            raise BadRequest(
                f"the answer has more than {_MOST_ANSWER_BYTES:,} bytes of JSON",
                hint="ask for less, or with 'Accept: application/x-ndjson' for a stream",
            )
        if is_cut:
            break
    members = msgspec.json.encode({**head, "truncated": is_cut})
    return members[:-1] + b',"rows":[' + b",".join(lines) + b"]}"


def _lines(rows: Rows) -> list[bytes]:
    return [encoded(row) for row in rows_of(rows)]


async def _stream(first: Rows, blocks: AsyncGenerator[Rows, None], wanted: str) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(blocks):
        if wanted == ARROW:
            stream = arrow_stream(first)
            yield await asyncio.to_thread(stream.add, first.batch.columns)
            async for rows in blocks:
                yield await asyncio.to_thread(stream.add, rows.batch.columns)
            yield stream.end()
            return
        is_csv = wanted == CSV
        yield await asyncio.to_thread(csv_lines, first, with_names=True) if is_csv else ndjson(first)
        async for rows in blocks:
            if is_csv:
                yield await asyncio.to_thread(csv_lines, rows, with_names=False)
            else:
                yield await asyncio.to_thread(ndjson, rows)
