"""Many small segments → few large ones: the same events, sorted by time."""

import time
from collections.abc import Sequence

import structlog

from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.store.segments.catalog import Catalog, Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import COLUMNS, PARQUET_OPTIONS, Directory, sync

log = structlog.get_logger()

_FAN_IN = 8
"""Segments of one tier that are merged into one of the next: each event is rewritten about log8(n) times."""
_MAX_FAN_IN = 64
_FULL_EVENTS = 500_000
"""A segment this large is left alone."""


class Compactor:
    """Synchronous; call it in a thread, one at a time."""

    def __init__(self, directory: Directory, catalog: Catalog, engine: Engine) -> None:
        self._directory = directory
        self._catalog = catalog
        self._engine = engine
        self._clock = SystemClock()

    def merge_one(self) -> bool:
        """Merge one group of small segments, the smallest tier first; False when there is none. Raises Unavailable."""
        group = _next_group(self._catalog.all_segments())
        if group is None:
            return False
        started = time.perf_counter()
        now_us = time.time_ns() // 1_000
        tenant, events = group[0].tenant, sum(segment.events for segment in group)
        name = self._directory.new_segment(tenant, now_us, self._clock.batch_id())
        path = self._directory.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.cursor() as cursor:
                target = str(path).replace("'", "''")
                cursor.execute(
                    f"""COPY (SELECT {", ".join(COLUMNS)} FROM read_parquet($1) ORDER BY ts, batch_id, ordinal)
                        TO '{target}' ({PARQUET_OPTIONS})""",
                    [[str(self._directory.root / segment.path) for segment in group]],
                )
                (merged,) = cursor.execute("SELECT count(*) FROM read_parquet($1)", [str(path)]).fetchall()[0]
            if merged != events:
                raise Unavailable(f"merging {len(group)} segments kept {merged} events of {events}: left as they are")
            sync(path)
            for parent in path.parents:
                sync(parent)
                if parent == self._directory.root:
                    break
            new = Segment(
                name,
                tenant,
                events,
                path.stat().st_size,
                min(segment.min_us for segment in group),
                max(segment.max_us for segment in group),
            )
            self._catalog.swap(group, new, now_us)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Unavailable(f"cannot write {path}: {error.strerror}", hint="free disk space") from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        log.debug("segments_merged", tenant=tenant, segments=len(group), events=events, s=time.perf_counter() - started)
        return True

    def remove_garbage(self, grace_s: float) -> None:
        """Unlink what was replaced so long ago that no query can still read it."""
        paths = self._catalog.garbage(time.time_ns() // 1_000 - int(grace_s * 1e6))
        for path in paths:
            (self._directory.root / path).unlink(missing_ok=True)
        if paths:
            self._catalog.forget_garbage(paths)

    def sweep(self) -> None:
        """Unlink what a crash left: files that the catalog does not name. Only while no write can be under way."""
        named = self._catalog.named()
        for path in self._directory.segments.rglob("*.parquet"):
            if str(path.relative_to(self._directory.root)) not in named:
                log.info("orphan_removed", path=str(path))
                path.unlink()
        for path in self._directory.staging.iterdir():
            if path.is_file():
                path.unlink()


def _next_group(segments: Sequence[Segment]) -> list[Segment] | None:
    tiers: dict[tuple[str, int], list[Segment]] = {}
    for segment in segments:
        if segment.events < _FULL_EVENTS:
            tiers.setdefault((segment.tenant, _tier(segment)), []).append(segment)
    ready = [(tier, group) for (_, tier), group in tiers.items() if len(group) >= _FAN_IN]
    if not ready:
        return None
    _, group = min(ready, key=lambda each: each[0])
    return sorted(group, key=lambda segment: segment.min_us)[:_MAX_FAN_IN]


def _tier(segment: Segment) -> int:
    """The power of eight below its number of events."""
    return (segment.events.bit_length() - 1) // 3
