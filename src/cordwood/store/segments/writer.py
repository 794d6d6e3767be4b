"""Loads → Parquet files → one catalog transaction."""

import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from uuid import UUID

import duckdb
import structlog

from cordwood.clock import SystemClock
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Written
from cordwood.store.outcomes import outcomes
from cordwood.store.segments.catalog import BatchEntry, Catalog, Known, Segment
from cordwood.store.segments.derive_sql import EXTRACTED, LEVEL, SERVICE, TIMESTAMP_US
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import PARQUET_OPTIONS, Directory, sync
from cordwood.store.slices import slice_of

log = structlog.get_logger()

_ATTEMPTS = 5


class SegmentWriter:
    """Synchronous; call it in a thread, from several at once if you like."""

    def __init__(self, directory: Directory, catalog: Catalog, engine: Engine) -> None:
        self._directory = directory
        self._catalog = catalog
        self._engine = engine
        self._clock = SystemClock()

    def write(self, loads: Sequence[Load]) -> list[Written]:
        """See `store.interface.Writer.write`. Raises Refused, Unavailable."""
        for _ in range(_ATTEMPTS):
            fresh = self._fresh(loads)
            try:
                self._write_fresh(list(fresh.values()))
            except Known:
                continue  # another task has just stored one of these: look again, without it
            return outcomes(loads, fresh.keys())
        raise Unavailable("the same batches are being stored by somebody else", hint="this mends itself")

    def probe(self, lines: Sequence[bytes]) -> None:
        """Raise Refused when these events cannot be stored."""
        ndjson = b"".join(line + b"\n" for line in lines)
        staged = self._stage(ndjson, ".ndjson")
        try:
            with self._engine.cursor() as cursor:
                source = _lines(staged, len(ndjson))
                cursor.execute(f"SELECT max(hash(v)) FROM (SELECT {EXTRACTED} AS v FROM ({source}))").fetchall()
        finally:
            staged.unlink()

    def _fresh(self, loads: Sequence[Load]) -> dict[UUID, Load]:
        """The first load of each batch id that the catalog lacks. Its constraint has the last word."""
        known = self._catalog.known([load.batch.header.id for load in loads])
        fresh: dict[UUID, Load] = {}
        for load in loads:
            if load.batch.header.id not in known:
                fresh.setdefault(load.batch.header.id, load)
        return fresh

    def _write_fresh(self, loads: Sequence[Load]) -> None:
        now_us = time.time_ns() // 1_000
        by_tenant: dict[Tenant, list[Load]] = {}
        for load in loads:
            by_tenant.setdefault(load.batch.header.tenant, []).append(load)
        entries: list[BatchEntry] = []
        segments: list[Segment] = []
        slices: dict[Tenant, set[int]] = {}
        try:
            for tenant, owned in by_tenant.items():
                spans: dict[UUID, tuple[int, int]] = {}
                if any(load.batch.header.events > len(load.dead) for load in owned):
                    segment, spans, hours = self._write_segment(tenant, owned, now_us)
                    segments.append(segment)
                    slices[tenant] = {slice_of(hour, now_us) for hour in hours}
                for load in owned:
                    first, last = spans.get(load.batch.header.id, (None, None))
                    stored = load.batch.header.events - len(load.dead)
                    entries.append(BatchEntry(load.batch.header, stored, load.dead, first, last))
            self._catalog.commit(entries, segments, slices, now_us)
        except BaseException:
            for segment in segments:
                (self._directory.root / segment.path).unlink(missing_ok=True)
            raise

    def _write_segment(
        self, tenant: Tenant, loads: Sequence[Load], now_us: int
    ) -> tuple[Segment, dict[UUID, tuple[int, int]], list[int]]:
        """One synced file of all loads; also each batch's first and last timestamp, and the hours touched."""
        name = self._directory.new_segment(tenant, now_us, self._clock.batch_id())
        path = self._directory.root / name
        # The bodies as they travelled: concatenated zstd frames are one zstd stream (RFC 8878 §3.1).
        staged = self._stage(b"".join(load.batch.body for load in loads), ".ndjson.zst")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.cursor() as cursor:
                self._copy(cursor, staged, path, loads, now_us)
                expected = sum(load.batch.header.events - len(load.dead) for load in loads)
                segment, spans = _measured(cursor, path, name, tenant, expected)
                hours = [row[0] for row in cursor.execute(_HOURS, [str(path)]).fetchall()]
            sync(path)
            for parent in path.parents:
                sync(parent)
                if parent == self._directory.root:
                    break
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Unavailable(
                f"cannot write {path}: {error.strerror}", hint="free disk space, or look at it"
            ) from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            staged.unlink()
        return segment, spans, hours

    def _copy(
        self, cursor: duckdb.DuckDBPyConnection, staged: Path, path: Path, loads: Sequence[Load], now_us: int
    ) -> None:
        headers = [load.batch.header for load in loads]
        lines = _lines(staged, max(header.size_bytes for header in headers))
        starts = list(accumulate((header.events for header in headers), initial=0))
        dead = [start + letter.ordinal for start, load in zip(starts, loads, strict=False) for letter in load.dead]
        values: dict[str, object] = {"now": now_us}
        if len(loads) == 1:
            source = f"""SELECT $batch::UUID AS batch_id, n AS ordinal, $received AS received_us, raw, n
                FROM ({lines})"""
            values |= {"batch": str(headers[0].id), "received": headers[0].received_at_us}
        else:
            source = f"""SELECT b.batch_id, n - b.start AS ordinal, b.received_us, raw, n
                FROM ({lines}) ASOF JOIN (SELECT unnest($starts::BIGINT[]) AS start,
                    unnest($batches::UUID[]) AS batch_id, unnest($received::BIGINT[]) AS received_us) b
                ON n >= b.start"""
            values |= {
                "starts": starts[:-1],
                "batches": [str(header.id) for header in headers],
                "received": [header.received_at_us for header in headers],
            }
        if dead:
            source = f"SELECT * FROM ({source}) WHERE n NOT IN (SELECT unnest($dead::BIGINT[]))"
            values["dead"] = dead
        cursor.execute(
            f"""COPY (
                SELECT batch_id, ordinal::UINTEGER AS ordinal,
                    make_timestamptz(coalesce({TIMESTAMP_US}, received_us)) AS ts,
                    make_timestamptz($now::BIGINT) AS inserted_at,
                    {LEVEL} AS level, {SERVICE} AS service, raw
                FROM (SELECT *, {EXTRACTED} AS v FROM ({source}))
            ) TO '{_quoted(path)}' ({PARQUET_OPTIONS})""",
            values,
        )

    def _stage(self, content: bytes, suffix: str) -> Path:
        staged = self._directory.staging / f"{self._clock.batch_id()}{suffix}"
        try:
            staged.write_bytes(content)
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise Unavailable(f"cannot write {staged}: {error.strerror}", hint="free disk space") from error
        return staged


