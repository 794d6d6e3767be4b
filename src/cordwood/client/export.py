"""All events that match, over as many answers as it takes."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from cordwood.client.http import Api, TryAgain
from cordwood.client.retry import Patience, Waits
from cordwood.client.search import parse_event
from cordwood.errors import BadRequest, ConfigError, Corrupt
from cordwood.model.event import format_timestamp, parse_timestamp
from cordwood.model.plan import Position
from cordwood.query.parameters import cursor_of, parse_time

_PATH = "/api/v1/query"


class Selection(msgspec.Struct, frozen=True):
    """Which events: `start` and `end` are absolute, so that a question asked again means the same."""

    query: str
    filters: Sequence[str]
    start: str | None
    end: str | None

    def parameters(self) -> list[tuple[str, str]]:
        given = (("query", self.query or None), ("start", self.start), ("end", self.end))
        return [("filter", text) for text in self.filters] + [(k, v) for k, v in given if v is not None]


class _Count(msgspec.Struct, frozen=True):
    count: int


def selection(query: str, filters: Sequence[str], start: str | None, end: str | None) -> Selection:
    """Times from now are taken from this machine's clock. Raises ConfigError."""
    now_us = time.time_ns() // 1000
    try:
        moments = [
            None if text is None else format_timestamp(parse_time(name, text, now_us))
            for name, text in (("start", start), ("end", end))
        ]
    except BadRequest as error:
        raise ConfigError(error.message, hint=error.hint) from error
    return Selection(query, filters, *moments)


def count(api: Api, chosen: Selection) -> int:
    """How many there are now. Raises as `Api.get`."""
    return api.get(f"{_PATH}/count", _Count, chosen.parameters()).count


class Export:
    """Answered events, newest first, each once, as lines of JSON. An answer that breaks off is taken up behind the last
    event that came whole."""

    def __init__(
        self, api: Api, chosen: Selection, patience: Patience, on_retry: Callable[[TryAgain, float], None]
    ) -> None:
        self.events = 0
        self.resumed = 0
        """How often an answer broke off."""
        self.incomplete = ""
        """What the server says that it left out."""
        self._api = api
        self._chosen = chosen
        self._patience = patience
        self._on_retry = on_retry
        self._random = random.Random()  # noqa: S311 (jitter)

    def __iter__(self) -> Iterator[bytes]:
        """Raises TryAgain when patience has run out, Unauthorized, Forbidden, ConfigError (a wrong filter), Corrupt."""
        cursor: list[tuple[str, str]] = []
        waits = Waits(self._patience, self._random)
        while True:
            last = b""
            try:
                for line in self._api.stream(_PATH, self._chosen.parameters() + cursor, self._look_at):
                    if line:
                        self.events += 1
                        last = line
                        yield line
                return
            except TryAgain as error:
                if last:
                    # It went on for a while: what ended it is a new trouble, to be met with new patience.
                    cursor = [("cursor", _behind(last))]
                    waits = Waits(self._patience, self._random)
                self.resumed += bool(last)
                wait_s = waits.after(error, time.monotonic())
                if wait_s is None:
                    raise
                self._on_retry(error, wait_s)
                time.sleep(wait_s)
            except BadRequest as error:
                if error.status != BadRequest.status:
                    raise
                raise ConfigError(error.message, hint=error.hint) from error

    def _look_at(self, headers: Mapping[str, str]) -> None:
        self.incomplete = headers.get("cordwood-incomplete") or self.incomplete


def _behind(line: bytes) -> str:
    event = parse_event(line)
    moment = parse_timestamp(event.timestamp)
    if moment is None:
        raise Corrupt(f"the answer is no event: {line[:80]!r}", hint="is this the address of a Cordwood server?")
    return cursor_of(Position(moment, msgspec.convert(event.id, UUID)))
