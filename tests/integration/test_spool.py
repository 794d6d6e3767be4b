"""The spool: accepted while RabbitMQ is away, in order afterwards, and never more than there is room for."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from cordwood.broker.interface import Broker
from cordwood.broker.rabbitmq import RabbitBroker
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.spool import Spool
from cordwood.broker.sqlite import SqliteBroker, SqliteDelivery
from cordwood.errors import ConfigError, CordwoodError, Overloaded, Unavailable
from cordwood.model.batch import Batch, expanded
from tests.chaos.trouble import Trouble
from tests.support.builders import batch
from tests.support.fixtures import database
from tests.support.not_here import NotHere
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ
from tests.support.waiting import eventually, wait_until

QUEUE_AGE_S = 2.5
"""A quorum queue that is killed sooner after its declaration does not recover on RabbitMQ 3.10."""


@asynccontextmanager
async def spooled(url: str, queue: str, path: Path, spool_bytes: int = 1 << 20) -> AsyncIterator[Spool]:
    kept = SqliteBroker(path, BrokerSettings(max_size_bytes=spool_bytes, confirm_timeout_s=2))
    async with Spool(RabbitBroker(url, BrokerSettings(queue=queue, confirm_timeout_s=2)), kept, path) as spool:
        yield spool


class Moody(SqliteBroker):
    """A queue file that fails as it is told, and remembers which batches it was asked to take."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, BrokerSettings())
        self.tried: list[UUID] = []
        self.publish_fails: dict[UUID, list[Exception]] = {}
        """What the next publishes of a batch raise."""
        self.settle_fails: dict[UUID, list[Exception]] = {}
        """What its next settlements raise."""

    async def publish(self, batch: Batch) -> None:
        self.tried.append(batch.header.id)
        failures = self.publish_fails.get(batch.header.id)
        if failures:
            raise failures.pop()
        await super().publish(batch)

    def _settle(self, delivery: SqliteDelivery, reason: str | None) -> None:
        failures = self.settle_fails.get(delivery.batch.header.id)
        if failures:
            raise failures.pop()
        super()._settle(delivery, reason)


@asynccontextmanager
async def filled(directory: Path, batches: list[Batch]) -> AsyncIterator[tuple[Spool, Moody, Moody]]:
    """A spool that finds these batches when it is entered; the broker before it; what keeps them."""
    path = directory / "spool.sqlite"
    async with SqliteBroker(path, BrokerSettings()) as broker:
        for each in batches:
            await broker.publish(each)
    primary, kept = Moody(directory / "primary.sqlite"), Moody(path)
    yield Spool(primary, kept, path), primary, kept


async def _is_empty(broker: Broker) -> bool:
    return not (await broker.backlog()).batches


async def delivered(broker: Broker, count: int) -> list[Batch]:
    """So many batches, acked, in the order in which they came."""
    found: list[Batch] = []
    async with asyncio.timeout(30):
        async for delivery in broker.consume(1):
            found.append(delivery.batch)
            await delivery.ack()
            if len(found) == count:
                return found
    raise AssertionError("a consumer does not end")


async def _is_past(moment: float) -> bool:
    return time.monotonic() > moment


async def is_well(broker: Broker) -> bool:
    try:
        await broker.check()
    except CordwoodError:
        return False
    return True


async def test_what_rabbitmq_cannot_take_comes_in_order_when_it_is_back(
    victim_rabbitmq: RabbitMQ, queue_name: str, tmp_path: Path
) -> None:
    sent = [batch([{"n": n}]) for n in range(60)]
    path = tmp_path / "spool.sqlite"
    async with spooled(victim_rabbitmq.url, queue_name, path) as spool:
        await eventually(lambda: is_well(spool._primary), 20, "RabbitMQ to be connected")
        await spool.publish(sent[0])
        since = time.monotonic()
        await eventually(lambda: _is_past(since + QUEUE_AGE_S), 10)
        victim_rabbitmq.kill()
        for each in sent[1:30]:
            await spool.publish(each)
        await spool.check()
    async with spooled(victim_rabbitmq.url, queue_name, path) as spool:
        for each in sent[30:50]:
            await spool.publish(each)
        victim_rabbitmq.start()
        for each in sent[50:]:
            await spool.publish(each)
        found = await delivered(spool, len(sent))
        ids = list(dict.fromkeys(each.header.id for each in found))
        assert ids == [each.header.id for each in sent]
        assert [json.loads(expanded(each)) for each in found] == [{"n": n} for n in range(60)]


