"""Events removed by retention and by people: whole segments, or segments written anew without them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import structlog
from msgspec import Struct

from cordwood.clock import Clock
from cordwood.errors import Corrupt, Unavailable
from cordwood.model.action import Action, ActionKind
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Catalog, Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.filter_sql import Conditions
from cordwood.store.segments.health import damage
from cordwood.store.segments.layout import COLUMNS, PARQUET_OPTIONS, Directory, digest_of, quoted

log = structlog.get_logger()


class _Cut(Struct, frozen=True):
    """A segment, what of it goes by day, and the one that keeps the rest; None when all of it goes."""

    old: Segment
    gone: Counter[int]
    rest: Segment | None


class SegmentEraser:
    """Synchronous; call it in a thread, one at a time, and not beside merging."""

    def __init__(self, directory: Directory, catalog: Catalog, engine: Engine, clock: Clock) -> None:
        self._directory = directory
        self._catalog = catalog
        self._engine = engine
        self._clock = clock

    def delete(self, plan: Plan, tenant: Tenant, actor: str, *, dry_run: bool) -> int:
        """See `store.interface.Eraser.delete`. All segments change in one transaction."""
        conditions = Conditions()
        conditions.between(plan.start_us, plan.end_us)
        conditions.matching(plan)
        detail = {"filters": " ".join(f"{each.field}:{each.text}" for each in plan.filters)}
        segments = self._catalog.segments(tenant, plan.start_us, plan.end_us)
        return self._remove(segments, conditions, tenant, "delete", actor, detail, dry_run=dry_run)

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
            conditions = Conditions()
            conditions.between(None, cutoff_us)
            detail = {"before_us": str(cutoff_us)}
            removed += self._remove(segments, conditions, tenant, "expire", "retention", detail, dry_run=False)
        return removed

    def _remove(
        self,
        segments: Sequence[Segment],
        conditions: Conditions,
        tenant: Tenant,
        kind: ActionKind,
        actor: str,
        detail: dict[str, str],
        *,
        dry_run: bool,
    ) -> int:
        now_us = self._clock.now_us()
        with ExitStack() as undo:
            cuts: list[_Cut] = []
            for segment in segments:
                gone = self._matching(segment, conditions)
                if gone and not dry_run:
                    cuts.append(_Cut(segment, gone, self._rest(segment, gone.total(), conditions, now_us, undo)))
                elif gone:
                    cuts.append(_Cut(segment, gone, None))
            events = sum(cut.gone.total() for cut in cuts)
            if dry_run or not cuts:
                return events
            action = Action(
                id=self._clock.batch_id(), tenant=tenant, at_us=now_us, actor=actor, action=kind, events=events,
                detail=detail,
            )  # fmt: skip
            rest = [cut.rest for cut in cuts if cut.rest is not None]
            # From here on the new files stay even if this fails: whether it is committed may be unknown.
            undo.pop_all()
            self._catalog.erase([cut.old for cut in cuts], rest, sum((cut.gone for cut in cuts), Counter()), action)
        log.info("events_removed", tenant=tenant, by=kind, events=events, segments=len(cuts))
        return events

    def _matching(self, segment: Segment, conditions: Conditions) -> Counter[int]:
        """How many events of each day match."""
        # Written anew, damaged bytes would look well.
        if (reason := damage(self._engine, self._directory.root, segment)) is not None:
            self._catalog.note_damage(segment.path, reason, self._clock.now_us())
            raise Corrupt(
                f"segment {segment.path} may hold some of these events, and cannot be read: {reason}",
                hint="restore this file from a backup, then ask again; nothing was removed",
            )
        sql = f"""SELECT epoch_us(ts) // {DAY_US}, count(*) FROM read_parquet($file) {conditions.where} GROUP BY ALL"""
        with self._engine.cursor() as cursor:
            rows = cursor.execute(
                sql, conditions.values | {"file": str(self._directory.root / segment.path)}
            ).fetchall()
        return Counter({int(day): count for day, count in rows})

    def _rest(
        self, segment: Segment, gone: int, conditions: Conditions, now_us: int, undo: ExitStack
    ) -> Segment | None:
        if gone == segment.events:
            return None
        name = self._directory.new_segment(segment.tenant, now_us, self._clock.batch_id())
        path = self._directory.root / name
        undo.callback(path.unlink, missing_ok=True)
        keep = f"WHERE ({conditions.where.removeprefix('WHERE ')}) IS NOT TRUE"
        values = conditions.values | {"file": str(self._directory.root / segment.path)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.cursor() as cursor:
                source = f"SELECT {', '.join(COLUMNS)} FROM read_parquet($file) {keep}"
                cursor.execute(f"COPY ({source}) TO {quoted(path)} ({PARQUET_OPTIONS})", values)
                sql = "SELECT count(*), epoch_us(min(ts)), epoch_us(max(ts)) FROM read_parquet($1)"
                ((events, min_us, max_us),) = cursor.execute(sql, [str(path)]).fetchall()
            self._directory.make_durable(path)
            made = Segment(name, segment.tenant, events, path.stat().st_size, min_us, max_us, digest_of(path))
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}", hint="free disk space") from error
        if events != segment.events - gone:
            raise Unavailable(f"writing {segment.path} anew kept {events} events of {segment.events - gone}")
        return made
