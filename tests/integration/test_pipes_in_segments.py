"""Pipes over segments give what the reference does, row by row."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordwood.store.segments import runs, tables
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.awkward_columns import FIELDS, any_filter, events
from tests.support.builders import load
from tests.support.piped import SEED, compare
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


async def test_they_give_what_the_reference_does(store: SegmentStore) -> None:
    rng = random.Random(SEED)
    pipelines = Pipelines(rng, [name for name in FIELDS if name not in ("", "\\")])
    assert await compare(store, pipelines, rng, lambda rng: any_filter(rng, 1), 100) > 20
