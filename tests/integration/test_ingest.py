"""Requests into batches over a real queue: sharing, splitting, failing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from cordwood.clock import SystemClock
from cordwood.errors import Overloaded, Unavailable
from cordwood.ingest.packer import Packer
from cordwood.ingest.producer import Producers
from cordwood.ingest.service import Ingest
from cordwood.ingest.settings import IngestSettings
from cordwood.model.batch import expanded
from cordwood.model.ledger import Heartbeat, heartbeats_of
from cordwood.model.receipt import parse_receipt
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.protocols.decoded import Chunk
from tests.support.clock import SettableClock


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[SqliteBroker]:
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings()) as opened:
        yield opened


def packer_of(broker: SqliteBroker) -> Packer:
    return Packer(broker, SystemClock(), Producers(broker, SystemClock(), 5.0))


async def batches(broker: SqliteBroker, count: int) -> dict[str, bytes]:
    """What is in the queue, by batch id."""
    found: dict[str, bytes] = {}
    async with contextlib.aclosing(broker.consume(count)) as deliveries:
        async for delivery in deliveries:
            found[str(delivery.batch.header.id)] = expanded(delivery.batch)
            await delivery.ack()
            if len(found) == count:
                break
    return found


async def test_requests_that_arrive_together_share_batches(broker: SqliteBroker) -> None:
    ingest = Ingest(broker, SystemClock(), IngestSettings())
    taken = await asyncio.gather(
        *(ingest.take_json(DEFAULT_TENANT, b'{"n":%d}' % n, "", wait=False) for n in range(200))
    )
    waiting = (await broker.backlog()).batches
    assert 1 <= waiting < 50
    kept = await batches(broker, waiting)
    for n, each in enumerate(taken):
        assert each.receipt is not None
        (part,) = parse_receipt(str(each.receipt)).parts
        assert kept[str(part.batch_id)].splitlines()[part.first : part.first + part.count] == [b'{"n":%d}' % n]


async def test_tenants_never_share_a_batch(broker: SqliteBroker) -> None:
    packer = packer_of(broker)
    chunk = Chunk(b'{"n":1}\n', 1)
    parts = await asyncio.gather(*(packer.pack(Tenant(f"t{n % 4}"), "json", chunk) for n in range(40)))
    owners: dict[object, set[int]] = {}
    for n, part in enumerate(parts):
        owners.setdefault(part.batch_id, set()).add(n % 4)
    assert all(len(tenants) == 1 for tenants in owners.values())


async def test_everyone_who_waits_hears_of_a_failure(tmp_path: Path) -> None:
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings(max_size_bytes=10)) as full:
        packer = packer_of(full)
        outcomes = await asyncio.gather(
            *(packer.pack(DEFAULT_TENANT, "json", Chunk(b'{"n":1}\n', 1)) for _ in range(30)), return_exceptions=True
        )
        assert all(isinstance(outcome, Overloaded) for outcome in outcomes)


async def test_a_sender_that_leaves_takes_nobody_along(broker: SqliteBroker) -> None:
    packer = packer_of(broker)
    chunk = Chunk(b'{"n":1}\n', 1)
    tasks = [asyncio.create_task(packer.pack(DEFAULT_TENANT, "json", chunk)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes[1::2])
    assert not any(isinstance(outcome, Unavailable) for outcome in outcomes)


class _Failed(Exception):
    pass


async def heartbeats(broker: SqliteBroker) -> list[Heartbeat]:
    """What the next message in the queue says."""
    (lines,) = (await batches(broker, 1)).values()
    return heartbeats_of(lines)


async def test_a_heartbeat_tells_the_highest_number_and_the_abandoned_ones(broker: SqliteBroker) -> None:
    producers = Producers(broker, SystemClock(), interval_s=0.01)
    stop = asyncio.Event()
    numbers = []
    for is_good in (True, False, False, True, False):
        with contextlib.suppress(_Failed), producers.number(DEFAULT_TENANT) as number:
            numbers.append(number.sequence)
            if not is_good:
                raise _Failed
    with producers.number(Tenant("other")) as other:
        pass
    beating = asyncio.create_task(producers.beat_until(stop))
    mine, theirs = await heartbeats(broker)
    assert (numbers, mine.settled, mine.abandoned, mine.is_ended) == ([1, 2, 3, 4, 5], 5, [(2, 3), (5, 5)], False)
    assert (theirs.tenant, theirs.settled, theirs.producer) == ("other", 1, other.producer)
    assert theirs.producer != mine.producer
    assert [beat.abandoned for beat in await heartbeats(broker)] == [[], []], "said once it is heard"
    stop.set()
    await beating
    await producers.end()
    waiting = (await broker.backlog()).batches
    *_, last = (await batches(broker, waiting)).values()
    assert [beat.is_ended for beat in heartbeats_of(last)] == [True, True]


async def test_what_a_full_queue_refused_is_abandoned_later(tmp_path: Path) -> None:
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings(max_size_bytes=1)) as full:
        producers = Producers(full, SystemClock(), 60)
        packer = Packer(full, SystemClock(), producers)
        with pytest.raises(Overloaded):
            await packer.pack(DEFAULT_TENANT, "json", Chunk(b'{"n":1}\n', 1))
        await producers.end()
        assert (await full.backlog()).batches == 0, "the heartbeat found no room either"
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings()) as roomy:
        producers._broker = roomy
        await producers.end()
        (beat,) = await heartbeats(roomy)
        assert (beat.settled, beat.abandoned, beat.is_ended) == (1, [(1, 1)], True)


async def test_an_idle_producer_ends_and_the_next_batch_has_another(broker: SqliteBroker) -> None:
    clock = SettableClock()
    producers = Producers(broker, clock, interval_s=0.01)
    with producers.number(DEFAULT_TENANT) as first:
        pass
    clock.advance_us(31_000_000)
    stop = asyncio.Event()
    beating = asyncio.create_task(producers.beat_until(stop))
    (beat,) = await heartbeats(broker)
    assert (beat.producer, beat.is_ended) == (first.producer, True)
    with producers.number(DEFAULT_TENANT) as second:
        assert second.producer != first.producer
        assert second.sequence == 1
    stop.set()
    await beating
