"""Folding: the records of old batches go; counts, numbers and the promise of once in effect stay."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from cordwood.clock import SystemClock
from cordwood.errors import NotFound
from cordwood.model.batch import event_id
from cordwood.model.deadletter import Selection
from cordwood.model.ledger import Accounts, Heartbeat, Range, judge
from cordwood.model.receipt import Part, Receipt
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.query.receipts import fate_of
from cordwood.store.interface import Load, Store
from tests.interface.test_books import dead, marked, numbered
from tests.interface.test_store import OTHER, opened
from tests.support.builders import load
from tests.support.waiting import wait_until

DAY_US = 86_400_000_000
Sql = Callable[[str], int]


@pytest.fixture
def sql(kind: str, place: str) -> Sql:
    """Changes the books behind the store's back, and returns how many rows."""

    def run(text: str) -> int:
        if kind == "segments":
            with closing(sqlite3.connect(Path(place) / "catalog.sqlite")) as catalog, catalog:
                return catalog.execute(text).rowcount
        with psycopg.connect(place) as connection:
            return connection.execute(text.encode()).rowcount

    return run


@pytest.fixture
def age(kind: str, sql: Sql) -> Callable[[int], None]:
    """Makes every record so many days older."""

    def older(days: int) -> None:
        for table, column in (("batches", "inserted"), ("producers", "heard"), ("producers", "resting")):
            if kind == "segments":
                sql(f"UPDATE {table} SET {column}_us = {column}_us - {days * DAY_US}")
            else:
                sql(f"UPDATE {table} SET {column}_at = {column}_at - interval '{days} days'")

    return older


