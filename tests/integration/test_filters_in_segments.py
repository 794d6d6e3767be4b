"""Segments are asked the same as `language/match.py`, event by event: what it says is the definition."""

import asyncio
import json
import os
import random
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordwood.language.match import Seen, matcher
from cordwood.model.batch import event_id
from cordwood.model.search.filters import Filter
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments import runs, tables
from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.asking.conditions import condition
from cordwood.store.segments.asking.places import kept
from cordwood.store.segments.asking.wanting import may_match, wanted
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.indexing import token_filter_of
from cordwood.store.segments.many_filters import ManyFilters
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support import searches
from tests.support.awkward_columns import any_filter, events
from tests.support.builders import load

_TIMES = int(os.environ.get("CORDWOOD_TEST_TIMES", "1"))
"""How many times as many filters are tried."""
_FEW = 100
"""Fewer events than this stay text here, so that a few hundred are enough to have columns."""
_AT_ONCE, _GROUP = 20, 4
KINDS = ("columns", "only columns", "texts", "merged")


class Kind:
    """A file, the events in it as they are decoded, and what of its rows may be skipped."""

    def __init__(self, root: Path, segment: Segment, lines: dict[UUID, Sequence[bytes]]) -> None:
        self.path = root / segment.path
        self.segment = segment
        self.engine = duckdb.connect()
        self.engine.execute("SET TimeZone = 'UTC'; SET threads = 1")
        self.file = f"read_parquet('{self.path}', file_row_number = true, hive_partitioning = false)"
        self.engine.execute(f"CREATE TABLE events AS FROM {self.file}")
        rows = self.engine.execute(
            """SELECT batch_id, ordinal, epoch_us(ts), epoch_us(inserted_at), level, service FROM events
            ORDER BY file_row_number"""
        ).fetchall()
        self.seen = [
            Seen(
                json.loads(lines[batch_id][ordinal]),
                event_id=event_id(batch_id, ordinal),
                timestamp_us=ts,
                inserted_at_us=inserted_at,
                level=level,
                service=service,
            )
            for batch_id, ordinal, ts, inserted_at, level, service in rows
        ]

    def found(self, filters: Sequence[Filter]) -> list[list[int]]:
        """The rows that each of some filters finds, all asked in one statement."""
        values = Values()
        asked = [condition(each, kept(self.segment, each), values) for each in filters]
        columns = ", ".join(f"list(file_row_number) FILTER ({each})" for each in asked)
        answer = self.engine.execute(f"SELECT {columns} FROM events", values.bound).fetchone()
        assert answer is not None, "an aggregate has a row"
        return [sorted(each or ()) for each in answer]

    def found_alone(self, found: Filter) -> list[int]:
        """The same, as a condition by which the engine may leave out row groups."""
        values = Values()
        where = condition(found, kept(self.segment, found), values)
        rows = self.engine.execute(f"SELECT file_row_number FROM {self.file} WHERE {where}", values.bound).fetchall()
        return sorted(row for (row,) in rows)

    def may_be_in(self, found: Filter) -> list[range]:
        """The rows that the filters of words leave to look at, as if each few rows were a row group."""
        need = wanted(found, kept(self.segment, found))
        answers = may_match(need, self._words).tolist()
        return [range(_GROUP * place, _GROUP * (place + 1)) for place, may in enumerate(answers) if may]

    @cached_property
    def _words(self) -> ManyFilters:
        table = pq.read_table(self.path, partitioning=None)
        starts = range(0, table.num_rows, _GROUP)
        return ManyFilters([token_filter_of([table.slice(start, _GROUP)]) for start in starts])

    def defined(self, found: Filter) -> list[int]:
        """The rows that a filter holds for."""
        holds = matcher(found)
        return [row for row, seen in enumerate(self.seen) if holds(seen)]


async def _made(root: Path, writes: Sequence[Sequence[bytes]]) -> Kind:
    async with SegmentStore(root, StoreSettings(), is_writer=True) as store:
        loads = [load(lines) for lines in writes]
        for each in loads:
            await store.write([each])
        if len(loads) > 1:
            while await store.merge_rest():
                pass
        (segment,) = store._catalog.segments(DEFAULT_TENANT, None, None)
    return Kind(root, segment, {each.batch.header.id: lines for each, lines in zip(loads, writes, strict=True)})


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    rng = random.Random(20261125)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FEW_EVENTS", _FEW)
        patch.setattr(runs, "FEW_EVENTS", _FEW)
        root = tmp_path_factory.mktemp("filters")
        return {
            "columns": asyncio.run(_made(root / "columns", [events(rng, 40, 60)])),
            "only columns": asyncio.run(_made(root / "only", [events(rng, 40, 0)])),
            "texts": asyncio.run(_made(root / "texts", [events(rng, 5, 40)])),
            "merged": asyncio.run(
                _made(root / "merged", [events(rng, 33, 20), events(rng, 10, 10), events(rng, 40, 40)])
            ),
        }


def _lots(seed: int, count: int) -> Iterator[list[Filter]]:
    rng = random.Random(seed)
    for _ in range(count * _TIMES):
        yield [any_filter(rng) for _ in range(_AT_ONCE)]


def test_events_are_kept_in_every_way(kinds: dict[str, Kind]) -> None:
    texts = {name: kind.segment.texts for name, kind in kinds.items()}
    assert texts["texts"] == kinds["texts"].segment.events
    assert all(0 < (texts[name] or 0) < kinds[name].segment.events for name in ("columns", "merged"))
    assert all(len(kind.segment.columns) > 30 for name, kind in kinds.items() if name != "texts")


@pytest.mark.parametrize("name", KINDS)
def test_segments_find_what_the_definition_does(kinds: dict[str, Kind], name: str) -> None:
    kind = kinds[name]
    some = 0
    for lot in _lots(7, 12):
        for found, rows in zip(lot, kind.found(lot), strict=True):
            assert rows == kind.defined(found), found
            some += 0 < len(rows) < kind.segment.events
        assert kind.found_alone(lot[0]) == kind.defined(lot[0]), lot[0]
    assert some > 12 * _TIMES * _AT_ONCE // 6, "filters that find some events and not others"


@pytest.mark.parametrize("name", KINDS)
def test_so_they_do_with_any_filter(kinds: dict[str, Kind], name: str) -> None:
    kind = kinds[name]

    @settings(max_examples=15 * _TIMES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(searches.filters, min_size=5, max_size=5))
    def check(filters: list[Filter]) -> None:
        for found, rows in zip(filters, kind.found(filters), strict=True):
            assert rows == kind.defined(found), found

    check()


@pytest.mark.parametrize("name", KINDS)
def test_no_row_group_with_a_match_is_passed_over(kinds: dict[str, Kind], name: str) -> None:
    kind = kinds[name]
    skipped = 0
    for lot in _lots(8, 40):
        for found in lot:
            left = kind.may_be_in(found)
            rows = {row for rows in left for row in rows}
            assert rows.issuperset(kind.defined(found)), found
            skipped += len(rows) < kind.segment.events
    assert skipped > 40 * _TIMES * _AT_ONCE // 8