@pytest.mark.parametrize("fails", ["to publish", "to ack"])
async def test_an_unexpected_error_is_told_and_draining_goes_on(tmp_path: Path, fails: str) -> None:
    sent = [batch([{"n": n}]) for n in range(40)]
    failing = sent[20].header.id
    async with filled(tmp_path, sent) as (spool, primary, kept):
        if fails == "to publish":
            primary.publish_fails = {failing: [RuntimeError("nobody expects this")]}
        else:
            kept.settle_fails = {failing: [Unavailable("nobody expects this")]}
        with capture_logs() as logs:
            async with spool:
                await eventually(lambda: _is_empty(kept), 10, "the spool to be drained")
                tried = [[each.header.id for each in sent].index(each) for each in primary.tried]
                later = batch([{"n": 40}])
                await spool.publish(later)
                assert primary.tried[-1] == later.header.id, "an empty spool is passed by"
                found = await delivered(spool, len(sent) + 1)
    assert {each.header.id for each in found} == {each.header.id for each in [*sent, later]}
    (again,) = (at for at in range(1, len(tried)) if tried[at] != tried[at - 1] + 1)
    assert tried[again] <= 20 < again, "what was in hand comes again, what had been acked does not"
    assert (tried[0], tried[-1]) == (0, 39)
    (told,) = [each for each in logs if each["log_level"] == "error"]
    assert told["event"] == "spool_drain_failed"
    assert told["path"] == str(tmp_path / "spool.sqlite")
    assert told["hint"]


async def test_nothing_is_sent_behind_a_batch_that_is_sent_again(tmp_path: Path) -> None:
    sent = [batch([{"n": n}]) for n in range(40)]
    stubborn = sent[8].header.id
    async with filled(tmp_path, sent) as (spool, primary, kept):
        # The eight before it leave the spool at once, and make room to send eight more.
        primary.publish_fails = {stubborn: [Unavailable("not now")] * 3}
        async with spool:
            await eventually(lambda: _is_empty(kept), 20, "the spool to be drained")
    first, second, third, last = (at for at, each in enumerate(primary.tried) if each == stubborn)
    assert first < second
    assert primary.tried[second : last + 1] == [stubborn] * 3, f"others between {second}, {third} and {last}"


async def test_a_full_spool_refuses(queue_name: str, tmp_path: Path) -> None:
    async with spooled("amqp://guest:guest@127.0.0.1:1/", queue_name, tmp_path / "spool.sqlite", 2000) as spool:
        with pytest.raises(Overloaded):
            for _ in range(100):
                await spool.publish(batch([{"text": "x" * 50}]))


async def test_two_processes_do_not_share_a_spool(amqp_url: str, queue_name: str, tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    async with spooled(amqp_url, queue_name, path):
        with pytest.raises(ConfigError, match="in use by another"):
            async with spooled(amqp_url, queue_name, path):
                pass


def test_the_api_accepts_while_rabbitmq_is_away(
    victim_rabbitmq: RabbitMQ, victim_postgres: Postgres, queue_name: str, tmp_path: Path
) -> None:
    with database(victim_postgres.url) as store:
        urls = {
            "broker_url": victim_rabbitmq.url,
            "broker_queue": queue_name,
            "store_url": store,
            "broker_spool_bytes": str(1 << 20),
            "broker_confirm_timeout_s": "2",
        }
        data = tmp_path / "data"
        assert Cordwood("migrate", data, **urls).run().returncode == 0
        with Cordwood("worker", data, **urls), Cordwood("query", data, **urls) as query:
            api = Cordwood("api", data, **urls)
            with api:
                victim_rabbitmq.stop()
                for n in range(20):
                    assert api.post("/log", b'{"n":%d}' % n)[0] == 202
                assert api.is_ready()
                wait_until(lambda: b"cordwood_spool_batches 0.0" not in api.get("/metrics")[1], 5)
                api.kill()
            with api:
                assert api.post("/log", b'{"n":20}')[0] == 202
                victim_rabbitmq.start()
                wait_until(lambda: query.count() == 21, 30, "everything to be stored")
                wait_until(lambda: b"cordwood_spool_batches 0.0" in api.get("/metrics")[1], 5)
                assert api.post("/log", b'{"n":21}')[0] == 202
                wait_until(lambda: query.count() == 22, 30)
            assert sorted(event["data"]["n"] for event in query.events()) == list(range(22))


def test_nothing_is_accepted_that_no_disk_has_promised_to_keep(queue_name: str, tmp_path: Path) -> None:
    try:
        trouble = Trouble(tmp_path)
    except NotHere as reason:
        pytest.skip(str(reason))
    api = Cordwood(
        "api",
        tmp_path / "data",
        broker_url="amqp://guest:guest@127.0.0.1:1/",
        broker_queue=queue_name,
        broker_spool_bytes=str(1 << 20),
    )
    api.add_environment(**trouble.environment)
    with api:
        assert api.post("/log", b"{}")[0] == 202
        trouble.fail_syncs(fail=True)
        assert api.post("/log", b"{}")[0] == 503
        trouble.fail_syncs(fail=False)
        assert api.post("/log", b"{}")[0] == 202
