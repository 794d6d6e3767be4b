"""Plan → segments → events, newest first."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from cordwood.errors import CordwoodError, Corrupt
from cordwood.model.answer import Block, StoredEvent
from cordwood.model.batch import batch_of, event_id
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, Position, paths
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Catalog, Segment
from cordwood.store.segments.derive_sql import pointer
from cordwood.store.segments.engine import Engine, fetch, interrupting

_BLOCK = 1000
_FIRST_GROUP = 4
_SELECT = "SELECT batch_id, ordinal, epoch_us(ts), epoch_us(inserted_at), level, service, raw FROM read_parquet($files)"
_NEWEST_FIRST = "ORDER BY ts DESC, batch_id DESC, ordinal DESC"


class SegmentReader:
    """Answers from what the catalog names at the moment of asking."""

    def __init__(self, root: Path, catalog: Catalog, engine: Engine, timeout_s: float) -> None:
        self._root = root
        self._catalog = catalog
        self._engine = engine
        self._timeout_s = timeout_s

    async def read(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        """See `store.interface.Reader.read`. Raises Corrupt for a damaged segment, naming it."""
        end_us = plan.end_us
        if plan.after is not None:
            behind = plan.after.timestamp_us + 1
            end_us = behind if end_us is None else min(end_us, behind)
        segments = await asyncio.to_thread(self._catalog.segments, tenant, plan.start_us, end_us)
        if plan.limit is None:
            for cluster in _clusters(segments):
                async for block in self._stream(cluster, plan):
                    yield block
        elif segments:
            newest = await self._newest(segments, plan, plan.limit)
            for start in range(0, len(newest), _BLOCK):
                yield newest[start : start + _BLOCK]

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        batch_id, ordinal = batch_of(event)
        span = await asyncio.to_thread(self._catalog.span, batch_id, tenant)
        if span is None:
            return None
        segments = await asyncio.to_thread(self._catalog.segments, tenant, span[0], span[1] + 1)
        values = {"batch": str(batch_id), "ordinal": ordinal}
        sql = f"{_SELECT} WHERE batch_id = $batch::UUID AND ordinal = $ordinal"
        rows = await self._rows(segments, sql, values) if segments else []
        return _event(rows[0]) if rows else None

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        segments = await asyncio.to_thread(self._catalog.segments, tenant, plan.start_us, plan.end_us)
        if not plan.filters and plan.start_us is None and plan.end_us is None:
            return sum(segment.events for segment in segments)
        if not segments:
            return 0
        where, values = _where(plan)
        rows = await self._rows(segments, f"SELECT count(*) FROM read_parquet($files) {where}", values)
        return int(rows[0][0])

    async def _newest(self, segments: Sequence[Segment], plan: Plan, limit: int) -> list[StoredEvent]:
        """The first `limit` events, opening segments from the newest on and stopping when the rest is older."""
        where, values = _where(plan)
        sql = f"{_SELECT} {where} {_NEWEST_FIRST} LIMIT {limit}"
        found: list[StoredEvent] = []
        size, start = _FIRST_GROUP, 0
        while start < len(segments):
            if len(found) == limit and found[-1].timestamp_us > segments[start].max_us:
                break
            rows = await self._rows(segments[start : start + size], sql, values)
            found = sorted([*found, *map(_event, rows)], key=_position, reverse=True)[:limit]
            start, size = start + size, size * 2
        return found

    async def _stream(self, segments: Sequence[Segment], plan: Plan) -> AsyncGenerator[Block, None]:
        where, values = _where(plan)
        sql = f"{_SELECT} {where} {_NEWEST_FIRST}"
        with self._engine.cursor() as cursor, interrupting(cursor, self._timeout_s):
            try:
                await asyncio.to_thread(cursor.execute, sql, values | {"files": self._files(segments)})
                while rows := await asyncio.to_thread(cursor.fetchmany, _BLOCK):
                    yield [_event(row) for row in rows]
            except duckdb.Error as error:
                raise await self._explained(error, segments) from error

    async def _rows(self, segments: Sequence[Segment], sql: str, values: dict[str, object]) -> list[Any]:
        with self._engine.cursor() as cursor:
            try:
                return await fetch(cursor, sql, values | {"files": self._files(segments)}, self._timeout_s)
            except duckdb.Error as error:
                raise await self._explained(error, segments) from error

    def _files(self, segments: Sequence[Segment]) -> list[str]:
        return [str(self._root / segment.path) for segment in segments]

    async def _explained(self, error: duckdb.Error, segments: Sequence[Segment]) -> Exception:
        """Damage is named; anything else is passed on."""
        for segment in segments:
            if damage := await asyncio.to_thread(self._damage, self._root / segment.path):
                return Corrupt(
                    f"segment {segment.path} with {segment.events} events cannot be read: {damage}",
                    hint="restore this file from a backup; the other segments are well",
                )
        return error

    def _damage(self, path: Path) -> str | None:
        try:
            with self._engine.cursor() as cursor:
                cursor.execute("SELECT sum(hash(COLUMNS(*))) FROM read_parquet($1)", [str(path)]).fetchall()
        except CordwoodError as error:
            return error.message
        return None


def _clusters(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments, newest first, cut where the time ranges do not overlap: each cluster can be sorted on its own."""
    clusters: list[list[Segment]] = []
    oldest_us = 0
    for segment in segments:
        if clusters and segment.max_us >= oldest_us:
            clusters[-1].append(segment)
            oldest_us = min(oldest_us, segment.min_us)
        else:
            clusters.append([segment])
            oldest_us = segment.min_us
    return clusters


