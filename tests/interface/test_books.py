"""What the ledger needs of every store: counts that balance, repetitions that are known, gaps that show."""

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
from cordwood.model.deadletter import WHOLE_BATCH, DeadLetter
from cordwood.model.ledger import MINUTE_US, Heartbeat, Missing, judge
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load, Store
from tests.interface.test_store import NOON, OTHER, at
from tests.support.builders import load

MARK = "00112233445566778899aabbccddeeff"
HOUR = 3_600_000_000


AgeMarks = Callable[[int], None]


@pytest.fixture
def age_marks(kind: str, place: str) -> AgeMarks:
    """Makes what is remembered of requests so many seconds older."""

    def age(seconds: int) -> None:
        if kind == "segments":
            with closing(sqlite3.connect(Path(place) / "catalog.sqlite")) as catalog, catalog:
                catalog.execute("UPDATE idempotency SET first_us = first_us - ?", (seconds * 1_000_000,))
        else:
            with psycopg.connect(place) as connection:
                connection.execute("UPDATE idempotency SET first_at = first_at - make_interval(secs => %s)", (seconds,))

    return age


def marked(made: Load, mark: str = MARK) -> Load:
    """The same, from a request with an idempotency key."""
    return replace(made, batch=replace(made.batch, header=replace(made.batch.header, idempotency=mark)))


def numbered(made: Load, producer: UUID, sequence: int) -> Load:
    header = replace(made.batch.header, producer=producer, sequence=sequence)
    return replace(made, batch=replace(made.batch, header=header))


def dead(made: Load, ordinal: int = 0, events: int = 1) -> Load:
    header = made.batch.header
    letter = DeadLetter(
        batch_id=header.id,
        ordinal=ordinal,
        tenant=header.tenant,
        protocol="json",
        reason="it will not do",
        received_at_us=header.received_at_us,
        body=b"{}",
        events=events,
    )
    return Load(made.batch, made.ndjson if ordinal >= 0 else b"", [letter])


async def stored(store: Store, tenant: Tenant = DEFAULT_TENANT) -> int:
    return await store.count(Plan(), tenant)


async def faults(store: Store) -> list[str]:
    accounts = await store.accounts(None, is_counted=True)
    findings = judge(replace(accounts, drained_us=2 * NOON), SystemClock().now_us() + HOUR)
    return [finding.what for finding in findings if finding.is_fault]


async def test_a_repeated_request_is_deduplicated(store: Store) -> None:
    first, again = marked(load([{"n": 1}, {"n": 2}])), marked(load([{"n": 1}, {"n": 2}]))
    (one,) = await store.write([first])
    (two,) = await store.write([again])
    assert (one.stored, one.deduplicated, two.stored, two.deduplicated) == (2, 0, 0, 2)
    assert not two.is_duplicate
    assert await stored(store) == 2
    (account,) = await store.batches([again.batch.header.id], DEFAULT_TENANT)
    assert (account.deduplicated, account.duplicate_of) == (2, first.batch.header.id)
    assert await faults(store) == []


async def test_repetitions_in_one_transaction_and_at_the_same_moment_are_stored_once(store: Store) -> None:
    together = [marked(load([{"n": 1}])) for _ in range(3)]
    written = await store.write(together)
    assert sorted(each.stored for each in written) == [0, 0, 1]
    apart = [marked(load([{"n": 2}]), "f" * 32) for _ in range(6)]
    outcomes = await asyncio.gather(*(store.write([each]) for each in apart))
    assert sorted(each.stored for (each,) in outcomes) == [0, 0, 0, 0, 0, 1]
    assert await stored(store) == 2
    assert await faults(store) == []


async def test_a_redelivered_batch_is_no_repetition_of_itself(store: Store) -> None:
    first = marked(load([{"n": 1}]))
    await store.write([first])
    (again,) = await store.write([first])
    assert (again.is_duplicate, again.deduplicated) == (True, 0)
    assert await faults(store) == []


async def test_a_key_is_remembered_for_its_window(store: Store, age_marks: AgeMarks) -> None:
    await store.write([marked(load([{"n": 1}]))])
    age_marks(86_390)
    await store.tend()
    (again,) = await store.write([marked(load([{"n": 1}]))])
    assert again.deduplicated == 1
    age_marks(20)
    await store.tend()
    (later,) = await store.write([marked(load([{"n": 1}]))])
    assert later.stored == 1


async def test_another_tenant_may_use_the_same_key(store: Store) -> None:
    await store.write([marked(load([{"n": 1}])), marked(load([{"n": 1}], tenant=OTHER))])
    assert (await stored(store), await stored(store, OTHER)) == (1, 1)


