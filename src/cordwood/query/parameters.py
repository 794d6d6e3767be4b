"""Query parameters → plan."""

import base64
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from cordwood.errors import BadRequest
from cordwood.language.filters.joining import all_of
from cordwood.language.parser import Parsed, parse_filter, parse_noting
from cordwood.model.event import MAX_TIMESTAMP_US, MIN_TIMESTAMP_US, parse_timestamp
from cordwood.model.plan import Plan, Position
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Equals, Everything, Filter
from cordwood.model.search.pipes import Pipe

KNOWN = ("start", "end", "limit", "cursor", "query", "filter")

_MAX_FILTERS = 32
_CURSOR_HINT = "send 'next' of an earlier answer as it was"
_UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
_RELATIVE = re.compile(r"-(\d{1,6})([smhdw])", re.ASCII)


def plan_of(parameters: Sequence[tuple[str, str]], now_us: int) -> Plan:
    """Read `start`, `end`, `limit`, `cursor`, `query` and any number of `filter`. Raises BadRequest, naming the
    parameter, and BadQuery."""
    found, given = filter_of(parameters, KNOWN, now_us)
    plan = Plan(
        start_us=parse_time("start", given["start"], now_us) if "start" in given else None,
        end_us=parse_time("end", given["end"], now_us) if "end" in given else None,
        filter=found,
        limit=_limit(given),
        after=parse_cursor(given["cursor"]) if "cursor" in given else None,
    )
    if plan.start_us is not None and plan.end_us is not None and plan.start_us >= plan.end_us:
        raise BadRequest("'start' is not before 'end'", hint="events with start <= timestamp < end are answered")
    return plan


class Question(NamedTuple):
    """Events, and what pipes make of them. `piped` is the query as it was read, if it has pipes."""

    plan: Plan
    pipes: tuple[Pipe, ...] = ()
    piped: Parsed | None = None


def question_of(parameters: Sequence[tuple[str, str]], now_us: int) -> Question:
    """The same, where `query` may have pipes. Raises BadRequest, BadQuery."""
    texts = [value for name, value in parameters if name == "query"]
    if len(texts) != 1:
        return Question(plan_of(parameters, now_us))
    parsed = parse_noting(texts[0], now_us)
    search = parsed.search
    if not search.pipes:
        return Question(plan_of(parameters, now_us))
    plan = plan_of([each for each in parameters if each[0] != "query"], now_us)
    if plan.after is not None:
        raise BadRequest("'cursor' with pipes", hint="sort, and limit N OFFSET, or take the answer as a stream")
    found = [each for each in (search.filter, plan.filter) if each != Everything()]
    return Question(replace(plan, filter=all_of(found)), search.pipes, parsed)


def filter_of(
    parameters: Sequence[tuple[str, str]], known: Sequence[str], now_us: int
) -> tuple[Filter, dict[str, str]]:
    """What `query` and any number of `filter` select together, and the other parameters by name. Raises BadRequest,
    naming the parameter, and BadQuery."""
    filters: list[Filter] = [equality(value) for name, value in parameters if name == "filter"]
    given = only_known([each for each in parameters if each[0] != "filter"], known)
    if len(filters) > _MAX_FILTERS:
        raise BadRequest(f"{len(filters)} filters; at most {_MAX_FILTERS} are taken")
    if "query" in given:
        filters.insert(0, parse_filter(given["query"], now_us))
    return all_of(each for each in filters if each != Everything()), given


def only_known(parameters: Sequence[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """Parameters by name, each given once at most. Raises BadRequest, naming the parameter."""
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise BadRequest(f"unknown parameter {name[:80]!r}", hint=hint)
        if name in given:
            raise BadRequest(f"parameter {name!r} is given twice")
        given[name] = value
    return given


def number_of(given: Mapping[str, str], name: str, usual: int, most: int, *, least: int) -> int:
    """A whole number from `least` to `most` among parameters. Raises BadRequest, naming the parameter."""
    text = given.get(name)
    if text is None:
        return usual
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not least <= int(text) <= most:
        raise BadRequest(f"{name!r} is no number from {least} to {most:,}: {text[:80]!r}")
    return int(text)


def equality(text: str) -> Equals:
    """`FIELD:VALUE`; a field that holds a colon is written as a JSON string. Raises BadRequest."""
    if text.startswith('"'):
        end = re.match(r'"(?:[^"\\]|\\.)*"(?=:)', text)
        try:
            field, value = msgspec.json.decode(text[: end.end()], type=str), text[end.end() + 1 :]  # type: ignore[union-attr]
        except (AttributeError, msgspec.DecodeError) as error:
            raise BadRequest(f"filter {text!r} is not FIELD:VALUE", hint='for instance "a:b":value') from error
        return Equals(Field(field), value)
    field, colon, value = text.partition(":")
    if not colon or not field:
        raise BadRequest(f"filter {text!r} is not FIELD:VALUE", hint="for instance filter=level:error")
    return Equals(Field(field), value)


def cursor_of(position: Position) -> str:
    """A position as an opaque token."""
    packed = position.timestamp_us.to_bytes(8, "big", signed=True) + position.id.bytes
    return base64.urlsafe_b64encode(packed).decode()


def parse_cursor(token: str) -> Position:
    """Raises BadRequest."""
    try:
        packed = base64.b64decode(token, altchars=b"-_", validate=True)
        position = Position(int.from_bytes(packed[:8], "big", signed=True), UUID(bytes=packed[8:]))
    except ValueError as error:
        raise BadRequest("this cursor is damaged", hint=_CURSOR_HINT) from error
    if not MIN_TIMESTAMP_US <= position.timestamp_us <= MAX_TIMESTAMP_US:
        raise BadRequest("this cursor is damaged", hint=_CURSOR_HINT)
    return position


def parse_time(name: str, text: str, now_us: int) -> int:
    """A time given as a parameter, in µs since 1970 UTC. Raises BadRequest, naming the parameter."""
    if text == "now":
        return now_us
    if relative := _RELATIVE.fullmatch(text):
        return max(MIN_TIMESTAMP_US, now_us - int(relative[1]) * _UNITS_US[relative[2]])
    # A plus sign in a query string arrives as a space.
    moment = parse_timestamp(re.sub(r" (\d\d:?\d\d)$", r"+\1", text) if "T" in text else text)
    if moment is None:
        raise BadRequest(
            f"'{name}' is no time: {text!r}",
            hint="use 2026-11-23T10:00:00Z, Unix seconds, milliseconds or microseconds, or -15m",
        )
    return moment


def _limit(given: dict[str, str]) -> int | None:
    text = given.get("limit")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or int(text) == 0:
        raise BadRequest(f"'limit' is no positive number: {text!r}")
    return int(text)
