"""Events removed by retention and by people: whole segments, or segments written anew without them."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import structlog
from numpy.typing import NDArray

from cordwood.clock import Clock
from cordwood.errors import Corrupt, Unavailable
from cordwood.language.rendering import render_filter
from cordwood.model.action import Action, ActionKind
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.store.segments.asking.places import kept
from cordwood.store.segments.catalog_entries import Cut, Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.filter_sql import Conditions
from cordwood.store.segments.health import damage
from cordwood.store.segments.making import stream_segment
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.parquet import columns_in
from cordwood.store.segments.runs import completed

log = structlog.get_logger()

Places: TypeAlias = NDArray[np.int64]


class SegmentEraser:
    """Synchronous; call it in a thread, one at a time, and not beside merging."""

    def __init__(self, files: Files, catalog: Changing, engine: Engine, clock: Clock) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine
        self._clock = clock

    def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        """See `store.interface.Eraser.delete`. All segments change in one transaction."""
        detail = {"query": render_filter(plan.filter)}
        segments = self._catalog.segments(tenant, plan.start_us, plan.end_us)
        return self._remove(segments, plan, tenant, "delete", actor, detail, dry_run=dry_run)

    def expire(self, retention: Retention) -> int:
        """See `store.interface.Eraser.expire`. A segment that is partly due is written anew once a day at most."""
        now_us = self._clock.now_us()
        removed = 0
        damaged = self._catalog.damaged()
        due: dict[tuple[Tenant, int], list[Segment]] = {}
        for segment in self._catalog.all_segments(None):
            cutoff_us = retention.cutoff_us(segment.tenant, now_us)
            if cutoff_us is not None and segment.min_us < cutoff_us and segment.path not in damaged:
                due.setdefault((segment.tenant, cutoff_us), []).append(segment)
        for (tenant, cutoff_us), segments in due.items():
            detail = {"before_us": str(cutoff_us)}
            removed += self._remove(
                segments, Plan(end_us=cutoff_us), tenant, "expire", "retention", detail, dry_run=False
            )
        return removed

    def _remove(
        self,
        segments: Sequence[Segment],
        plan: Plan,
        tenant: Tenant,
        kind: ActionKind,
        actor: str,
        detail: dict[str, str],
        *,
        dry_run: bool,
    ) -> int:
        now_us = self._clock.now_us()
        with ExitStack() as undo:
            cuts: list[Cut] = []
            total: Counter[int] = Counter()
            for segment in segments:
                with self._files.hold([segment], is_kept=False) as hold:
                    with contextlib.suppress(OSError):  # why, is found out next
                        hold.fetch()
                    places, gone = self._matching(segment, plan)
                    total += gone
                    if gone and not dry_run:
                        cuts.append(Cut(segment, self._rest(segment, places, now_us, undo)))
            events = total.total()
            if not cuts:
                return events
            action = Action(
                id=self._clock.batch_id(), tenant=tenant, at_us=now_us, actor=actor, action=kind, events=events,
                detail=detail,
            )  # fmt: skip
            # From here on the new files stay even if this fails: whether it is committed may be unknown.
            undo.pop_all()
            self._catalog.erase(cuts, total, action)
        log.info("events_removed", tenant=tenant, by=kind, events=events, segments=len(cuts))
        return events

    def _matching(self, segment: Segment, plan: Plan) -> tuple[Places, Counter[int]]:
        """The row numbers of the events that match, and how many there are of each day."""
        # Written anew, damaged bytes would look well.
        if (reason := damage(self._engine, self._files, segment)) is not None:
            self._catalog.note_damage(segment.path, reason, self._clock.now_us())
            raise Corrupt(
                f"segment {segment.path} may hold some of these events, and cannot be read: {reason}",
                hint="restore this file from a backup, then ask again; nothing was removed",
            )
        conditions = Conditions()
        conditions.between(plan.start_us, plan.end_us)
        conditions.matching(plan.filter, kept(segment, plan.filter))
        sql = f"""SELECT file_row_number AS place, epoch_us(ts) // {DAY_US} AS day
            FROM read_parquet($file, file_row_number = true) {conditions.where}"""
        values = conditions.values | {"file": str(self._files.root / segment.path)}
        with self._engine.cursor() as cursor:
            found = cursor.execute(sql, values).fetchnumpy()
        days, counts = np.unique(found["day"], return_counts=True)
        return found["place"], Counter(dict(zip(days.tolist(), counts.tolist(), strict=True)))

    def _rest(self, segment: Segment, gone: Places, now_us: int, undo: ExitStack) -> Segment | None:
        if len(gone) == segment.events:
            return None
        name = self._files.new_segment(segment.tenant, now_us, self._clock.batch_id())
        path = self._files.root / segment.path
        undo.callback(self._files.remove, name)
        try:
            with pq.ParquetFile(path) as file:
                columns = columns_in(file)
                made = stream_segment(self._files, name, segment.tenant, columns, _without(file, gone))
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"cannot read {path}: {error}", hint="look at the disk") from error
        if made.events != segment.events - len(gone):
            raise Unavailable(f"writing {segment.path} anew kept {made.events} events of {segment.events - len(gone)}")
        return made


def _without(file: pq.ParquetFile, gone: Places) -> Iterator[list[pa.Table]]:
    """The row groups of a file but some of its rows."""
    is_kept = np.ones(file.metadata.num_rows, np.bool_)
    is_kept[gone] = False
    first = 0
    for number in range(file.num_row_groups):
        behind = first + file.metadata.row_group(number).num_rows
        if is_kept[first:behind].any():
            yield [completed(file.read_row_group(number)).filter(pa.array(is_kept[first:behind]))]
        first = behind
