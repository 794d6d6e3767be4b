"""Pipes over every store."""

from cordwood.language.parser import parse
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store
from tests.support.builders import load

NOON_US = 1_795_435_200_000_000
OTHER = Tenant("other-than-all")


async def answered(store: Store, tenant: Tenant, text: str, limit: int | None = None) -> list[dict[str, object]]:
    search = parse(text, NOON_US)
    plan = Plan(filter=search.filter, limit=limit)
    return [row.columns async for block in store.rows(plan, search.pipes, tenant) for row in block]


async def test_pipes_give_rows_of_what_a_filter_selects(used_store: Store, tenant: Tenant) -> None:
    events = [
        {"level": level, "ms": ms} for level, ms in (("info", 1), ("error", "20"), ("error", 30.5), ("info", None))
    ]
    await used_store.write([load(events, tenant=tenant)])
    assert await answered(used_store, tenant, "ms:* | stats count() as n, sum(ms) as ms by level") == [
        {"level": "error", "n": 2, "ms": 50.5},
        {"level": "info", "n": 1, "ms": 1},
    ]
    assert await answered(used_store, tenant, "| sort -ms | eval s = ms / 10 | fields s", limit=2) == [
        {"s": 3.05},
        {"s": 2},
    ]


async def test_rows_are_of_ones_own_events(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load(tenant=tenant), load(tenant=OTHER)])
    assert await answered(used_store, tenant, "| stats count() as n") == [{"n": 1}]
    assert len(await answered(used_store, tenant, "| eval a = 1")) == 1


async def test_patterns_are_mined_and_pipes_go_on_with_them(used_store: Store, tenant: Tenant) -> None:
    events = [{"ts": NOON_US // 1000 + n, "message": f"took {n} ms\0 {'é' * (n % 3)}"} for n in range(30)]
    await used_store.write([load([*events, {"message": "something else"}, {"n": 1}], tenant=tenant)])
    rows = await answered(
        used_store, tenant, "message:took | patterns | stats sum(count) as n, min(first_seen) as since"
    )
    assert rows == [{"n": 30, "since": "2026-11-23T12:00:00.000000Z"}]
    (row,) = await answered(used_store, tenant, "| patterns | where pattern:*else | fields pattern, count")
    assert row == {"pattern": "something else", "count": 1}
    assert await answered(used_store, tenant, "message:nowhere | patterns") == []


async def test_parts_of_texts_are_columns(used_store: Store, tenant: Tenant) -> None:
    events = [{"message": f"took {n} ms at host{n % 2}\0", "ts": NOON_US // 1000 + n} for n in range(10)]
    await used_store.write([load([*events, {"message": "else"}], tenant=tenant)])
    text = r"| extract /took (?P<ms>\d+?) .*(?P<host>host\d)/ | stats sum(ms) as ms, count() as n by host"
    assert await answered(used_store, tenant, text) == [
        {"host": "host0", "ms": 20, "n": 5},
        {"host": "host1", "ms": 25, "n": 5},
        {"host": None, "ms": None, "n": 1},
    ]
    text = '| extract "took <_> at <host>" | limit 3 | fields host'
    assert await answered(used_store, tenant, text, limit=2) == [{"host": None}, {"host": "host1\0"}]


async def test_parts_of_patterns_are_columns_and_parts_have_patterns(used_store: Store, tenant: Tenant) -> None:
    await used_store.write([load([{"message": f"took {n} ms: user u{n} gone"} for n in range(9)], tenant=tenant)])
    (row,) = await answered(used_store, tenant, '| patterns | extract "<a> <_>" from pattern | fields a, count')
    assert row == {"a": "took", "count": 9}
    text = '| extract "took <_> ms: <rest>" | patterns rest | where pattern:user* | fields count'
    assert await answered(used_store, tenant, text) == [{"count": 9}]
