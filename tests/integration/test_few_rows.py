"""Events are the same bytes whether few are asked for, which are made one by one, or many, a column at a time."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from cordwood.model.answer import StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.segments import reader
from cordwood.store.segments.fetching import Place, fetch
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import equal, load

BEGIN, EVENTS = 1_795_000_000, 3000
TEXTS = ["", "plain", 'say "b"', "back\\slash", "line\nbreak\r\ttab", "Fähre 😀", "null", "1.0", None]
FLOATS = [0.5, -0.0, 1e300, 5e-324, 1e16, 0.1, 123456789.125, None]
WHOLE_FLOATS = [2.0, -0.0, 1e16, 12345678.0, 1e300, None]
WHOLE = [0, -1, 2**63 - 1, -(2**63), None]
OTHERS: list[Any] = [True, False, None]


def fields(n: int) -> dict[str, Any]:
    """Of several shapes, every value in each."""
    match n % 4, n // 4:
        case 0, m:
            return {"text": TEXTS[m % len(TEXTS)], "f": FLOATS[m % len(FLOATS)], "list": [m, {"a": [None, "x\n"]}]}
        case 1, m:
            return {"d": WHOLE_FLOATS[m % len(WHOLE_FLOATS)], "i": WHOLE[m % len(WHOLE)], "b": OTHERS[m % 3]}
        case 2, m:
            return {"http": {"d": 3.5, "text": f"é{m}"}, "level": "info", "service": TEXTS[1 + m % 2]}
        case _:
            return {"nothing": None}


def events() -> list[dict[str, Any]]:
    return [{"ts": BEGIN + n, "kind": f"k{n % 16}", **fields(n)} for n in range(EVENTS)]


async def read(store: SegmentStore, plan: Plan) -> list[StoredEvent]:
    return [event async for block in store.read(plan, DEFAULT_TENANT) for event in block]


async def test_few_events_are_the_bytes_that_many_are(tmp_path: Path) -> None:
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store:
        await store.write([load(events())])
        await store.write([load([{"ts": BEGIN - 1, "kind": "k0", "as": "text"}])])
        (shaped, texts) = store._catalog.segments(DEFAULT_TENANT, None, None)
        assert (shaped.texts or 0) < EVENTS / 2, "most are in columns"
        assert texts.texts == 1
        many = await read(store, Plan())
        assert len(many) == EVENTS + 1
        # The newest hundred, and all of a kind.
        assert await read(store, Plan(limit=100)) == many[:100]
        for end in range(0, EVENTS, 400):
            within = Plan(limit=400, end_us=(BEGIN + EVENTS - end) * 1_000_000)
            assert await read(store, within) == many[end : end + 400]
        for kind in range(16):
            found = await read(store, Plan(limit=500, filter=equal("kind", f"k{kind}")))
            assert found == [event for event in many if f'"kind":"k{kind}"'.encode() in event.data]
            assert len(found) >= EVENTS // 16


async def test_a_page_that_is_asked_for_again_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store:
        await store.write([load(events())])
        page = await read(store, Plan(limit=100))
        fetched: list[Place] = []

        def counted(cursor: duckdb.DuckDBPyConnection, places: list[Place], wide: set[str]) -> list[StoredEvent]:
            fetched.extend(places)
            return fetch(cursor, places, wide)

        monkeypatch.setattr(reader, "fetch", counted)
        await store.write([load([{"ts": BEGIN + EVENTS + 1, "kind": "new"}])])
        assert (await read(store, Plan(limit=101)))[1:] == page
        assert len(fetched) == 1, "the new one alone"
