"""A disk that runs low: senders are told to wait before anything fails, what is queued is stored, and it recovers."""

import asyncio
import contextlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from cordwood.db.disk import Reserve
from cordwood.errors import Overloaded
from cordwood.model.batch import Batch
from tests.support.builders import batch
from tests.support.disk import fill, free_bytes, mounted
from tests.support.not_here import NotHere
from tests.support.processes import Cordwood
from tests.support.waiting import eventually, wait_until

DISK_MB = 100
RESERVE = 10 << 20
"""A tenth of the disk, which is too small for the default."""
STORE_RESERVE = RESERVE // 4


LARGER = 4
"""Times as large: two write-ahead logs, of 4 MB each, then fit into what the store leaves alone."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a small disk of its own."""
    yield from small_disk(tmp_path / "disk", DISK_MB)


@pytest.fixture
def larger_disk(tmp_path: Path) -> Iterator[Path]:
    yield from small_disk(tmp_path / "disk", LARGER * DISK_MB)


def small_disk(directory: Path, size_mb: int) -> Iterator[Path]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(mounted(directory, size_mb))
        except NotHere as reason:
            pytest.skip(str(reason))
        yield directory


def noise() -> Batch:
    return batch([{"noise": os.urandom(100_000).hex()}])


async def published_until_refused(broker: SqliteBroker) -> tuple[int, Overloaded]:
    """How many batches were taken, and what the last one was told."""
    for taken in range(2000):
        try:
            await broker.publish(noise())
        except Overloaded as refused:
            return taken, refused
    raise AssertionError("a disk of 100 MB took 200 MB")


async def can_publish(broker: SqliteBroker) -> bool:
    with contextlib.suppress(Overloaded):
        await broker.publish(batch())
        return True
    return False


async def test_a_queue_leaves_the_reserve_of_its_disk_alone(disk: Path) -> None:
    fill(disk / "filler", 3 * RESERVE)
    async with SqliteBroker(disk / "queue.sqlite", BrokerSettings()) as broker:
        await broker.check()
        taken, refused = await published_until_refused(broker)
        assert taken > 20
        assert str(disk) in refused.message
        assert str(disk) in refused.hint
        assert "MIN_FREE_BYTES" in refused.hint
        assert refused.retry_after_s == 5, "a worker may make room at any moment"
        assert free_bytes(disk) >= RESERVE
        for _ in range(5):
            # What the log held has come into the file: that may have made room for a few more.
            with contextlib.suppress(Overloaded):
                await broker.check()
                taken += (await published_until_refused(broker))[0]
        assert free_bytes(disk) >= RESERVE
        with pytest.raises(Overloaded, match="kept for storing what is queued"):
            await broker.check()
        # Publishers who come together do not use it up together, either.
        outcomes = await asyncio.gather(*(broker.publish(noise()) for _ in range(200)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Overloaded}
        assert broker._writer.failure is None, "no write was tried that fails"
        (disk / "filler").unlink()
        await broker.publish(noise())
        await broker.check()
        assert (await broker.backlog()).batches == taken + 1


async def test_publishers_that_come_together_leave_the_reserve_alone(disk: Path) -> None:
    fill(disk / "filler", 2 * RESERVE)
    async with SqliteBroker(disk / "queue.sqlite", BrokerSettings()) as broker:
        outcomes = await asyncio.gather(*(broker.publish(noise()) for _ in range(500)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {type(None), Overloaded}
        assert free_bytes(disk) >= RESERVE


async def test_an_emptied_queue_gives_its_disk_back(disk: Path) -> None:
    path = disk / "queue.sqlite"
    async with SqliteBroker(path, BrokerSettings()) as broker:
        taken, _ = await published_until_refused(broker)
        fill(disk / "filler", RESERVE)
        grown = path.stat().st_size
        async with contextlib.aclosing(broker.consume(16)) as deliveries:
            for _ in range(taken):
                await (await anext(deliveries)).ack()

        async def has_shrunk() -> bool:
            return path.stat().st_size < grown - RESERVE

        # Nobody frees the disk but the queue itself; without that it would be short for ever.
        await eventually(has_shrunk, 10, "the queue to give room back")
        for _ in range(20):
            await eventually(lambda: can_publish(broker), 5, "room to publish")
        (disk / "filler").unlink()


async def test_a_queue_that_only_an_operator_can_help_says_so(disk: Path) -> None:
    fill(disk / "filler", RESERVE)
    async with SqliteBroker(disk / "queue.sqlite", BrokerSettings()) as broker:
        with pytest.raises(Overloaded) as refused:
            await broker.publish(batch())
        assert refused.value.retry_after_s == 30


def test_the_reserve_is_what_was_asked_for_or_a_share_of_a_small_disk(disk: Path) -> None:
    assert Reserve(disk, 5 << 20, most=0.1).look().reserve_bytes == 5 << 20
    assert Reserve(disk, 256 << 20, most=0.1).look().reserve_bytes == RESERVE


def test_senders_are_told_to_wait_and_what_is_queued_is_stored(larger_disk: Path) -> None:
    disk = larger_disk
    data = disk / "data"
    data.mkdir()
    # Who asks is there before the disk is full: to open a database takes room, too.
    assert Cordwood("migrate", data).run().returncode == 0
    with Cordwood("api", data) as api, Cordwood("query", data) as query:
        sent = 0
        fill(disk / "filler", 2 * LARGER * RESERVE)
        while (answer := post(api, sent))[0] == 202:
            sent += 1
        status, problem, headers = answer
        assert (status, problem["type"]) == (429, "urn:cordwood:problem:overloaded")
        assert headers["Retry-After"] == "5"
        assert str(data) in problem["hint"]
        status, body = api.get("/ready")
        assert status == 503
        assert list(json.loads(body)["reasons"]) == ["broker"]
        assert free_bytes(disk) > LARGER * STORE_RESERVE
        # What the queue leaves is enough for a worker to store what it holds.
        worker = Cordwood("worker", data, worker_max_load_bytes="200000")
        with contextlib.ExitStack() as stack:
            stack.push(worker.__exit__)
            worker.start(wait=False)  # it says that the queue takes no more, and is not ready either
            wait_until(lambda: query.count() == sent, 30, "what was queued to be stored")
            (disk / "filler").unlink()
            wait_until(api.is_ready, 10, "room to be noticed")
            assert post(api, sent)[0] == 202
            wait_until(lambda: query.count() == sent + 1, 10)


def test_segments_leave_room_for_the_books(disk: Path) -> None:
    with Cordwood("up", disk / "data", broker_min_free_bytes="0") as up:
        assert up.post("/log", b'{"n":1}')[0] == 202
        wait_until(lambda: up.count() == 1, 10)
        fill(disk / "filler", STORE_RESERVE - 100_000)
        assert post(up, 2)[0] == 202
        wait_until(lambda: "kept for the books" in up.log(), 10, "the store to refuse")
        assert "kept for the books" in json.loads(up.get("/ready")[1])["reasons"]["store"]
        assert up.count() == 1
        (disk / "filler").unlink()
        wait_until(lambda: up.count() == 2, 20, "the store to go on")


def post(server: Cordwood, number: int) -> tuple[int, dict[str, str], Message]:
    """Status, answer and headers, for an event of 100 kB that does not compress."""
    body = json.dumps({"n": number, "noise": os.urandom(50_000).hex()}).encode()
    try:
        with urllib.request.urlopen(server.url + "/log", data=body, timeout=30) as response:
            return response.status, json.loads(response.read()), response.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers
