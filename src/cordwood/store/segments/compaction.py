"""Many small segments → few large ones: the same events, sorted by time."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import structlog

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.store.care import Merged
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.health import damage
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.making import make_segment
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.runs import runs_of, typed
from cordwood.store.segments.tables import arranged

log = structlog.get_logger()

_FAN_IN = 8
"""Segments of one tier that are merged into one of the next: each event is rewritten about log8(n) times."""
_MOST_FILES = 256
_FULL_EVENTS = 50_000
_FULL_BYTES = 16 << 20
"""A segment this large is left alone, and a merge gathers no more than it takes to make one."""

Choose: TypeAlias = Callable[[Sequence[Segment]], list[Segment] | None]
"""Segments → those to merge next into one, if any."""


class Compactor:
    """Synchronous; call it in a thread, one at a time."""

    def __init__(self, directory: Directory, catalog: Changing, engine: Engine, clock: Clock) -> None:
        self._directory = directory
        self._catalog = catalog
        self._engine = engine
        self._clock = clock

    def merge_one(self, choose: Choose | None = None) -> Merged | None:
        """Merge one group of small segments, the smallest tier first; None when there is none. Raises Unavailable."""
        small = self._catalog.small_segments(_FULL_EVENTS)
        damaged = self._catalog.damaged()
        group = (choose or next_group)([segment for segment in small if segment.path not in damaged])
        if group is None:
            return None
        if self._find_damage(group):
            return Merged()
        started = time.perf_counter()
        now_us = self._clock.now_us()
        name = self._directory.new_segment(group[0].tenant, now_us, self._clock.batch_id())
        merged = self._merge(group, name)
        # From here on the file stays even if this fails: whether the swap is committed may be unknown. An orphan is
        # put aside at the next start.
        self._catalog.swap(group, merged, now_us)
        seconds = round(time.perf_counter() - started, 3)
        log.debug("segments_merged", tenant=merged.tenant, segments=len(group), events=merged.events, seconds=seconds)
        before = sum(segment.size_bytes for segment in group)
        return Merged(
            segments=len(group),
            events=merged.events,
            bytes_before=before,
            bytes_after=merged.size_bytes,
            into=merged.path,
        )

    def _find_damage(self, group: Sequence[Segment]) -> bool:
        """Whether a segment is not as it was written: merged, its bytes would look well. It is left out from now on,
        so that the others go on being merged."""
        is_damaged = False
        for segment in group:
            if (reason := damage(self._engine, self._directory.root, segment)) is not None:
                log.error("segment_damaged", path=segment.path, events=segment.events, reason=reason)
                self._catalog.note_damage(segment.path, reason, self._clock.now_us())
                is_damaged = True
        return is_damaged

    def _merge(self, group: Sequence[Segment], name: str) -> Segment:
        merged = make_segment(self._directory, name, group[0].tenant, self._gathered(group))
        if merged.events != sum(segment.events for segment in group):
            self._directory.remove(name)
            log.error("merge_inexact", segments=len(group), merged=merged.events)
            raise Unavailable(
                f"merging {len(group)} segments kept {merged.events} events: they stay as they are",
                hint="this is a defect: please report it",
            )
        return merged

    def _gathered(self, group: Sequence[Segment]) -> list[pa.Table]:
        """All rows by shape. Old segments first: rows of one shape are then mostly in order already."""
        shaped: dict[str | None, list[pa.Table]] = {}
        for segment in sorted(group, key=lambda each: each.min_us):
            for shape, table in self._runs(segment):
                shaped.setdefault(shape, []).append(table)
        if None in shaped:
            for shape, table in typed(pa.concat_tables(shaped.pop(None))):
                shaped.setdefault(shape, []).append(table)
        return arranged(shaped)

    def _runs(self, segment: Segment) -> Iterator[tuple[str | None, pa.Table]]:
        path = self._directory.root / segment.path
        try:
            yield from runs_of(path)
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"cannot read {path}: {error}", hint="look at the disk") from error


def next_group(segments: Sequence[Segment]) -> list[Segment] | None:
    """The segments to merge next: neighbours in time of one tenant and tier, at least as many as make it worthwhile."""
    tiers: dict[tuple[str, int], list[Segment]] = {}
    for segment in filter(_is_small, segments):
        tiers.setdefault((segment.tenant, _tier(segment)), []).append(segment)
    ready = [(tier, group) for (_, tier), group in tiers.items() if len(group) >= _FAN_IN]
    return _filling(min(ready, key=lambda each: each[0])[1]) if ready else None


def next_or_rest(segments: Sequence[Segment]) -> list[Segment] | None:
    """As `next_group`; when that has nothing to say, neighbours of one tenant, however few and of whatever tier."""
    if group := next_group(segments):
        return group
    tenants: dict[str, list[Segment]] = {}
    for segment in filter(_is_small, segments):
        tenants.setdefault(segment.tenant, []).append(segment)
    return next((_filling(group) for group in tenants.values() if len(group) > 1), None)


def _is_small(segment: Segment) -> bool:
    return segment.events < _FULL_EVENTS and segment.size_bytes < _FULL_BYTES


def _filling(group: Sequence[Segment]) -> list[Segment]:
    """The oldest of the group, as many as make a full one: two at least, where there are two."""
    chosen: list[Segment] = []
    events = size_bytes = 0
    for segment in sorted(group, key=lambda segment: segment.min_us)[:_MOST_FILES]:
        if len(chosen) > 1 and (events >= _FULL_EVENTS or size_bytes >= _FULL_BYTES):
            break
        chosen.append(segment)
        events, size_bytes = events + segment.events, size_bytes + segment.size_bytes
    return chosen


def _tier(segment: Segment) -> int:
    """The power of eight below its number of events."""
    return (segment.events.bit_length() - 1) // 3
