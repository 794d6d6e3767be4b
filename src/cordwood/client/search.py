"""Questions to the server, answered as events."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from cordwood.client.http import Api
from cordwood.errors import Corrupt


class Event(msgspec.Struct, frozen=True):
    """An event as it is answered. `data` is the event itself, its JSON text untouched."""

    id: str
    timestamp: str
    inserted_at: str
    level: str | None
    service: str | None
    data: msgspec.Raw
    columns: msgspec.Raw = msgspec.Raw(b"{}")
    """What pipes have set."""


class UnknownField(msgspec.Struct, frozen=True):
    """A field that no event has, and what may be meant."""

    name: str
    suggestion: str | None = None


class DroppedEvents(msgspec.Struct, frozen=True):
    """What retention took out of a time range."""

    events_dropped: int
    dropped_before: str


class Empty(msgspec.Struct, frozen=True):
    """Why nothing was found, as far as the server could tell."""

    events_in_range: int = 0
    removed_by: str | None = None
    events_before: int = 0
    events_matching: int = 0
    events_stored: int = 0
    newest: str | None = None
    tenant: str | None = None
    retention: DroppedEvents | None = None
    unknown_fields: Sequence[UnknownField] = ()
    meant: str | None = None


class Told(msgspec.Struct, frozen=True):
    """What the server says of an answer that has nothing in it, or nothing in a column."""

    empty: Empty | None = None
    unknown_fields: Sequence[UnknownField] = ()


def told_of(api: Api, *, start: str | None, end: str | None, query: str, filters: Sequence[str]) -> Told:
    """Why a search finds nothing. Raises what `Api.get` raises."""
    return api.get("/api/v1/query", Told, _parameters(start, end, query, filters, 1))


def search(
    api: Api,
    *,
    start: str | None,
    end: str | None,
    query: str,
    filters: Sequence[str],
    limit: int | None,
    on_incomplete: Callable[[str], None],
    on_in_flight: Callable[[int], None],
) -> Iterator[bytes]:
    """The matching events, newest first, each as one line of JSON; all of them when `limit` is None. `on_incomplete`
    hears what the answer leaves out, if it does; `on_in_flight` how many accepted events are not stored yet.

    Raises what `Api.stream` raises: TryAgain also in the middle, when the answer breaks off.
    """
    parameters = _parameters(start, end, query, filters, limit)

    def look(headers: Mapping[str, str]) -> None:
        if left_out := headers.get("cordwood-incomplete"):
            on_incomplete(left_out)
        if (in_flight := headers.get("cordwood-in-flight", "")).isdecimal():
            on_in_flight(int(in_flight))

    return api.stream("/api/v1/query", parameters, look)


def _parameters(
    start: str | None, end: str | None, query: str, filters: Sequence[str], limit: int | None
) -> list[tuple[str, str]]:
    given = (("query", query or None), ("start", start), ("end", end), ("limit", None if limit is None else str(limit)))
    return [*(("filter", text) for text in filters), *((name, value) for name, value in given if value is not None)]


def parse_event(line: bytes) -> Event:
    """Raises Corrupt when the line is no event: then it is not our server that answers."""
    try:
        return msgspec.json.decode(line, type=Event)
    except msgspec.DecodeError as error:
        raise Corrupt(
            f"the answer is no event: {line[:80]!r}", hint="is this the address of a Cordwood server?"
        ) from error
