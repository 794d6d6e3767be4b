"""One live tail: what is stored already, then what is being stored, without a gap and without doubles in between."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from msgspec import Struct

from cordwood import metrics
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.live import Live
from cordwood.query.matching import Line, Wanted
from cordwood.query.past import Past
from cordwood.tail.interface import Missed

ALIVE_S = 15.0
_SEND_BYTES = 64 << 10


class Began(Struct, frozen=True):
    """History ends here. `position` is where a reader that is cut off goes on."""

    position: int


class Alive(Struct, frozen=True):
    """Nothing has come for a while, and everything up to `position` has been told."""

    position: int


class Told(Struct, frozen=True):
    """An event; of history, without a position: whoever is cut off within it begins anew."""

    line: Line
    position: int | None


Said = Told | Missed | Began | Alive


class Question(Struct, frozen=True):
    """What somebody wants to watch: all of `plan`'s filters, as `wanted` tells of one event. It begins behind
    `position`, or if that is None with the newest `history` events."""

    tenant: Tenant
    plan: Plan
    wanted: Wanted
    history: int
    position: int | None


async def watch(
    live: Live, past: Past, question: Question, now_us: int, stop: asyncio.Event, require: Callable[[], object]
) -> AsyncGenerator[Sequence[Said], None]:
    """Until `stop`, or until closed. `require` is asked before anything is told, and may raise.

    Raises BadRequest, Overloaded, Unavailable before the first is told.
    """
    plan, tenant, wanted = question.plan, question.tenant, question.wanted
    # Subscribed before the store is read: what is stored in between comes both ways, and is told once.
    async with live.reading(tenant, wanted) as reader:
        if question.position is None:
            begun = await past.newest(plan, tenant, question.history)
        else:
            begun = await past.since(plan, tenant, question.position)
        known = {line.id for line in begun.lines}
        asked = now_us if question.position is None else question.position
        position = max([asked, *(line.inserted_at_us for line in begun.lines)])
        yield [
            *([Missed(None)] if begun.is_cut else []),
            *(Told(line, None) for line in begun.lines),
            Began(position),
        ]
        stopping = asyncio.create_task(stop.wait())
        taking: asyncio.Task[list[Line | Missed]] | None = None
        try:
            while not stop.is_set():
                taking = taking or asyncio.create_task(reader.buffer.take(_SEND_BYTES))
                await asyncio.wait({taking, stopping}, timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                require()
                if not taking.done():
                    position = max(position, reader.seen_us)
                    if not stop.is_set():
                        yield [Alive(position)]
                    continue
                said: list[Said] = []
                for item in taking.result():
                    if isinstance(item, Missed):
                        metrics.TAIL_MISSED_EVENTS.labels("reader").inc(item.events or 0)
                        said.append(item)
                    elif item.id in known:
                        known.discard(item.id)
                    else:
                        position = max(position, item.inserted_at_us)
                        said.append(Told(item, position))
                taking = None
                metrics.TAIL_SENT_EVENTS.inc(sum(isinstance(each, Told) for each in said))
                if said:
                    yield said
        finally:
            stopping.cancel()
            if taking is not None:
                taking.cancel()
