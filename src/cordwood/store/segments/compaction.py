"""Many small segments → few large ones: the same events, sorted by time."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import structlog
from msgspec import Struct

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.care import Merged
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import damage
from cordwood.store.segments.making import make_segment, stream_segment
from cordwood.store.segments.merging import Merge
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.runs import runs_of, typed
from cordwood.store.segments.tables import MOST_COLUMNS, arranged

log = structlog.get_logger()

_FAN_IN = 8
"""Segments of one tier that are merged into one of the next: each event is rewritten about log8(n) times."""
_MOST_FILES = 256
_FULL_EVENTS = 50_000
_FULL_BYTES = 16 << 20
"""A segment this large is left alone while there is much to do, and a merge gathers no more than it takes to make one.
What a full batch brings is as large from the beginning."""
_LARGE_EVENTS = 1_000_000
_LARGE_BYTES = 64 << 20
"""A segment of half this is left alone for ever: an event is rewritten once in quiet hours, and hardly ever twice."""
_MOST_IN_MEMORY = 2 * _FULL_EVENTS
"""Events that are merged by taking all of them apart and together again; more are merged row group by row group."""
_FULL_PLAIN_BYTES = 64 << 20
"""As large in memory, a segment is full, too, and a merge gathers no more. It takes three times that; texts that repeat
are compressed to a hundredth, so the size of a file tells nothing."""
_MOST_PLAIN_BYTES = 4096
"""Of an event on average: a row group of larger ones would not fit into memory, so full segments of such stay alone."""

Choose: TypeAlias = Callable[[Sequence[Segment]], list[Segment] | None]
"""Segments → those to merge next into one, if any."""


class Compactor:
    """Synchronous; call it in a thread, one at a time."""

    def __init__(self, files: Files, catalog: Changing, engine: Engine, clock: Clock) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._busy: deque[Tenant] = deque()

    def merge_one(self, choose: Choose | None = None) -> Merged | None:
        """Merge the group that is chosen, by `next_group` if nothing is said; None when there is none. Raises
        Unavailable."""
        group = choose(self._mergeable(_LARGE_EVENTS // 2, None)) if choose else self._next()
        if group is None:
            return None
        with self._files.hold(group, is_kept=False) as hold:
            with contextlib.suppress(OSError):  # which one, and why, is found out next
                hold.fetch()
            return Merged() if self._find_damage(group) else self._merge_group(group)

    def _merge_group(self, group: Sequence[Segment]) -> Merged:
        started = time.perf_counter()
        now_us = self._clock.now_us()
        name = self._files.new_segment(group[0].tenant, now_us, self._clock.batch_id())
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

    def _mergeable(self, events: int, tenant: Tenant | None) -> list[Segment]:
        """Segments with fewer than so many events, of a tenant or of all, but those that are known to be damaged."""
        damaged = self._catalog.damaged()
        found = filter(_is_mergeable, self._catalog.small_segments(events, tenant))
        return [segment for segment in found if segment.path not in damaged]

    def _next(self) -> list[Segment] | None:
        """Tenants that have something to merge take turns. All are looked at only once those are done: every merge
        would look at the segments of every tenant otherwise."""
        while True:
            while self._busy:
                tenant = self._busy.popleft()
                if group := next_group(self._mergeable(_FULL_EVENTS, tenant)):
                    self._busy.append(tenant)
                    return group
            self._busy.extend(busy_tenants(self._mergeable(_FULL_EVENTS, None)))
            if not self._busy:
                return None

    def _find_damage(self, group: Sequence[Segment]) -> bool:
        """Whether a segment is not as it was written: merged, its bytes would look well. It is left out from now on,
        so that the others go on being merged."""
        is_damaged = False
        for segment in group:
            if (reason := damage(self._engine, self._files, segment)) is not None:
                log.error("segment_damaged", path=segment.path, events=segment.events, reason=reason)
                self._catalog.note_damage(segment.path, reason, self._clock.now_us())
                is_damaged = True
        return is_damaged

    def _merge(self, group: Sequence[Segment], name: str) -> Segment:
        if sum(segment.events for segment in group) > _MOST_IN_MEMORY:
            merged = self._streamed(group, name)
        else:
            merged = make_segment(self._files, name, group[0].tenant, self._gathered(group))
        if merged.events != sum(segment.events for segment in group):
            self._files.remove(name)
            log.error("merge_inexact", segments=len(group), merged=merged.events)
            raise Unavailable(
                f"merging {len(group)} segments kept {merged.events} events: they stay as they are",
                hint="this is a defect: please report it",
            )
        return merged

    def _streamed(self, group: Sequence[Segment], name: str) -> Segment:
        ordered = sorted(group, key=lambda each: each.min_us)
        try:
            with Merge([self._files.root / segment.path for segment in ordered]) as merge:
                return stream_segment(self._files, name, group[0].tenant, merge.columns(), merge.row_groups())
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"cannot merge {len(group)} segments: {error}", hint="look at the disk") from error

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
        path = self._files.root / segment.path
        try:
            yield from runs_of(path)
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"cannot read {path}: {error}", hint="look at the disk") from error


def next_group(segments: Sequence[Segment]) -> list[Segment] | None:
    """The small segments to merge next: neighbours in time of one tenant and tier, at least as many as make it
    worthwhile."""
    ready = _ready(segments)
    return _filling(ready[min(ready, key=lambda each: each[1])], _FULL) if ready else None


def busy_tenants(segments: Sequence[Segment]) -> list[Tenant]:
    """Those for whose segments `next_group` has something to say."""
    return list(dict.fromkeys(tenant for tenant, _ in _ready(segments)))


def _ready(segments: Sequence[Segment]) -> dict[tuple[Tenant, int], list[Segment]]:
    """Small ones by tenant and tier, where they are enough."""
    tiers: dict[tuple[Tenant, int], list[Segment]] = {}
    for segment in filter(_is_small, segments):
        tiers.setdefault((segment.tenant, _tier(segment)), []).append(segment)
    return {place: group for place, group in tiers.items() if len(group) >= _FAN_IN}


def next_large_group(segments: Sequence[Segment]) -> list[Segment] | None:
    """The full segments to merge next: neighbours in time of one tenant that make a large one. As `next_group` while
    there are small ones to merge."""
    if group := next_group(segments):
        return group
    for full in _by_tenant(segment for segment in segments if not _is_small(segment)):
        chosen = _filling(_fitting(full), _LARGE)
        if len(chosen) >= _FAN_IN and _is_as_large_as(chosen, _LARGE):
            return chosen
    return None


def next_or_rest(segments: Sequence[Segment]) -> list[Segment] | None:
    """As `next_large_group`; when that has nothing to say, neighbours of one tenant, however few and of whatever
    tier."""
    if group := next_large_group(segments):
        return group
    small = [_filling(group, _FULL) for group in _by_tenant(filter(_is_small, segments))]
    every = [
        _filling(_fitting(group), _LARGE) for group in _by_tenant(each for each in segments if not _is_heavy(each))
    ]
    return next((chosen for chosen in (*small, *every) if len(chosen) > 1), None)


class _Size(Struct, frozen=True):
    events: int
    size_bytes: int
    plain_bytes: float = math.inf


_FULL, _LARGE = _Size(_FULL_EVENTS, _FULL_BYTES, _FULL_PLAIN_BYTES), _Size(_LARGE_EVENTS, _LARGE_BYTES)


def _is_small(segment: Segment) -> bool:
    return not _is_as_large_as([segment], _FULL)


def _is_as_large_as(group: Sequence[Segment], size: _Size) -> bool:
    return (
        sum(segment.events for segment in group) >= size.events
        or sum(segment.size_bytes for segment in group) >= size.size_bytes
        or sum(map(_plain_bytes, group)) >= size.plain_bytes
    )


def _by_tenant(segments: Iterable[Segment]) -> list[list[Segment]]:
    tenants: dict[str, list[Segment]] = {}
    for segment in segments:
        tenants.setdefault(segment.tenant, []).append(segment)
    return list(tenants.values())


def _filling(group: Sequence[Segment], size: _Size) -> list[Segment]:
    """The oldest of the group, as many as reach a size: two at least, where there are two."""
    chosen: list[Segment] = []
    for segment in sorted(group, key=lambda segment: segment.min_us)[:_MOST_FILES]:
        if len(chosen) > 1 and _is_as_large_as(chosen, size):
            break
        chosen.append(segment)
    return chosen


def _fitting(group: Sequence[Segment]) -> list[Segment]:
    """Those of the group that have room for their columns in the file of the oldest."""
    fitting: list[Segment] = []
    columns: dict[str, str] = {}
    for segment in sorted(group, key=lambda segment: segment.min_us):
        # By spelling without case: see `tables.arranged`.
        own = {name.casefold(): name for name in segment.columns}
        wanted = columns | own
        if len(wanted) <= MOST_COLUMNS and all(columns.get(key, name) == name for key, name in own.items()):
            columns = wanted
            fitting.append(segment)
    return fitting


def _is_mergeable(segment: Segment) -> bool:
    return segment.size_bytes < _LARGE_BYTES // 2 and (_is_small(segment) or not _is_heavy(segment))


def _is_heavy(segment: Segment) -> bool:
    return _plain_bytes(segment) > segment.events * _MOST_PLAIN_BYTES


def _plain_bytes(segment: Segment) -> int:
    return segment.size_bytes if segment.plain_bytes is None else segment.plain_bytes


def _tier(segment: Segment) -> int:
    """The power of eight below its number of events."""
    return (segment.events.bit_length() - 1) // 3