def old(events: int = 1, *, sequence: int, producer: UUID) -> Load:
    """A batch that was accepted forty days ago."""
    at_us = SystemClock().now_us() - 40 * DAY_US
    made = SystemClock().batch_id().int - (40 * DAY_US // 1000 << 80)
    lines = [{"n": n, "timestamp": at_us // 1000} for n in range(events)]
    return numbered(load(lines, batch_id=UUID(int=made), received_at_us=at_us), producer, sequence)


def beat(producer: UUID, settled: int, *abandoned: Range, is_ended: bool = False) -> Heartbeat:
    said_us = SystemClock().now_us()
    return Heartbeat(producer=producer, tenant=DEFAULT_TENANT, settled=settled, said_at_us=said_us,
                     abandoned=abandoned, is_ended=is_ended)  # fmt: skip


async def records(store: Store, loads: list[Load]) -> list[int]:
    """The numbers of those that still have a record."""
    found = {account.id for account in await store.batches([each.batch.header.id for each in loads], DEFAULT_TENANT)}
    return [each.batch.header.sequence for each in loads if each.batch.header.id in found]


async def faults(store: Store, *, is_counted: bool = True) -> list[str]:
    accounts = await store.accounts(None, is_counted=is_counted)
    return [finding.kind for finding in judge(accounts, SystemClock().now_us()) if finding.is_fault]


def comparable(accounts: Accounts) -> Accounts:
    """Without what is said of records that are there."""
    return replace(accounts, checks=(), drained_us=None)


@pytest.fixture
def producer() -> UUID:
    return SystemClock().batch_id()


@pytest.mark.parametrize("is_ended", [False, True])
async def test_sums_stay_when_records_go(
    store: Store, age: Callable[[int], None], producer: UUID, is_ended: bool
) -> None:
    loads = [old(n, sequence=n, producer=producer) for n in (1, 2, 3, 6)]
    loads[1] = dead(loads[1])
    await store.write(loads)
    repeated = [marked(old(2, sequence=n, producer=producer)) for n in (7, 8)]
    await store.write(repeated)
    await store.write([numbered(load(tenant=OTHER), SystemClock().batch_id(), 1)])
    await store.hear([beat(producer, 8, (4, 5), is_ended=is_ended)])
    start_us = SystemClock().now_us() - 41 * DAY_US
    age(1)
    before = await store.accounts(None, is_counted=True)
    minutes = await store.minutes(DEFAULT_TENANT, start_us, start_us + 2 * DAY_US)
    assert sum(minute.accepted for minute in minutes) == 16
    await store.discard(DEFAULT_TENANT, Selection(), "somebody")
    age(39)
    for _ in range(2):
        await store.tend()
    assert await records(store, loads + repeated) == []
    after = await store.accounts(None, is_counted=True)
    assert await store.minutes(DEFAULT_TENANT, start_us, start_us + 2 * DAY_US) == minutes
    assert await faults(store) == await faults(store, is_counted=False) == []
    assert after.holdings == before.holdings
    letters = {each.tenant: each.dead_letters_held + each.dead_letters_settled for each in before.tenants}
    assert [
        replace(each, dead_letters_held=letters[each.tenant], dead_letters_settled=0) for each in after.tenants
    ] == [replace(each, dead_letters_held=letters[each.tenant], dead_letters_settled=0) for each in before.tenants]
    listed = {each.id: each for each in after.producers}
    if is_ended:
        assert producer not in listed, "it has ended, and nothing of it is left to know"
    else:
        assert (listed[producer].highest, listed[producer].settled, list(listed[producer].missing)) == (8, 8, [])


async def test_young_batches_and_those_behind_a_gap_keep_their_records(
    store: Store, age: Callable[[int], None], producer: UUID
) -> None:
    loads = [old(sequence=n, producer=producer) for n in (1, 2, 4, 5)]
    await store.write(loads)
    await store.hear([beat(producer, 5)])
    age(29)
    await store.tend()
    assert await records(store, loads) == [1, 2, 4, 5]
    age(2)
    await store.tend()
    assert await records(store, loads) == [4, 5]
    (account,) = (await store.accounts(None, is_counted=True)).producers
    assert [(missing.first, missing.last) for missing in account.missing] == [(3, 3)]
    young = old(sequence=3, producer=producer)
    await store.write([young])
    await store.tend()
    assert await records(store, [*loads, young]) == [4, 5, 3], "what was stored late is young"
    age(31)
    await store.tend()
    assert await records(store, [*loads, young]) == []
    assert await faults(store) == []


async def test_a_folded_batch_that_comes_again_is_a_duplicate(
    store: Store, age: Callable[[int], None], producer: UUID
) -> None:
    loads = [marked(old(3, sequence=1, producer=producer)), old(3, sequence=2, producer=producer)]
    await store.write(loads)
    await store.hear([beat(producer, 2)])
    age(31)
    await store.tend()
    assert await records(store, loads) == []
    before = comparable(await store.accounts(None, is_counted=True))
    fresh = numbered(load(), producer, 3)
    written = await store.write([*loads, fresh])
    assert [each.is_duplicate for each in written] == [True, True, False]
    assert [each.is_duplicate for each in await store.write(loads)] == [True, True]
    after = comparable(await store.accounts(None, is_counted=True))
    assert after.tenants[0].stored == before.tenants[0].stored + 1 == 7
    assert sum(holding.held or 0 for holding in after.holdings) == 7
    assert await faults(store) == []


async def test_a_number_used_anew_is_no_duplicate(store: Store, age: Callable[[int], None], producer: UUID) -> None:
    """A process that was put back to an earlier state numbers new batches as it did then: they must not vanish."""
    await store.write([old(sequence=n, producer=producer) for n in (1, 2)])
    await store.hear([beat(producer, 2, is_ended=True)])
    age(31)
    for _ in range(2):
        await store.tend()
    (written,) = await store.write([numbered(load(), producer, 2)])
    assert written.stored == 1
    assert await faults(store) == await faults(store, is_counted=False) == []


async def test_only_what_a_producer_calls_settled_is_folded(
    store: Store, age: Callable[[int], None], producer: UUID
) -> None:
    """Others may publish without a running number: a batch of theirs is known by its id, for ever."""
    loads = [old(sequence=n, producer=producer) for n in (0, 0, 1, 1, 2)]
    await store.write(loads)
    age(31)
    await store.tend()
    assert await records(store, loads) == [0, 0, 1, 1, 2]
    assert all(each.is_duplicate for each in await store.write(loads))


async def test_a_batch_with_waiting_letters_keeps_its_record(
    store: Store, age: Callable[[int], None], producer: UUID
) -> None:
    loads = [old(2, sequence=1, producer=producer), dead(old(2, sequence=2, producer=producer))]
    await store.write(loads)
    await store.hear([beat(producer, 2, is_ended=True)])
    age(31)
    for _ in range(2):
        await store.tend()
    assert await records(store, loads) == [2]
    assert await store.discard(DEFAULT_TENANT, Selection(), "somebody") == 1
    age(1)
    await store.tend()
    assert await records(store, loads) == []
    assert await faults(store) == []


async def test_events_of_folded_batches_are_found_and_their_receipts_are_too_old(
    store: Store, age: Callable[[int], None], producer: UUID
) -> None:
    near, far = old(2, sequence=1, producer=producer), old(sequence=2, producer=producer)
    header = far.batch.header
    events = [{"n": 7, "timestamp": "2001-01-01"}]
    far = numbered(load(events, batch_id=header.id, received_at_us=header.received_at_us), producer, 2)
    await store.write([near, far])
    await store.hear([beat(producer, 2)])
    age(31)
    await store.tend()
    assert await records(store, [near, far]) == []
    for made, ordinal in ((near, 1), (far, 0)):
        found = await store.find(event_id(made.batch.header.id, ordinal), DEFAULT_TENANT)
        assert found is not None
    assert await store.find(event_id(near.batch.header.id, 2), DEFAULT_TENANT) is None
    assert await store.find(event_id(near.batch.header.id, 1), OTHER) is None
    with pytest.raises(NotFound, match="not known any more") as caught:
        await fate_of(Receipt([Part(near.batch.header.id, 0, 2)]), store, DEFAULT_TENANT, 30)
    assert "30 days" in caught.value.hint
    young = Receipt([Part(SystemClock().batch_id(), 0, 2)])
    assert (await fate_of(young, store, DEFAULT_TENANT, 30)).in_flight == 2


async def test_a_record_removed_behind_its_back_shows_after_others_were_folded(
    store: Store, age: Callable[[int], None], sql: Sql, producer: UUID
) -> None:
    await store.write([old(sequence=n, producer=producer) for n in (1, 2)])
    await store.hear([beat(producer, 2)])
    age(31)
    await store.tend()
    await store.write([numbered(load(), producer, n) for n in (3, 4, 5)])
    await store.hear([beat(producer, 5)])
    await store.tend()
    assert await faults(store) == await faults(store, is_counted=False) == []
    assert sql("DELETE FROM batches WHERE sequence = 4") == 1
    assert await faults(store, is_counted=False) == ["imbalance"], "the last minutes are always looked at"
    assert await faults(store) == ["imbalance"]
    (account,) = (await store.accounts(None, is_counted=True)).producers
    assert [(missing.first, missing.last) for missing in account.missing] == [(4, 4)]


async def test_numbers_that_are_all_known_are_not_read_again(store: Store, sql: Sql, producer: UUID) -> None:
    await store.write([numbered(load(), producer, n) for n in (1, 2, 3, 6)])
    await store.hear([beat(producer, 6, (4, 4))])
    before = (await store.accounts(None, is_counted=False)).producers
    await store.tend()
    assert (await store.accounts(None, is_counted=False)).producers == before
    assert (await store.accounts(None, is_counted=True)).producers == before
    assert sql("UPDATE producers SET balanced = balanced WHERE balanced = 4") == 1


@pytest.mark.parametrize("kind", ["postgres"])
async def test_folding_and_redeliveries_at_the_same_moment(
    store: Store, place: str, kind: str, age: Callable[[int], None], producer: UUID
) -> None:
    loads = [old(2, sequence=n, producer=producer) for n in range(1, 61)]
    await store.write(loads)
    await store.hear([beat(producer, 60)])
    age(31)
    async with opened(kind, place) as other:
        again = [store.write(loads[n : n + 10]) for n in range(0, 60, 10)]
        outcomes = await asyncio.gather(store.tend(), other.tend(), *again, other.tend())
    assert all(each.is_duplicate for written in outcomes if written for each in written)
    assert await records(store, loads) == []
    assert await faults(store) == []
    assert sum(each.held or 0 for each in (await store.accounts(None, is_counted=True)).holdings) == 120


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_redelivery_waits_for_a_fold_that_is_under_way(store: Store, place: str, producer: UUID) -> None:
    made = old(2, sequence=1, producer=producer)
    await store.write([made])
    batch_id = str(made.batch.header.id)
    async with await psycopg.AsyncConnection.connect(place) as folding:
        await folding.execute(
            "UPDATE producers SET folded = 1, folded_id = %s WHERE id = %s", (batch_id, str(producer))
        )
        await folding.execute("DELETE FROM batches WHERE id = %s", (batch_id,))
        again = asyncio.create_task(store.write([made]))
        with psycopg.connect(place, autocommit=True) as looking:
            sql = b"SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            await asyncio.to_thread(wait_until, lambda: looking.execute(sql).rowcount == 1, 20)
        await folding.commit()
    (written,) = await again
    assert written.is_duplicate
