"""Loads → Parquet files → one catalog transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.model.action import Action
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Replay, Written
from cordwood.store.outcomes import outcomes
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import BatchEntry, Known, Segment, Stock
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.making import make_segment
from cordwood.store.segments.tables import Made, Spans, tables_of
from cordwood.store.slices import slices_of

_ATTEMPTS = 5


class _File(Struct, frozen=True):
    """A segment that is on the disk and in no catalog yet."""

    segment: Segment
    made: Made


class SegmentWriter:
    """Synchronous; call it in a thread, from several at once if you like."""

    def __init__(self, directory: Directory, catalog: Catalog, clock: Clock) -> None:
        self._directory = directory
        self._catalog = catalog
        self._clock = clock
        self._doubtful: list[str] = []

    def write(self, loads: Sequence[Load]) -> list[Written]:
        """See `store.interface.Writer.write`. Raises Refused, Unavailable."""
        now_us = self._clock.now_us()
        for _ in range(_ATTEMPTS):
            fresh = self._fresh(loads)
            repeated = self._repeated(fresh.values())
            try:
                self._write_fresh(list(fresh.values()), repeated, now_us)
            except Known:
                continue  # another task has just stored one of these: look again, without it
            return outcomes(loads, fresh.keys(), repeated, now_us)
        raise Unavailable("the same batches are being stored by somebody else", hint="this mends itself")

    def probe(self, load: Load, first: int, count: int) -> None:
        """See `store.interface.Writer.probe`. Raises Refused, Unavailable."""
        try_out(load, self._clock.now_us(), first, count)

    def _fresh(self, loads: Sequence[Load]) -> dict[UUID, Load]:
        """The first load of each batch id that the catalog lacks. Its constraint has the last word."""
        known = self._catalog.known([load.batch.header for load in loads])
        fresh: dict[UUID, Load] = {}
        for load in loads:
            if load.batch.header.id not in known:
                fresh.setdefault(load.batch.header.id, load)
        return fresh

    def _repeated(self, loads: Iterable[Load]) -> dict[UUID, UUID]:
        """Batches that repeat an earlier one's request, and that one. The catalog has the last word here too."""
        marked = [(load.batch.header, mark) for load in loads if (mark := load.batch.header.idempotency) is not None]
        first = self._catalog.first_of([(header.tenant, mark) for header, mark in marked]) if marked else {}
        repeated: dict[UUID, UUID] = {}
        for header, mark in marked:
            original = first.setdefault((header.tenant, mark), header.id)
            if original != header.id:
                repeated[header.id] = original
        return repeated

    def _write_fresh(self, loads: Sequence[Load], repeated: Mapping[UUID, UUID], now_us: int) -> None:
        """All or nothing. Raises Known."""
        if not loads:
            return
        alive = [
            load
            for load in loads
            if load.batch.header.id not in repeated and load.batch.header.events > load.dead_events
        ]

        def commit(stock: Stock, spans: Spans, now_us: int) -> None:
            entries = [_entry(load, spans.get(load.batch.header.id), repeated) for load in loads]
            self._catalog.commit(entries, stock, now_us)

        self._store(alive, commit, now_us)

    def replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        """See `store.interface.DeadLetters.replay`. Raises Refused, Unavailable."""
        for _ in range(_ATTEMPTS):
            waiting = self._catalog.waiting_letters(tenant, [replay.letter for replay in replays])
            chosen = [replay for replay in replays if replay.letter in waiting]
            if not chosen:
                return 0
            try:
                return self._replay(tenant, chosen, actor)
            except Known:
                continue  # somebody else has just replayed or discarded one of these
        raise Unavailable("the same dead letters are being replayed by somebody else", hint="this mends itself")

    def _replay(self, tenant: Tenant, replays: Sequence[Replay], actor: str) -> int:
        counts: Counter[UUID] = Counter()
        for replay in replays:
            counts[replay.load.batch.header.id] += replay.load.batch.header.events
        action = Action(
            id=self._clock.batch_id(),
            tenant=tenant,
            at_us=self._clock.now_us(),
            actor=actor,
            action="replay",
            events=counts.total(),
            detail={"letters": str(len(replays))},
        )

        def commit(stock: Stock, spans: Spans, now_us: int) -> None:
            moved = [(batch_id, count, *spans[batch_id]) for batch_id, count in counts.items()]
            self._catalog.replay([replay.letter for replay in replays], moved, stock, action, now_us)

        self._store([replay.load for replay in replays], commit, self._clock.now_us())
        return counts.total()

    def _store(self, loads: Sequence[Load], commit: Callable[[Stock, Spans, int], None], now_us: int) -> None:
        """A file for each tenant, then the transaction that names them: `commit`, which may raise Known."""
        by_tenant: dict[Tenant, list[Load]] = {}
        for load in loads:
            by_tenant.setdefault(load.batch.header.tenant, []).append(load)
        files: list[_File] = []
        with ExitStack() as undo:
            for tenant, owned in by_tenant.items():
                name = self._directory.new_segment(tenant, now_us, self._clock.batch_id())
                undo.callback(self._directory.remove, name)
                files.append(self._write_file(name, tenant, owned, now_us))
            stock = Stock(
                [file.segment for file in files],
                {file.segment.tenant: slices_of(file.made.hours, now_us) for file in files},
                {(file.segment.tenant, day): count for file in files for day, count in file.made.days.items()},
            )
            try:
                commit(stock, {batch_id: span for file in files for batch_id, span in file.made.spans.items()}, now_us)
            except Unavailable:
                # Whether it is committed may be unknown until the next commit: a file must not go before that.
                self._doubtful += [file.segment.path for file in files]
                undo.pop_all()
                raise
            undo.pop_all()
        self._settle_doubts()

    def _settle_doubts(self) -> None:
        """After a commit that worked: what an earlier one left unsaid is known now."""
        while self._doubtful:
            path = self._doubtful.pop()
            if not self._catalog.names(path):
                self._directory.remove(path)

    def _write_file(self, name: str, tenant: Tenant, loads: Sequence[Load], now_us: int) -> _File:
        made = tables_of(loads, now_us)
        return _File(make_segment(self._directory, name, tenant, made.tables), made)


def try_out(load: Load, now_us: int, first: int, count: int) -> None:
    """Make what a segment would have of some of a load's events, and leave it at that. Raises Refused."""
    lines = load.ndjson.split(b"\n")[first : first + count]
    ndjson = b"".join(line + b"\n" for line in lines)
    header = replace(load.batch.header, events=len(lines), size_bytes=len(ndjson))
    tables_of([Load(replace(load.batch, header=header), ndjson)], now_us)


def _entry(load: Load, span: tuple[int, int] | None, repeated: Mapping[UUID, UUID]) -> BatchEntry:
    header = load.batch.header
    if header.id in repeated:
        return BatchEntry(header, 0, (), None, None, repeated[header.id])
    first, last = span or (None, None)
    return BatchEntry(header, header.events - load.dead_events, load.dead, first, last, None)
