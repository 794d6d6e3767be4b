"""Events in the shape of our own answers, as they are exported → the events that were sent, their times kept."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from cordwood.client.batches import Batch, Place
from cordwood.client.search import Event
from cordwood.client.source import Read, Refusal
from cordwood.model.derive_many import derive_many
from cordwood.model.event import TIMESTAMP_NAMES, format_timestamp

TIME_NAME = "_time"
"""Where an event that has no time of its own is given the one it was stored under."""

_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ANSWERED = re.compile(
    rb'\{"id":"' + _UUID + rb'","timestamp":"[0-9T:.-]+Z","inserted_at":"[0-9T:.-]+Z",'
    rb'"level":(?:null|"[a-z]+"),"service":(?:null|"(?:[^"\\]|\\.)*"),"data":\{'
)
_answered = msgspec.json.Decoder(Event)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOWHEN_US = -1


def events_in(read: Iterator[Read]) -> Iterator[Read]:
    """The events inside, when the first one is an answered event byte for byte as we write it; else all as they are.

    A later one that is not is refused.
    """
    is_export: bool | None = None
    for item in read:
        if isinstance(item, Batch) and item.events:
            if is_export is None:
                is_export = _ANSWERED.match(item.events[0]) is not None
            if is_export:
                yield from _opened(item)
                continue
        yield item


def timed(events: Sequence[bytes], timestamps: Sequence[str]) -> list[bytes]:
    """Events that come out under these timestamps (RFC 3339, UTC) when they are stored: those whose own fields give
    no time get one as `_time`. `events` are valid JSON objects."""
    ndjson = b"".join(event + b"\n" for event in events)
    own = [timestamp_us for timestamp_us, _, _ in derive_many(ndjson, _NOWHEN_US)]
    return [
        event if moment != _NOWHEN_US else _with_time(event, timestamp)
        for event, moment, timestamp in zip(events, own, timestamps, strict=True)
    ]


def _with_time(event: bytes, timestamp: str) -> bytes:
    if timestamp == format_timestamp(_NOWHEN_US):
        return event  # its own
    names = _objects.decode(event)
    free = next((name for name in (TIME_NAME, *TIMESTAMP_NAMES) if name not in names), None)
    if free is None:
        return event
    rest = event.lstrip(b" \t")[1:].lstrip(b" \t")
    return b'{"' + free.encode() + b'":"' + timestamp.encode() + (b'"' if rest.startswith(b"}") else b'",') + rest


def _opened(batch: Batch) -> Iterator[Read]:
    events: list[bytes] = []
    timestamps: list[str] = []
    places: list[Place] = []
    for line, place in zip(batch.events, batch.places, strict=True):
        try:
            answered = _answered.decode(line)
            data = bytes(answered.data)
            if not data.startswith(b"{"):
                raise msgspec.ValidationError("its data is no object")
            msgspec.json.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            yield Refusal(*place, f"not an exported event, as the first of the file is: {error}")
            continue
        events.append(data)
        timestamps.append(answered.timestamp)
        places.append(place)
    yield Batch(timed(events, timestamps), places)
