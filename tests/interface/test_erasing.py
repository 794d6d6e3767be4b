"""What removing events promises, asked of every store: gone at once, only what was meant, and accounted for."""

import time

from cordwood.clock import SystemClock
from cordwood.model.ledger import DAY_US, judge
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Store
from tests.interface.test_store import OTHER, data, rows
from tests.support.builders import equal, load

TODAY = time.time_ns() // 1000 // DAY_US


def on(days_ago: int, **fields: object) -> dict[str, object]:
    """An event at noon of a day."""
    return {"timestamp": ((TODAY - days_ago) * DAY_US + DAY_US // 2) // 1000, **fields}


async def is_balanced(store: Store) -> bool:
    accounts = await store.accounts(None, is_counted=True)
    return not [finding for finding in judge(accounts, SystemClock().now_us()) if finding.is_fault]


async def numbers(store: Store, tenant: Tenant = DEFAULT_TENANT) -> list[int]:
    return sorted(event["n"] for event in data(await rows(store, tenant=tenant)))


async def test_what_matches_is_gone_and_nothing_else(store: Store) -> None:
    await store.write([load([on(0, n=n, user="ann" if n % 3 else "bob") for n in range(30)])])
    await store.write(
        [load([on(0, n=n, user="bob") for n in range(30, 40)]), load([on(0, n=1, user="bob")], tenant=OTHER)]
    )
    await store.tend()
    plan = Plan(filter=equal("user", "bob"))
    before = await store.coverage(plan, DEFAULT_TENANT)
    assert await store.delete(plan, DEFAULT_TENANT, "somebody", dry_run=True) == 20
    assert len(await rows(store)) == 40
    assert await store.delete(plan, DEFAULT_TENANT, "somebody", dry_run=False) == 20
    assert await numbers(store) == [n for n in range(30) if n % 3]
    assert await store.count(plan, DEFAULT_TENANT) == 0
    assert await numbers(store, OTHER) == [1]
    assert (await store.coverage(plan, DEFAULT_TENANT)).version != before.version, "caches must not answer the old way"
    assert await is_balanced(store)
    (action,) = await store.actions(DEFAULT_TENANT, 10)
    assert (action.action, action.events, action.actor) == ("delete", 20, "somebody")
    assert action.detail["query"] == "user:bob"
    assert await store.delete(plan, DEFAULT_TENANT, "somebody", dry_run=False) == 0
    assert len(await store.actions(DEFAULT_TENANT, 10)) == 1


async def test_a_field_that_is_missing_does_not_match(store: Store) -> None:
    await store.write([load([on(0, n=1), on(0, n=2, user=None), on(0, n=3, user="bob")])])
    assert await store.delete(Plan(filter=equal("user", "bob")), DEFAULT_TENANT, "x", dry_run=False) == 1
    assert await numbers(store) == [1, 2]


async def test_a_time_range_and_everything(store: Store) -> None:
    await store.write([load([on(3, n=3), on(2, n=2), on(1, n=1), on(0, n=0)])])
    plan = Plan(start_us=(TODAY - 2) * DAY_US, end_us=TODAY * DAY_US)
    assert await store.delete(plan, DEFAULT_TENANT, "x", dry_run=False) == 2
    assert await numbers(store) == [0, 3]
    assert await is_balanced(store)
    assert await store.delete(Plan(), DEFAULT_TENANT, "x", dry_run=False) == 2
    assert await rows(store) == []
    assert await is_balanced(store)


async def test_a_redelivery_brings_nothing_back(store: Store) -> None:
    sent = load([on(0, n=1)])
    await store.write([sent])
    await store.delete(Plan(), DEFAULT_TENANT, "x", dry_run=False)
    (again,) = await store.write([sent])
    assert again.is_duplicate
    assert await rows(store) == []


async def test_events_expire_by_tenant_and_age(store: Store) -> None:
    events = [on(day, n=day) for day in (0, 1, 2, 5, 9, 400)]
    keeps = Tenant("keeps")
    await store.write([load(events), load(events, tenant=OTHER), load(events, tenant=keeps)])
    rules = Retention(2, {OTHER: 7, keeps: 100_000})
    assert await store.expire(rules) == 3 + 2
    assert await numbers(store) == [0, 1, 2]
    assert await numbers(store, OTHER) == [0, 1, 2, 5]
    assert await numbers(store, keeps) == [0, 1, 2, 5, 9, 400]
    assert await is_balanced(store)
    assert await store.expire(rules) == 0
    assert await store.expire(Retention()) == 0
    assert sum(action.events for action in await store.actions(OTHER, 10) if action.action == "expire") == 2


async def test_whole_days_expire(store: Store) -> None:
    """In PostgreSQL by dropping a partition, in segments by dropping a file."""
    await store.write([load([on(1, n=n) for n in range(10)]), load([on(1, n=n) for n in range(5)], tenant=OTHER)])
    await store.write([load([on(0, n=100)])])
    assert await store.expire(Retention(0)) == 15
    assert await numbers(store) == [100]
    assert await is_balanced(store)
    await store.tend()
    await store.write([load([on(1, n=7)])])
    assert await numbers(store) == [7, 100], "a late event is taken, and expires the next time"
    assert await store.expire(Retention(0)) == 1
    assert await is_balanced(store)
