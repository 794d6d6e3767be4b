"""What segments hold, and what is beside an event."""

import functools
from collections.abc import Sequence

from msgspec.structs import replace

from cordwood.model.answer import StoredEvent
from cordwood.model.batch import batch_of
from cordwood.model.census import Asked, Census, FieldCount, named, types_of
from cordwood.model.plan import Plan, Position
from cordwood.model.search.filters import Everything
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.piping.reader import PipedReader
from cordwood.store.segments.sampling import stretches
from cordwood.store.segments.sourcing import Rows, Source
from cordwood.store.segments.tallying import Tally

_MOST_CELLS = 4_000_000
"""Values looked at, about: a second of one core at most, and 100 MB."""
_MOST_EVENTS = 2_000_000
_MOST_BYTES = 256 << 20
"""Of events as they are in memory."""
_PACKED = 8
"""How many times as large an event is in memory, where that is not known."""
_WORTH_ALL = 0.5
"""Where a sample would be more than this share, everything is looked at."""


class SegmentExplorer(PipedReader):
    """A reader that is also a `store.interface.Explorer`."""

    async def census(self, plan: Plan, tenant: Tenant, asked: Asked) -> Census:
        """See `store.interface.Explorer.census`. Raises Corrupt for a damaged segment, naming it."""
        matched = await self.count(plan, tenant)
        parts = await self._readable(tenant, plan.start_us, plan.end_us, plan)
        segments = sorted((part.segment for part in parts), key=lambda segment: segment.path)
        tally = Tally(plan, asked, segments)
        share = _share(matched, tally.width, segments if tally.has_texts else ())
        rows: dict[str, Rows] = {part.segment.path: part.rows for part in parts if part.rows is not None}
        if share < _WORTH_ALL:
            all_rows = {each.path: rows.get(each.path, ((0, each.events),)) for each in segments}
            rows = stretches(all_rows, share)
        chosen = segments if share >= _WORTH_ALL else [each for each in segments if each.path in rows]
        async with self._session(chosen) as session:
            await session.use(tally.begin)
            for lot in self._files.lots(chosen):
                async with self._held(session, lot):
                    await session.use(functools.partial(tally.gather, root=self._files.root, segments=lot, rows=rows))
            examined, fields = await session.use(tally.counted)
        if share >= _WORTH_ALL:
            return Census(examined, examined, [field for field in fields if field.events])
        known = _known(segments) if plan.filter == Everything() and asked.field is None else {}
        return Census(matched, examined, _with_unmet(fields, known))

    async def following(self, position: Position, plan: Plan, tenant: Tenant) -> Sequence[StoredEvent]:
        """See `store.interface.Explorer.following`. Raises Corrupt for a damaged segment, naming it."""
        start_us = position.timestamp_us if plan.start_us is None else max(plan.start_us, position.timestamp_us)
        within = replace(plan, start_us=start_us, after=None)
        parts = await self._readable(tenant, start_us, plan.end_us, within)
        segments = [part.segment for part in parts]
        source = Source(self._files.root, within, {part.segment.path: part.rows for part in parts if part.rows})
        batch_id, ordinal = batch_of(position.id)
        at = {"at": position.timestamp_us, "at_batch": str(batch_id), "at_ordinal": ordinal, "most": plan.limit}
        found: list[tuple[tuple[object, ...], StoredEvent]] = []
        async with self._session(segments) as session:
            for lot in self._files.lots(segments):
                if not lot:
                    continue
                async with self._held(session, lot):
                    sql, values = source.places(lot)
                    rows = await session.rows(_FOLLOWING.format(source=sql), values | at)
                    events = await self._fetched(session, rows, lot)
                    found += [((event.timestamp_us, event.id), event) for event in events]
        found.sort(key=lambda each: each[0])
        return [event for _, event in found[: plan.limit]]


def _share(matched: int, width: int, texts: Sequence[Segment]) -> float:
    """Which part of what matches is looked at, in that many columns, and in these segments as text."""
    size = sum(segment.plain_bytes or segment.size_bytes * _PACKED for segment in texts)
    events = sum(segment.events for segment in texts)
    most = min(_MOST_EVENTS, _MOST_CELLS / width, _MOST_BYTES * events / max(1, size) if texts else _MOST_EVENTS)
    return min(1.0, most / max(1, matched))


def _known(segments: Sequence[Segment]) -> dict[str, set[str]]:
    """The fields that have columns, with how those end."""
    found: dict[str, set[str]] = {}
    for segment in segments:
        for column in segment.columns:
            name, _, ending = column.rpartition(":")
            found.setdefault(named(name), set()).add(ending)
    return found


def _with_unmet(fields: Sequence[FieldCount], known: dict[str, set[str]]) -> list[FieldCount]:
    """Fields that no event of a sample has are named too."""
    met = [field for field in fields if field.events]
    unmet = known.keys() - {field.name for field in met}
    endings: dict[str, str] = {"str": "s", "int": "i", "float": "f", "bool": "b", "json": "a"}
    return met + [
        FieldCount(name, types_of("".join(endings[each] for each in known[name])), 0) for name in sorted(unmet)
    ]


_FOLLOWING = """
    SELECT filename, file_row_number, shape FROM ({source})
    WHERE ts > make_timestamptz($at::BIGINT) OR (ts = make_timestamptz($at::BIGINT)
        AND (batch_id > $at_batch::UUID OR (batch_id = $at_batch::UUID AND ordinal > $at_ordinal)))
    ORDER BY ts, batch_id, ordinal LIMIT $most
"""
