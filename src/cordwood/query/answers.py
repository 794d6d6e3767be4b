"""Stored events → bytes for people and programs. An event's own JSON is copied, not parsed."""

from collections.abc import Iterable

import msgspec

from cordwood.model.answer import StoredEvent
from cordwood.model.event import format_timestamp


def event_json(event: StoredEvent) -> bytes:
    """One event as a JSON object: what was derived, and the event itself under `data`."""
    derived = msgspec.json.encode(
        {
            "id": str(event.id),
            "timestamp": format_timestamp(event.timestamp_us),
            "inserted_at": format_timestamp(event.inserted_at_us),
            "level": event.level,
            "service": event.service,
        }
    )
    return derived[:-1] + b',"data":' + event.data + b"}"


def ndjson(events: Iterable[StoredEvent]) -> bytes:
    """Events one a line."""
    return b"".join(event_json(event) + b"\n" for event in events)


def page_json(events: Iterable[StoredEvent], next_cursor: str | None) -> bytes:
    """A page as the inside of a JSON object, open for more members."""
    return b'{"events":[' + b",".join(map(event_json, events)) + b'],"next":' + msgspec.json.encode(next_cursor)


def with_members(page: bytes, members: dict[str, object]) -> bytes:
    """Close a page with members that are not part of what is cached."""
    return page + b"," + msgspec.json.encode(members)[1:]
