"""SQL of users, by what both dialects share: the same relation, whatever the events are kept as."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cordwood.errors import BadQuery
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store
from cordwood.store.selecting import Question, Rows
from tests.support.builders import load
from tests.support.fixtures import drop_roles

EVENTS: list[dict[str, Any]] = [
    {
        "time": f"2026-01-01T00:00:0{n}Z",
        "level": "error" if n % 2 else "info",
        "service": "pay",
        "message": f"event {n}",
    }
    for n in range(6)
]
AWKWARD: dict[str, Any] = {"time": "2026-01-02", "a": {"b.c": [1, None, "ü\0"]}, "big": 2**70, "": {}, "\ue0c0": True}


@pytest.fixture
async def store(kind: str, used_store: Store, used_places: Callable[[str], tuple[str, Path]]) -> AsyncIterator[Store]:
    yield used_store
    if kind == "postgres":
        drop_roles(used_places(kind)[0])


async def blocks(store: Store, tenant: Tenant, sql: str, *times: int | None) -> list[Rows]:
    async with contextlib.aclosing(store.ask(Question(sql, *times), tenant)) as found:
        return [rows async for rows in found]


async def asked(store: Store, tenant: Tenant, sql: str, *times: int | None) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for rows in await blocks(store, tenant, sql, *times) for row in rows.batch.to_pylist()]


async def test_a_tenant_finds_its_events_and_no_others(store: Store, tenant: Tenant) -> None:
    other = Tenant(f"{tenant}-other")
    await store.write([load(EVENTS, tenant=tenant), load([{"message": "theirs"}], tenant=other)])
    sql = "SELECT level, count(*) AS n, min(message) AS first FROM logs WHERE service = 'pay' GROUP BY 1 ORDER BY 1"
    assert await asked(store, tenant, sql) == [("error", 3, "event 1"), ("info", 3, "event 0")]
    assert await asked(store, other, "SELECT message FROM logs") == [("theirs",)]
    assert await asked(store, Tenant(f"{tenant}-none"), "SELECT message FROM logs") == []


async def test_the_columns_have_these_names(store: Store, tenant: Tenant) -> None:
    await store.write([load(EVENTS, tenant=tenant)])
    (first, *_) = await blocks(store, tenant, "SELECT * FROM logs WHERE false")
    names = ["id", "timestamp", "ts", "inserted_at", "level", "service", "message", "data"]
    assert [column.name for column in first.columns] == names


async def test_the_time_range_is_what_logs_has(store: Store, tenant: Tenant) -> None:
    await store.write([load(EVENTS, tenant=tenant)])
    begin_us = 1_767_225_600_000_000
    sql = "SELECT message FROM logs ORDER BY ts"
    found = await asked(store, tenant, sql, begin_us + 2_000_000, begin_us + 4_000_000)
    assert found == [("event 2",), ("event 3",)]
    assert await asked(store, tenant, "SELECT count(*) FROM logs", None, begin_us + 1) == [(1,)]


async def test_events_come_back_as_sent(store: Store, tenant: Tenant) -> None:
    await store.write([load([AWKWARD, {"time": "2026-01-03", "n": 1}], tenant=tenant)])
    found = await asked(store, tenant, "SELECT data FROM logs ORDER BY ts LIMIT 1")
    assert [json.loads(data) for (data,) in found] == [AWKWARD]


async def test_a_field_is_a_column_however_it_was_sent(store: Store, tenant: Tenant) -> None:
    await store.write([load([{"http": {"status": 500}}, {"http.status": 404}, {"http": 1}], tenant=tenant)])
    sql = 'SELECT count("http.status"), max(CAST("http.status" AS INTEGER)) FROM logs'
    assert await asked(store, tenant, sql) == [(2, 500)]


async def test_what_is_wrong_is_the_questions_fault(store: Store, tenant: Tenant) -> None:
    with pytest.raises(BadQuery) as wrong:
        await asked(store, tenant, "SELECT nothing_like_it(1) FROM logs")
    assert (wrong.value.position, "nothing_like_it" in wrong.value.message) == (7, True)
