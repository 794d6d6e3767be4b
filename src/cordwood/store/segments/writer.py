"""Loads → Parquet files → one catalog transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import duckdb
import structlog
from msgspec import Struct
from msgspec.structs import replace

from cordwood.clock import Clock
from cordwood.errors import Refused, Unavailable
from cordwood.model.action import Action
from cordwood.model.ledger import DAY_US
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Replay, Written
from cordwood.store.outcomes import outcomes
from cordwood.store.segments.catalog import BatchEntry, Catalog, Known, Segment, Stock
from cordwood.store.segments.copying import Staged, derived_in_python, select_events, staged
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import PARQUET_OPTIONS, Directory, digest_of, quoted
from cordwood.store.slices import HOUR_US, slice_of

log = structlog.get_logger()

_ATTEMPTS = 5
_FEW_EVENTS = 2000
"""Fewer than this are derived in Python: for the engine, planning costs more than that."""
# Each batch's span in each hour. Hours are counted by floor division, as the catalog does, also before 1970.
_MEASURE = f"""SELECT batch_id, epoch_us(ts) // {HOUR_US}, count(*), min(epoch_us(ts)), max(epoch_us(ts))
    FROM read_parquet($1) GROUP BY ALL"""


Spans = Mapping[UUID, tuple[int, int]]
"""First and last timestamp of each batch's events, µs."""


class _File(Struct, frozen=True):
    """A segment that is on the disk and in no catalog yet."""

    segment: Segment
    spans: dict[UUID, tuple[int, int]]
    """First and last timestamp of each batch, µs."""
    moments: list[int]
    """A timestamp of each hour that has events, µs."""
    days: Counter[tuple[Tenant, int]]
    """How many events there are of each day."""


class SegmentWriter:
    """Synchronous; call it in a thread, from several at once if you like."""

    def __init__(self, directory: Directory, catalog: Catalog, engine: Engine, clock: Clock) -> None:
        self._directory = directory
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._doubtful: list[str] = []

    def write(self, loads: Sequence[Load]) -> list[Written]:
        """See `store.interface.Writer.write`. Raises Refused, Unavailable."""
        for _ in range(_ATTEMPTS):
            fresh = self._fresh(loads)
            repeated = self._repeated(fresh.values())
            try:
                self._write_fresh(list(fresh.values()), repeated)
            except Known:
                continue  # another task has just stored one of these: look again, without it
            return outcomes(loads, fresh.keys(), repeated)
        raise Unavailable("the same batches are being stored by somebody else", hint="this mends itself")

    def probe(self, load: Load, first: int, count: int) -> None:
        """See `store.interface.Writer.probe`. Raises Refused, Unavailable."""
        lines = load.ndjson.split(b"\n")[first : first + count]
        ndjson = b"".join(line + b"\n" for line in lines)
        header = replace(load.batch.header, events=len(lines), size_bytes=len(ndjson))
        part = Load(replace(load.batch, header=header), ndjson)
        with (
            staged(self._directory.staging, [part], self._clock) as source,
            self._engine.cursor(must_finish=True) as cursor,
        ):
            sql, values = select_events(source, self._clock.now_us(), derived_in_python([part]))
            # Every column is made, as a write would; hashed, so that none is left out.
            rows = cursor.execute(f"SELECT hash(batch_id, ordinal, ts, level, service, raw) FROM ({sql})", values)
            found = len(rows.fetchall())
        _check_count(found, source)

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

    def _write_fresh(self, loads: Sequence[Load], repeated: Mapping[UUID, UUID]) -> None:
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

        self._store(alive, commit)

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

        self._store([replay.load for replay in replays], commit)
        return counts.total()

    def _store(self, loads: Sequence[Load], commit: Callable[[Stock, Spans, int], None]) -> None:
        """A file for each tenant, then the transaction that names them: `commit`, which may raise Known."""
        now_us = self._clock.now_us()
        by_tenant: dict[Tenant, list[Load]] = {}
        for load in loads:
            by_tenant.setdefault(load.batch.header.tenant, []).append(load)
        files: list[_File] = []
        with ExitStack() as undo:
            for tenant, owned in by_tenant.items():
                name = self._directory.new_segment(tenant, now_us, self._clock.batch_id())
                undo.callback((self._directory.root / name).unlink, missing_ok=True)
                files.append(self._write_file(name, tenant, owned, now_us))
            stock = Stock(
                [file.segment for file in files],
                {file.segment.tenant: {slice_of(moment, now_us) for moment in file.moments} for file in files},
                sum((file.days for file in files), Counter()),
            )
            try:
                commit(stock, {batch_id: span for file in files for batch_id, span in file.spans.items()}, now_us)
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
                (self._directory.root / path).unlink(missing_ok=True)

    def _write_file(self, name: str, tenant: Tenant, loads: Sequence[Load], now_us: int) -> _File:
        path = self._directory.root / name
        with (
            staged(self._directory.staging, loads, self._clock) as source,
            self._engine.cursor(must_finish=True) as cursor,
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(cursor, source, loads, path, now_us)
            rows = cursor.execute(_MEASURE, [str(path)]).fetchall()
            _check_count(sum(row[2] for row in rows), source)
            self._directory.make_durable(path)
            size_bytes, digest = path.stat().st_size, digest_of(path)
        spans: dict[UUID, tuple[int, int]] = {}
        for batch_id, _, _, first, last in rows:
            known = spans.get(batch_id, (first, last))
            spans[batch_id] = min(known[0], first), max(known[1], last)
        segment = Segment(
            name, tenant, source.events, size_bytes, min(row[3] for row in rows), max(row[4] for row in rows),
            digest,
        )  # fmt: skip
        days: Counter[tuple[Tenant, int]] = Counter()
        for _, _, count, _, last in rows:
            days[tenant, last // DAY_US] += count
        return _File(segment, spans, [row[4] for row in rows], days)


def _copy(cursor: duckdb.DuckDBPyConnection, source: Staged, loads: Sequence[Load], path: Path, now_us: int) -> None:
    """Write the file. Raises duckdb.Error, Refused."""
    if source.events >= _FEW_EVENTS:
        try:
            sql, values = select_events(source, now_us, None)
            cursor.execute(f"COPY ({sql}) TO {quoted(path)} ({PARQUET_OPTIONS})", values)
        except duckdb.InvalidInputException:
            # Most likely an event repeats a key. If something else is wrong, the other way says so as well.
            log.debug("events_derived_in_python", events=source.events)
        else:
            return
    sql, values = select_events(source, now_us, derived_in_python(loads))
    cursor.execute(f"COPY ({sql}) TO {quoted(path)} ({PARQUET_OPTIONS})", values)


def _check_count(found: int, source: Staged) -> None:
    if found != source.events:
        raise Refused(f"{source.events} events read back as {found}", hint="this is a defect: please report it")


def _entry(load: Load, span: tuple[int, int] | None, repeated: Mapping[UUID, UUID]) -> BatchEntry:
    header = load.batch.header
    if header.id in repeated:
        return BatchEntry(header, 0, (), None, None, repeated[header.id])
    first, last = span or (None, None)
    return BatchEntry(header, header.events - load.dead_events, load.dead, first, last, None)
