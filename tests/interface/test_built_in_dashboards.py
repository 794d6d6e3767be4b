"""The dashboards that come with Cordwood, asked of every store: each panel, over whatever logs there are."""

from typing import Any

import pytest

from cordwood.language.parser import parse
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.dashboards.built_in import built_in
from cordwood.store.interface import Store
from tests.support.builders import load

NOON_US = 1_795_435_200_000_000
MINUTE_US = 60_000_000
EVENTS: list[dict[str, Any]] = [
    {"level": "info", "service": "web", "message": "GET /cart 200", "host": "a",
     "http": {"status": 200, "method": "GET", "path": "/cart", "duration_ms": 12}},
    {"level": "error", "service": "web", "message": "GET /pay 502", "host": "a", "error": {"kind": "gateway"},
     "http": {"status": "502", "method": "GET", "path": "/pay", "duration_ms": 870.5}},
    {"service": "proxy", "message": "203.0.113.7 GET /cart", "method": "GET", "path": "/cart", "status": 200},
    {"service": "proxy", "message": "203.0.113.7 POST /pay", "method": "POST", "path": "/pay", "status": 503,
     "request_time": "0.25"},
    {"level": "warn", "service": "db", "message": "slow query took 300 ms", "status": "ok", "host": {"name": "b"}},
    {"n": 1},
]  # fmt: skip


async def answered(store: Store, tenant: Tenant, text: str) -> list[Any]:
    """The rows of a panel, or the messages of its events, of the hour."""
    search = parse(text, NOON_US)
    plan = Plan(start_us=NOON_US - 30 * MINUTE_US, end_us=NOON_US + 30 * MINUTE_US, filter=search.filter, limit=100)
    if search.pipes:
        return [row.columns async for block in store.rows(plan, search.pipes, tenant) for row in block]
    return [event.data async for block in store.read(plan, tenant) for event in block]


@pytest.fixture
async def filled(used_store: Store, tenant: Tenant) -> Store:
    times = ({"timestamp": (NOON_US + n * MINUTE_US) // 1000} for n in range(len(EVENTS)))
    await used_store.write(
        [load([{**time, **event} for time, event in zip(times, EVENTS, strict=True)], tenant=tenant)]
    )
    return used_store


def query(name: str, title: str) -> str:
    (panel,) = [panel for panel in built_in()[name].panels if panel.title == title]
    return panel.query


async def test_every_panel_is_answered(filled: Store, tenant: Tenant) -> None:
    for name, dashboard in built_in().items():
        for panel in dashboard.panels:
            assert await answered(filled, tenant, panel.query), f"{name}: {panel.title}"
            await answered(filled, Tenant("nobody"), panel.query)


async def test_they_count_logs_of_either_shape(filled: Store, tenant: Tenant) -> None:
    assert await answered(filled, tenant, query("http", "Requests")) == [{"requests": 4}]
    assert await answered(filled, tenant, query("http", "Failed (5xx), %")) == [{"percent": 50}]
    assert await answered(filled, tenant, query("http", "Paths that fail (5xx)")) == [{"route": "/pay", "count": 2}]
    by_status = await answered(filled, tenant, query("http", "Requests by status"))
    assert [row["class"] for row in by_status] == ["2xx", "5xx", "2xx", "5xx"]
    slowest, other = await answered(filled, tenant, query("http", "Slowest paths"))
    assert (slowest["route"], slowest["requests"], other["route"], other["p99_ms"]) == ("/pay", 2, "/cart", 12)
    assert slowest["p50_ms"] == pytest.approx((250 + 870.5) / 2)
    assert await answered(filled, tenant, query("overview", "Busiest services")) == [
        {"service": "proxy", "count": 2},
        {"service": "web", "count": 2},
        {"service": "db", "count": 1},
    ]
    assert await answered(filled, tenant, query("overview", "Busiest hosts")) == [
        {"source": "a", "count": 2},
        {"source": "b", "count": 1},
    ]