def _where(plan: Plan) -> tuple[str, dict[str, object]]:
    """The conditions of a plan, with every value bound."""
    conditions: list[str] = []
    values: dict[str, object] = {}
    if plan.start_us is not None:
        conditions.append("ts >= make_timestamptz($start::BIGINT)")
        values["start"] = plan.start_us
    if plan.end_us is not None:
        conditions.append("ts < make_timestamptz($end::BIGINT)")
        values["end"] = plan.end_us
    if plan.after is not None:
        conditions.append(_after(plan.after, values))
    for number, equals in enumerate(plan.filters):
        conditions.append(_equals(equals, number, values))
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _after(position: Position, values: dict[str, object]) -> str:
    batch_id, ordinal = batch_of(position.id)
    values |= {"after_us": position.timestamp_us, "after_batch": str(batch_id), "after_ordinal": ordinal}
    return """(ts < make_timestamptz($after_us::BIGINT) OR (ts = make_timestamptz($after_us::BIGINT)
        AND (batch_id < $after_batch::UUID OR (batch_id = $after_batch::UUID AND ordinal < $after_ordinal))))"""


def _equals(equals: Equals, number: int, values: dict[str, object]) -> str:
    name = f"text{number}"
    values[name] = equals.text
    if equals.field in DERIVED_FIELDS:
        return f"{equals.field} = ${name}"
    alternatives: list[str] = []
    for way, keys in enumerate(paths(equals.field)):
        at = f"path{number}_{way}"
        values[at] = pointer(keys)
        alternatives.append(f"json_extract_string(raw, ${at}) = ${name}")
        if (double := _double(equals.text)) is not None:
            values[f"double{number}"] = double
            alternatives.append(
                f"(json_type(raw, ${at}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
                f" AND TRY_CAST(json_extract_string(raw, ${at}) AS DOUBLE) = ${f'double{number}'})"
            )
    return "(" + " OR ".join(alternatives) + ")"


def _double(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _event(row: Sequence[Any]) -> StoredEvent:
    batch_id, ordinal, timestamp_us, inserted_us, level, service, raw = row
    return StoredEvent(event_id(batch_id, ordinal), timestamp_us, inserted_us, level, service, raw.encode())


def _position(event: StoredEvent) -> tuple[int, int]:
    return event.timestamp_us, event.id.int
