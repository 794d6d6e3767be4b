"""Event → what happened just before and after it, in its service, its host, or wherever a field has its value."""

import contextlib
from collections.abc import AsyncGenerator, Sequence

import msgspec

from cordwood.errors import BadRequest
from cordwood.language.match import seen
from cordwood.language.values import as_text, values_at
from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan, Position
from cordwood.model.search.field import DERIVED_TIMES, field_named
from cordwood.model.search.filters import Equals, Everything, Exists, Filter, Not
from cordwood.model.tenant import Tenant
from cordwood.query.answers import event_json
from cordwood.store.interface import Explorer, Reader

EVERYTHING = "all"
"""Instead of a field: beside all events."""


class Beside(msgspec.Struct, frozen=True):
    """Which events are looked for around one: those that have the same value of a field as it has."""

    by: str
    value: str | None
    """None: they do not have the field either."""
    filter: Filter


def beside(event: StoredEvent, by: str) -> Beside:
    """Raises BadRequest for a field that has no value that another event could share."""
    if by == EVERYTHING:
        return Beside(by, None, Everything())
    field = field_named(by)
    if field.derived in DERIVED_TIMES or field.derived == "_id":
        raise BadRequest(f"no two events have the same {by}", hint="'by' is service, host, any other field, or all")
    decoded = seen(event)
    value = (
        next((each for each in values_at(decoded.data, field.name) if each is not None), None)
        if field.derived is None
        else decoded.derived(field.derived)
    )
    if value is None:
        return Beside(by, None, Not(Exists(field)))
    text = as_text(value)
    if text is None:
        raise BadRequest(
            f"{by[:80]!r} is an array or object in this event: there is no value to go by",
            hint="'by' is service, host, any other field with a text, number or boolean, or all",
        )
    return Beside(by, text, Equals(field, text))


async def context_json(
    reader: Reader, explorer: Explorer, tenant: Tenant, event: StoredEvent, around: Beside, before: int, after: int
) -> bytes:
    """The answer as open JSON (see `answers.page_json`). Raises Corrupt, Unavailable."""
    position = Position(event.timestamp_us, event.id)
    earlier = await _earlier(reader, position, around.filter, tenant, before + 1)
    later = await explorer.following(position, Plan(filter=around.filter, limit=after + 1), tenant)
    return b"".join(
        [
            b'{"by":',
            msgspec.json.encode(around.by),
            b',"value":',
            msgspec.json.encode(around.value),
            b',"before":',
            _array(earlier[:before][::-1]),
            b',"event":',
            event_json(event),
            b',"after":',
            _array(later[:after]),
            b',"more_before":',
            msgspec.json.encode(len(earlier) > before),
            b',"more_after":',
            msgspec.json.encode(len(later) > after),
        ]
    )


async def _earlier(reader: Reader, position: Position, found: Filter, tenant: Tenant, limit: int) -> list[StoredEvent]:
    """The newest first."""
    blocks = reader.read(Plan(filter=found, limit=limit, after=position), tenant)
    async with contextlib.AsyncExitStack() as stack:
        if isinstance(blocks, AsyncGenerator):
            await stack.enter_async_context(contextlib.aclosing(blocks))
        return [event async for block in blocks for event in block]


def _array(events: Sequence[StoredEvent]) -> bytes:
    return b"[" + b",".join(map(event_json, events)) + b"]"
