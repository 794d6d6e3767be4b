"""How complete an answer is: what every answer says of itself."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from cordwood.model.answer import Coverage
from cordwood.model.event import format_timestamp


class DamagedSegment(Struct, frozen=True, forbid_unknown_fields=True):
    """What an answer leaves out because it cannot be read."""

    segment: str
    events: Annotated[int, Meta(ge=0)]
    reason: str


class Segments(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the time range: segments that may hold an answer, and those that were not opened because they hold none."""

    read: Annotated[int, Meta(ge=0)]
    skipped: Annotated[int, Meta(ge=0)]


class RowGroups(Struct, frozen=True, forbid_unknown_fields=True):
    """The same of the row groups that those segments consist of, large ones in stretches of 16,384 rows."""

    read: Annotated[int, Meta(ge=0)]
    skipped: Annotated[int, Meta(ge=0)]


class Slices(Struct, frozen=True, forbid_unknown_fields=True):
    """Of an answer that was put together from parts of its time range: parts that were kept, and those asked for."""

    kept: Annotated[int, Meta(ge=0)]
    asked: Annotated[int, Meta(ge=0)]


class Completeness(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an answer lacks, and what was looked at for it. `watermark`: all that was accepted before can be found;
    `in_flight`: events that were accepted and cannot yet. Null where this service cannot know."""

    complete: bool
    watermark: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | None
    in_flight: Annotated[int, Meta(ge=0)] | None
    damaged: Sequence[DamagedSegment] | UnsetType = UNSET
    scanned: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    segments: Segments | UnsetType = UNSET
    row_groups: RowGroups | UnsetType = UNSET


def completeness(coverage: Coverage) -> dict[str, object]:
    """The members of an answer that are described above."""
    watermark_us = coverage.arrived.watermark_us
    members: dict[str, object] = {
        "complete": not coverage.damaged,
        "watermark": None if watermark_us is None else format_timestamp(watermark_us),
        "in_flight": coverage.arrived.in_flight,
    }
    if coverage.damaged:
        members["damaged"] = [
            {"segment": each.path, "events": each.events, "reason": each.reason} for each in coverage.damaged
        ]
    if coverage.events is not None:
        members["scanned"] = coverage.events
    if coverage.read is not None:
        members["segments"] = {"read": coverage.read, "skipped": coverage.skipped}
        members["row_groups"] = {"read": coverage.groups_read, "skipped": coverage.groups_skipped}
    return members


def in_headers(coverage: Coverage) -> dict[str, str]:
    """The same for a stream, which has no other place for it, as far as it is not usual."""
    headers: dict[str, str] = {}
    if coverage.damaged:
        events = sum(each.events for each in coverage.damaged)
        damaged = f"{len(coverage.damaged)} damaged segments with {events} events are left out"
        headers["cordwood-incomplete"] = damaged
    if coverage.arrived.watermark_us is not None:
        headers["cordwood-watermark"] = format_timestamp(coverage.arrived.watermark_us)
        headers["cordwood-in-flight"] = str(coverage.arrived.in_flight)
    return headers
