"""Pipes over segments give what the reference does, row by row."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from cordwood.language.parser import parse
from cordwood.model.answer import Row
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.query.arrow_rows import ArrowRows
from cordwood.store.segments import runs, tables
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.awkward_columns import FIELDS, any_filter, events
from tests.support.builders import load
from tests.support.piped import SEED, TIMES, compare
from tests.support.pipelines import Pipelines

_FEW = 30
"""Fewer events than this stay text here."""


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SegmentStore]:
    """Events in columns, as text, and in merged segments that have both."""
    for room in (tables, runs):
        monkeypatch.setattr(room, "FEW_EVENTS", _FEW)
    rng = random.Random(20261126)
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as opened:
        for count, odd in ((20, 10), (12, 10), (40, 0)):
            await opened.write([load(events(rng, count, odd))])
        while await opened.merge_rest():
            pass
        for count, odd in ((40, 5), (2, 10), (30, 0)):
            await opened.write([load(events(rng, count, odd))])
        yield opened


async def test_they_do_so_lot_by_lot_where_not_all_files_can_be_held(
    store: SegmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [
        "| stats count() as n, max(took_ms) as most by service",
        "nothing_at_all | stats count() as n",
        "| sort -took_ms | eval twice = took_ms * 2 | head 5",
        "| patterns | where count > 2",
    ]

    async def answers() -> list[list[Row]]:
        asked = [parse(query, 0) for query in queries]
        found = [store.rows(Plan(filter=each.filter), each.pipes, DEFAULT_TENANT) for each in asked]
        return [[row async for block in blocks for row in block] for blocks in found]

    at_once = await answers()
    gathered: list[object] = []

    def one_by_one(_: Directory, segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        gathered.extend(segments)
        return iter([[segment] for segment in segments])

    monkeypatch.setattr(Directory, "lots", one_by_one)
    assert await answers() == at_once
    assert len(gathered) > len(queries)


async def test_they_give_what_the_reference_does(store: SegmentStore) -> None:
    rng = random.Random(SEED)
    pipelines = Pipelines(rng, [name for name in FIELDS if name not in ("", "\\")])
    assert await compare(store, pipelines, rng, lambda rng: any_filter(rng, 1), 100) > 20


async def test_in_arrow_each_row_has_the_types_that_the_query_tells(store: SegmentStore) -> None:
    rng = random.Random(SEED)
    pipelines = Pipelines(rng, [name for name in FIELDS if name not in ("", "\\")])
    some = 0
    for _ in range(60 * TIMES):
        text, pipes = pipelines.any()
        blocks = [block async for block in store.rows(Plan(), pipes, DEFAULT_TENANT)]
        stream = ArrowRows(pipes)
        try:
            written = b"".join([*map(stream, [block[start::2] for block in blocks for start in (0, 1)]), stream.end()])
        except pa.ArrowException as error:
            raise AssertionError(text) from error
        found = pa.ipc.open_stream(written).read_all()
        assert found.num_rows == sum(map(len, blocks))
        some += found.num_rows > 0
    assert some > 20
