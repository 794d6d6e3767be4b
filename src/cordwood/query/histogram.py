"""Counts over time: `GET /api/v1/histogram`."""

import difflib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest, Overloaded
from cordwood.http.auth import authenticate
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.language.quantities import parse_duration
from cordwood.model.event import MIN_TIMESTAMP_US, format_timestamp
from cordwood.model.histogram import By, SpanCount
from cordwood.model.histogram import Histogram as Counted
from cordwood.model.search.spans import fitting
from cordwood.query.answers import with_members
from cordwood.query.completeness import Completeness, Slices, completeness
from cordwood.query.engine import Engine
from cordwood.query.operations import QUESTION
from cordwood.query.parameters import plan_of
from cordwood.query.routes import put_together
from cordwood.query.wanted import Wanted
from cordwood.tenancy.interface import Keys

PATH = "/api/v1/histogram"
_OF_PLAN = ("start", "end", "query", "filter")
_KNOWN = (*_OF_PLAN, "span", "by")
_FIELDS = get_args(By)
_MOST_COUNTS = 50_000
_LONGEST_SPAN_US = 366 * 86_400 * 1_000_000


class CountOfSpan(Struct, frozen=True, forbid_unknown_fields=True):
    """Events of one span of time that have one value."""

    start: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    value: str | None
    count: Annotated[int, Meta(ge=1)]


class CountOfValue(Struct, frozen=True, forbid_unknown_fields=True):
    """Events of the whole range that have one value."""

    value: str | None
    count: Annotated[int, Meta(ge=1)]


class Histogram(Completeness, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts by time, then value; spans without events are left out."""

    span_s: Annotated[float, Meta(gt=0)]
    by: By | None
    total: Annotated[int, Meta(ge=0)]
    rolled_up: Annotated[int, Meta(ge=0)]
    totals: Sequence[CountOfValue]
    counts: Sequence[CountOfSpan]
    cached: bool
    took_ms: Annotated[float, Meta(ge=0)]
    exact: bool
    slices: Slices | UnsetType = UNSET


class HistogramRoutes:
    """See the module."""

    def __init__(self, engine: Engine, keys: Keys, clock: Clock, wanted: Wanted) -> None:
        self._engine = engine
        self._wanted = wanted
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route(PATH, self._histogram)]

    async def _histogram(self, request: Request) -> Response:
        started = time.perf_counter()
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        given = request.query_params.multi_items()
        own = _own(given)
        plan = plan_of([each for each in given if each[0] in _OF_PLAN], self._clock.now_us())
        span_us = _span_us(own["span"]) if "span" in own else fitting(plan.start_us, plan.end_us)
        by = _by(own.get("by"))

        async def answer() -> Response:
            page = await self._engine.histogram(
                plan, tenant, span_us, by, _MOST_COUNTS + 1, lambda counted: _body(counted, span_us, by)
            )
            took_ms = round((time.perf_counter() - started) * 1e3, 3)
            members: dict[str, object] = {
                "cached": page.is_cached,
                "took_ms": took_ms,
                "exact": True,
                **put_together(page),
            }
            members |= completeness(page.coverage)
            return Response(with_members(page.body, members), media_type="application/json")

        return await self._wanted.answer(request, tenant, answer())


def _own(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """`span` and `by`. Raises BadRequest, naming the parameter that is not known, or twice there."""
    own: dict[str, str] = {}
    for name, value in parameters:
        if name not in _KNOWN:
            near = difflib.get_close_matches(name, _KNOWN, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_KNOWN)}"
            raise BadRequest(f"unknown parameter {name[:80]!r}", hint=hint)
        if name in own:
            raise BadRequest(f"parameter {name!r} is given twice")
        if name not in _OF_PLAN:
            own[name] = value
    return own


def _span_us(text: str) -> int:
    """Raises BadRequest."""
    span_ns = parse_duration(text)
    if span_ns is None or span_ns <= 0 or span_ns % 1000:
        raise BadRequest(f"'span' is no span of time: {text[:80]!r}", hint="for instance 30s, 5m, 1h or 1d")
    if span_ns // 1000 > _LONGEST_SPAN_US:
        raise BadRequest(f"'span' is too long: {text[:80]!r}", hint="at most 366d")
    return span_ns // 1000


def _by(text: str | None) -> By | None:
    """Raises BadRequest."""
    for field in _FIELDS:
        if text == field:
            found: By = field
            return found
    if text is not None:
        raise BadRequest(f"cannot count by {text[:80]!r}", hint=f"known are {', '.join(_FIELDS)}")
    return None


def _body(counted: Counted, span_us: int, by: By | None) -> bytes:
    """An answer but for what tells how it came about. Raises BadRequest for one that is too long."""
    counts = counted.counts
    if len(counts) > _MOST_COUNTS:
        raise BadRequest(
            f"these are more than {_MOST_COUNTS:,} counts",
            hint="ask for a longer 'span', a shorter range or fewer events",
        )
    totals: Counter[str | None] = Counter()
    for each in counts:
        totals[each.value] += each.count
    body = msgspec.json.encode(
        {
            "span_s": span_us / 1e6,
            "by": by,
            "total": totals.total(),
            "rolled_up": counted.rolled_up,
            "totals": [{"value": value, "count": count} for value, count in totals.most_common()],
            "counts": [{"start": _start(each), "value": each.value, "count": each.count} for each in counts],
        }
    )
    return body[:-1]


def _start(count: SpanCount) -> str:
    """The span that holds the first moment of all begins before it, which no date tells."""
    return format_timestamp(max(count.start_us, MIN_TIMESTAMP_US))


HISTOGRAM = (
    Operation(
        path=PATH,
        name="histogram",
        about="how many events match, by span of time and by level or service",
        scope="query",
        parameters=(
            *(each for each in QUESTION if each.name in _OF_PLAN),
            Parameter(
                name="span",
                about="the length of a span; if not given, the shortest round one of which at most 120 fit into the "
                "range, and an hour for a range without an end",
                schema=Annotated[str, Meta(examples=["5m", "1h"])],
            ),
            Parameter(name="by", about="count each value of it, too", schema=By),
        ),
        answers={200: Answer(about="the counts", content={JSON: Histogram})},
        errors=(Overloaded,),
    ),
)
