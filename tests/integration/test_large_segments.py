"""Segments that are merged, and cut, one row group at a time."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cordwood.errors import Unavailable
from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments import compaction, merging, parquet
from cordwood.store.segments.group_index import GroupIndex
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import equal, load

NOW = 1_795_000_000


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SegmentStore]:
    """Whose row groups are small, and which takes every merge for a large one."""
    for room in (parquet, merging):
        monkeypatch.setattr(room, "ROW_GROUP_ROWS", 4000)
        monkeypatch.setattr(room, "OWN_GROUP_ROWS", 500)
    monkeypatch.setattr(compaction, "_MOST_IN_MEMORY", 0)
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as opened:
        yield opened


def _events(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Shapes that are frequent, rare, and in some writes only; a field of several types; what stays text."""
    rare = rng.randrange(100)
    odd: dict[str, Any] = {"a": [1, {"b": None}], "nul": "\u0000", "big": 2**70}
    kinds: list[dict[str, Any]] = [
        {"message": "started", "host": "", "took": 1.5},
        {"message": "ended", "host": "", "took": 7},
        {"message": "é\n", "took": None},
        {f"only{rare}": True, "took": "long"},
        odd,
    ]
    picked = rng.choices(kinds, [40, 40, 10, 9, 1], k=count)
    events = [event | {"ts": NOW + rng.randrange(10_000), "n": rng.randrange(count)} for event in picked]
    return [event | {"host": f"web-{rng.randrange(300)}"} if "host" in event else event for event in events]


async def _everything(store: SegmentStore) -> list[StoredEvent]:
    return [event async for block in store.read(Plan(), DEFAULT_TENANT) for event in block]


async def _segments(store: SegmentStore, root: Path) -> list[Path]:
    return [root / each.path for each in store._catalog.segments(DEFAULT_TENANT, None, None)]


@pytest.fixture
async def merged(store: SegmentStore) -> list[StoredEvent]:
    """The events of many writes, which are one segment now; as they were before."""
    rng = random.Random(20261125)
    for count in (3000, 2500, 40, 6000, 3, 2100):
        await store.write([load(_events(rng, count))])
    before = await _everything(store)
    while await store.merge_rest():
        pass
    return before


async def test_a_merge_row_group_by_row_group_keeps_every_event(
    store: SegmentStore, merged: list[StoredEvent], tmp_path: Path
) -> None:
    (path,) = await _segments(store, tmp_path)
    assert await _everything(store) == merged
    footer = pq.read_metadata(path)
    rows = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    assert sum(rows) == len(merged) == 13_643
    assert max(rows) < 8000
    assert len(rows) < 7
    index = GroupIndex.of_file(path)
    assert index is not None
    assert [group.rows for group in index.groups] == rows


async def test_questions_of_a_large_segment_skip_and_find(store: SegmentStore, merged: list[StoredEvent]) -> None:
    texts = [json.loads(event.data) for event in merged]
    for field, text in [("host", "web-7"), ("took", "7"), ("took", "long"), ("message", "ended"), ("big", str(2**70))]:
        plan = Plan(filter=equal(field, text))
        expected = sum(str(each.get(field)) == text for each in texts)
        assert await store.count(plan, DEFAULT_TENANT) == expected > 0
        found = [event async for block in store.read(plan, DEFAULT_TENANT) for event in block]
        assert len(found) == expected
    coverage = await store.coverage(Plan(filter=equal("took", "long")), DEFAULT_TENANT)
    assert coverage.groups_skipped > 0


async def test_a_large_segment_loses_what_is_deleted_and_nothing_else(
    store: SegmentStore, merged: list[StoredEvent], tmp_path: Path
) -> None:
    (old,) = await _segments(store, tmp_path)
    plan = Plan(filter=equal("host", "web-7"))
    gone = await store.delete(plan, DEFAULT_TENANT, "test", dry_run=False)
    kept = [event for event in merged if json.loads(event.data).get("host") != "web-7"]
    assert gone == len(merged) - len(kept) > 0
    assert await _everything(store) == kept
    (new,) = await _segments(store, tmp_path)
    assert new != old
    index = GroupIndex.of_file(new)
    assert index is not None
    assert sum(group.rows for group in index.groups) == len(kept)


async def test_a_merge_that_loses_events_is_undone(
    store: SegmentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        await store.write([load(_events(random.Random(number), 3000))])
    groups = merging.Merge.row_groups
    monkeypatch.setattr(merging.Merge, "row_groups", lambda merge: list(groups(merge))[:-1])
    with pytest.raises(Unavailable, match="they stay as they are"):
        await store.merge_rest()
    assert len(await _everything(store)) == 6000
    assert len(list((tmp_path / "segments").rglob("*.parquet"))) == 2