async def test_batches_of_another_tenant_are_unknown(store: Store) -> None:
    made = load(tenant=OTHER)
    await store.write([made])
    assert await store.batches([made.batch.header.id], DEFAULT_TENANT) == []


async def test_minutes_count_what_became_of_events(store: Store) -> None:
    loads = [
        load([{"n": 1}, {"n": 2}], received_at_us=NOON),
        dead(load([{"n": 3}, {"n": 4}], received_at_us=NOON + 1)),
        dead(load([{"n": 5}] * 5, received_at_us=NOON + MINUTE_US), WHOLE_BATCH, events=5),
        load(received_at_us=NOON - 1),
        load(received_at_us=NOON, tenant=OTHER),
    ]
    await store.write(loads)
    first, second = await store.minutes(DEFAULT_TENANT, NOON, NOON + HOUR)
    assert (first.start_us, first.batches, first.accepted, first.stored, first.dead_lettered) == (NOON, 2, 4, 3, 1)
    assert (second.start_us, second.accepted, second.stored, second.dead_lettered) == (NOON + MINUTE_US, 5, 0, 5)
    assert await faults(store) == []


async def test_the_days_hold_what_was_stored(store: Store) -> None:
    day = 24 * 3600
    await store.write([load([at(0), at(1), at(-day), at(day), {"timestamp": "0001-01-01"}])])
    accounts = await store.accounts(DEFAULT_TENANT, is_counted=True)
    today = NOON // (day * 1_000_000)
    assert [(each.day - today, each.stored, each.held) for each in accounts.holdings[1:]] == [
        (-1, 1, 1),
        (0, 2, 2),
        (1, 1, 1),
    ]
    assert accounts.holdings[0].held == 1
    assert (await store.accounts(OTHER, is_counted=True)).holdings == []


async def test_a_number_that_nobody_knows_of_is_missing(store: Store) -> None:
    producer = SystemClock().batch_id()
    await store.write([numbered(load(), producer, sequence) for sequence in (1, 2, 5, 9)])
    beat = Heartbeat(producer=producer, tenant=DEFAULT_TENANT, settled=11, said_at_us=NOON, abandoned=[(3, 4), (7, 7)])
    for _ in range(2):
        await store.hear([beat, replace(beat, settled=10, abandoned=[(3, 3)])])
    (account,) = (await store.accounts(None, is_counted=False)).producers
    assert [(missing.first, missing.last) for missing in account.missing] == [(6, 6), (8, 8), (10, 11)]
    assert (account.highest, account.is_ended) == (11, False)
    await store.hear([replace(beat, is_ended=True), replace(beat, settled=3)])
    (account,) = (await store.accounts(None, is_counted=False)).producers
    assert (account.highest, account.is_ended) == (11, True)
    assert isinstance(account.missing[0], Missing)


async def test_a_producer_that_stored_nothing_is_known_from_its_heartbeats(store: Store) -> None:
    producer = SystemClock().batch_id()
    await store.hear([Heartbeat(producer=producer, tenant=OTHER, settled=2, said_at_us=NOON)])
    (account,) = (await store.accounts(OTHER, is_counted=False)).producers
    assert [(missing.first, missing.last) for missing in account.missing] == [(1, 2)]
    await store.hear([Heartbeat(producer=producer, tenant=OTHER, settled=2, said_at_us=NOON)])
    (again,) = (await store.accounts(OTHER, is_counted=False)).producers
    assert again.heard_at_us == account.heard_at_us, "an old heartbeat is no sign of life"
    await store.hear([Heartbeat(producer=producer, tenant=OTHER, settled=2, said_at_us=NOON + 1)])
    (again,) = (await store.accounts(OTHER, is_counted=False)).producers
    assert again.heard_at_us > account.heard_at_us
    assert (await store.accounts(DEFAULT_TENANT, is_counted=False)).producers == []


async def test_what_all_workers_found_empty_is_drained(store: Store) -> None:
    worker = SystemClock().batch_id()
    assert (await store.accounts(None, is_counted=False)).drained_us is None
    await store.report(worker, "", is_drained=False)
    assert (await store.accounts(None, is_counted=False)).drained_us is None
    await store.report(worker, "", is_drained=True)
    drained_us = (await store.accounts(None, is_counted=False)).drained_us
    assert drained_us is not None
    await store.report(worker, "", is_drained=False)
    assert (await store.accounts(None, is_counted=False)).drained_us == drained_us