_SPANS = """SELECT batch_id, count(*), epoch_us(min(ts)), epoch_us(max(ts)) FROM read_parquet($1) GROUP BY batch_id"""
# Hours are counted by floor division, as the catalog does, also before 1970.
_HOURS = """SELECT max(epoch_us(ts)) FROM read_parquet($1) GROUP BY epoch_us(ts) // 3600000000"""


def _measured(
    cursor: duckdb.DuckDBPyConnection, path: Path, name: str, tenant: Tenant, expected: int
) -> tuple[Segment, dict[UUID, tuple[int, int]]]:
    """Read the new file back: it must hold every event, and says what the catalog keeps of it."""
    rows = cursor.execute(_SPANS, [str(path)]).fetchall()
    events = sum(row[1] for row in rows)
    if events != expected:
        raise Unavailable(f"{path} holds {events} events of {expected}", hint="this is a defect: the batches are kept")
    segment = Segment(
        name, tenant, events, path.stat().st_size, min(row[2] for row in rows), max(row[3] for row in rows)
    )
    return segment, {row[0]: (row[2], row[3]) for row in rows}


def _lines(staged: Path, size_bytes: int) -> str:
    """Every line with its number from 0. `size_bytes` bounds a line: the engine sets aside twice that."""
    return f"""SELECT json AS raw, row_number() OVER () - 1 AS n
        FROM read_ndjson_objects('{_quoted(staged)}', maximum_object_size = {size_bytes})"""


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
