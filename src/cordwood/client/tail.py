"""A live tail from the server, taken up again where it broke off."""

import time
from collections.abc import Iterator, Sequence

import msgspec

from cordwood.client.http import Api, TryAgain
from cordwood.client.search import Event, parse_event
from cordwood.errors import Corrupt

_PATH = "/api/v1/tail"
_SILENCE_S = 45.0
"""The server says something every 15 s."""
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.5, 10.0
_REMEMBERED = 20_000


class Heard(msgspec.Struct, frozen=True):
    """An event, and its line as it was answered."""

    event: Event
    line: bytes


class Gap(msgspec.Struct, frozen=True):
    """So many events were not told; None: nobody knows how many."""

    events: int | None


class Interrupted(msgspec.Struct, frozen=True):
    """The connection is gone; the next one is tried after `pause_s`."""

    reason: str
    pause_s: float


class _Missed(msgspec.Struct):
    events: int | None


class _Message:
    """One server-sent event, as its lines come (WHATWG HTML, §9.2.6)."""

    def __init__(self) -> None:
        self.kind = ""
        self.data = b""


def follow(api: Api, query: str, filters: Sequence[str], history: int) -> Iterator[Heard | Gap | Interrupted]:
    """Stored events, then new ones as they are stored; without end. After an interruption, what was stored meanwhile.

    Raises what `Api.lines` raises, but for TryAgain once something was heard.
    """
    position: str | None = None
    known: dict[str, None] = {}
    pause_s = _FIRST_PAUSE_S
    while True:
        parameters = [("query", query), *(("filter", text) for text in filters)]
        parameters.append(("history", str(history)) if position is None else ("after", position))
        message = _Message()
        try:
            for line in api.lines(_PATH, parameters, "text/event-stream", silence_s=_SILENCE_S):
                pause_s = _FIRST_PAUSE_S
                if not line:
                    # Around an interruption events come twice.
                    if (said := _said(message)) and not (isinstance(said, Heard) and said.event.id in known):
                        if isinstance(said, Heard):
                            _remember(known, said.event.id)
                        yield said
                    message = _Message()
                    continue
                name, _, value = line.partition(b": ")
                match name:
                    case b"event":
                        message.kind = value.decode()
                    case b"data":
                        message.data = value
                    case b"id":
                        position = value.decode()
            reason = "the server has closed the connection"
        except TryAgain as error:
            if position is None and not known:
                raise
            reason = error.message
            pause_s = pause_s if error.wait_s is None else max(pause_s, error.wait_s)
        yield Interrupted(reason, pause_s)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LAST_PAUSE_S)


def _said(message: _Message) -> Heard | Gap | None:
    match message.kind:
        case "event":
            return Heard(parse_event(message.data), message.data)
        case "missed":
            try:
                return Gap(msgspec.json.decode(message.data, type=_Missed).events)
            except msgspec.MsgspecError as error:
                raise Corrupt(f"the answer is no live tail: {message.data[:80]!r}") from error
    return None


def _remember(known: dict[str, None], event_id: str) -> None:
    known[event_id] = None
    if len(known) > _REMEMBERED:
        del known[next(iter(known))]
