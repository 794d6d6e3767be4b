"""The queue file: killed processes, several processes on one file, full and failing disks, damaged files."""

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from cordwood.broker.interface import Waiting
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker, SqliteDelivery
from cordwood.broker.sqlite_schema import SCHEMA, data_version
from cordwood.broker.sqlite_watch import Watches
from cordwood.db.sqlite import DatabaseThread, migrate, open_database
from cordwood.errors import ConfigError, Overloaded, Unavailable
from cordwood.model.batch import Batch
from tests.support.builders import batch
from tests.support.waiting import eventually, wait_until

PROGRAM = """
import asyncio, sys
from pathlib import Path
from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from tests.support.builders import batch

async def publish(broker):
    while True:
        each = batch()
        await broker.publish(each)
        print(each.header.id, flush=True)

async def consume(broker, settle):
    async for delivery in broker.consume(5):
        if settle == "ack":
            await delivery.ack()
        if settle == "reject":
            await delivery.reject("no")
        print(delivery.batch.header.id, flush=True)

async def main(path, what):
    async with SqliteBroker(Path(path), BrokerSettings()) as broker:
        await (publish(broker) if what == "publish" else consume(broker, what))

asyncio.run(main(*sys.argv[1:]))
"""


class Other:
    """Another process on the same file, that publishes or consumes until killed; and what it said."""

    def __init__(self, path: Path, what: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), what],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "."},
        )
        self._lines: list[bytes] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> set[UUID]:
        """Complete lines only: what a killed process was about to say does not count."""
        return {UUID(line.decode().strip()) for line in self._lines if line.endswith(b"\n")}

    def has_said(self, count: int) -> None:
        wait_until(lambda: len(self._lines) >= count, 20, f"{count} lines of the other process")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._thread.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None, "a pipe was asked for"
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line)  # others look at it meanwhile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite"


@pytest.fixture
async def broker(path: Path) -> AsyncIterator[SqliteBroker]:
    async with SqliteBroker(path, BrokerSettings()) as opened:
        yield opened


async def taken(broker: SqliteBroker, count: int) -> list[SqliteDelivery]:
    """The next deliveries, all in hand at once; then the consumer goes."""
    async with contextlib.aclosing(broker.consume(count)) as deliveries:
        async with asyncio.timeout(10):
            return [await anext(deliveries) for _ in range(count)]


async def test_what_a_killed_process_had_confirmed_is_there(path: Path) -> None:
    publisher = Other(path, "publish")
    await asyncio.to_thread(publisher.has_said, 100)
    publisher.kill()
    async with SqliteBroker(path, BrokerSettings()) as broker:
        waiting = (await broker.backlog()).batches
        found = {delivery.batch.header.id for delivery in await taken(broker, waiting)}
    assert publisher.said <= found
    assert len(found) <= len(publisher.said) + 1, "at most the one whose confirm was not said"


async def test_what_a_killed_process_had_not_settled_comes_again_marked(path: Path, broker: SqliteBroker) -> None:
    sent = [batch() for _ in range(3)]
    for each in sent:
        await broker.publish(each)
    worker = Other(path, "keep")
    await asyncio.to_thread(worker.has_said, 3)
    worker.kill()
    later = batch()
    async with contextlib.aclosing(broker.consume(10)) as deliveries:
        again = [await anext(deliveries) for _ in sent]
        await broker.publish(later)
        new = await anext(deliveries)
    assert [delivery.batch for delivery in again] == sent
    assert all(delivery.is_redelivered for delivery in again)
    assert (new.batch, new.is_redelivered) == (later, False)


async def test_what_another_process_publishes_is_delivered_within_a_moment(path: Path, broker: SqliteBroker) -> None:
    async with contextlib.aclosing(broker.consume(10)) as deliveries:
        waiting = asyncio.create_task(anext(deliveries))
        publisher = Other(path, "publish")
        try:
            async with asyncio.timeout(10):
                await (await waiting).ack()
        finally:
            publisher.kill()


@pytest.mark.parametrize(("settle", "settlement"), [("ack", "stored"), ("reject", "rejected")])
async def test_a_watcher_hears_a_worker_in_another_process(
    path: Path, broker: SqliteBroker, settle: str, settlement: str
) -> None:
    warm, *more = [batch() for _ in range(20)]
    await broker.publish(warm)
    worker = Other(path, settle)
    try:
        await asyncio.to_thread(worker.has_said, 1)
        for each in more:  # often settled before the watcher's first look at the file
            async with broker.watch(each.header.id) as settled:
                await broker.publish(each)
                async with asyncio.timeout(5):
                    assert await settled == settlement
    finally:
        worker.kill()


async def test_one_process_consumes_and_the_second_is_told_which(path: Path, broker: SqliteBroker) -> None:
    await broker.publish(batch())
    worker = Other(path, "keep")
    try:
        await asyncio.to_thread(worker.has_said, 1)
        with pytest.raises(ConfigError, match=f"pid {worker.pid}"):
            await taken(broker, 1)
    finally:
        worker.kill()
    assert await taken(broker, 1)


async def test_the_oldest_comes_first_also_when_given_back(broker: SqliteBroker) -> None:
    sent = [batch([{"n": n}]) for n in range(40)]
    for each in sent:
        await broker.publish(each)
    async with contextlib.aclosing(broker.consume(40)) as deliveries:
        first = [await anext(deliveries) for _ in range(40)]
        for delivery in reversed(first):
            await delivery.nack()
        again = [await anext(deliveries) for _ in range(40)]
    assert [delivery.batch for delivery in first] == sent
    assert [delivery.batch for delivery in again] == sent


async def test_what_was_acked_a_moment_ago_does_not_come_to_the_next_consumer(broker: SqliteBroker) -> None:
    first, second = batch(), batch()
    await broker.publish(first)
    await broker.publish(second)
    await (await taken(broker, 1))[0].ack()
    assert [delivery.batch for delivery in await taken(broker, 1)] == [second]


async def test_a_watcher_that_looked_too_early_looks_again(path: Path, broker: SqliteBroker) -> None:
    async with contextlib.AsyncExitStack() as stack:
        reader = DatabaseThread(open_database(path, synchronous="NORMAL"), "reader")
        stack.push_async_callback(reader.close)
        watches = Watches(reader, 0.01)
        waiting, gone = batch(), batch()
        await broker.publish(waiting)
        await stack.enter_async_context(watches.watch(waiting.header.id))
        settled = await stack.enter_async_context(watches.watch(gone.header.id))
        watches.published(waiting.header.id)

        async def has_looked() -> bool:
            return watches._seen_version == await reader.run(data_version)

        await eventually(has_looked, 5, "a look at the file")
        # By now a worker has taken the batch, before its publisher's own thread said that it was committed.
        watches.published(gone.header.id)
        async with asyncio.timeout(5):
            assert await settled == "stored"


async def test_a_reason_is_kept_with_the_dead_letter(path: Path) -> None:
    sent = batch()
    async with SqliteBroker(path, BrokerSettings()) as broker:
        await broker.publish(sent)
        await (await taken(broker, 1))[0].reject("no column for it")
    ((batch_id, header, body, reason),) = rows(path, "SELECT batch_id, header, body, reason FROM dead")
    assert (UUID(bytes=batch_id), body, reason) == (sent.header.id, sent.body, "no column for it")
    assert msgspec.json.decode(header)["tenant"] == "default"
    assert rows(path, "SELECT * FROM queue") == []
    assert rows(path, "SELECT batches, size_bytes FROM totals") == [(0, 0)]


async def test_a_row_that_is_no_batch_is_buried_and_holds_nobody_up(path: Path, broker: SqliteBroker) -> None:
    await broker.publish(batch())
    rows(path, "UPDATE queue SET header = x'00ff'")
    sent = batch()
    await broker.publish(sent)
    assert [delivery.batch for delivery in await taken(broker, 1)] == [sent]

    async def is_buried() -> bool:
        return [reason for (reason,) in rows(path, "SELECT reason FROM dead") if "does not read back" in reason] != []

    await eventually(is_buried, 5, "the row to be buried")


async def test_publishers_that_come_together_share_commits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    changed_connection(monkeypatch, lambda connection: connection.set_trace_callback(count))
    async with SqliteBroker(path, BrokerSettings()) as broker:
        before = commits
        await asyncio.gather(*(broker.publish(batch()) for _ in range(640)))
        assert commits - before <= 64
        assert (await broker.backlog()).batches == 640


def page_limit(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 40")


async def test_a_full_disk_is_said_and_acks_make_room_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_connection(monkeypatch, page_limit)
    async with SqliteBroker(path, BrokerSettings()) as broker:
        confirmed = await fill(broker)
        too_large = batch([{"noise": os.urandom(1 << 20).hex()}])
        with pytest.raises(Unavailable) as refused:
            await broker.publish(noise())
        assert "free disk space" in refused.value.hint
        with pytest.raises(Unavailable):
            await broker.check()
        async with contextlib.aclosing(broker.consume(len(confirmed))) as deliveries:
            held = [await anext(deliveries) for _ in confirmed]
            # Acks that share a commit with a publish for which there is never room must not be lost with it.
            for delivery in held:
                await delivery.ack()
            with pytest.raises(Unavailable):
                await broker.publish(too_large)
            await eventually(lambda: can_publish(broker), 5, "acks to make room")
            await broker.check()
    assert {delivery.batch.header.id for delivery in held} == confirmed
    left = {UUID(bytes=batch_id) for (batch_id,) in rows(path, "SELECT batch_id FROM queue")}
    assert not left & confirmed


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """Writes past 1 MB fail, as on a disk that has gone bad; the test lifts the limit or leaves that to us."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("file_size_limit")
async def test_a_disk_that_fails_is_said_and_nothing_confirmed_is_lost(path: Path) -> None:
    async with SqliteBroker(path, BrokerSettings()) as broker:
        confirmed = await fill(broker)
        with pytest.raises(Unavailable) as refused:
            await broker.publish(noise())
        assert "disk" in refused.value.hint
        with pytest.raises(Unavailable):
            await broker.check()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await broker.check()
        last = noise()
        await broker.publish(last)
        waiting = (await broker.backlog()).batches
        found = {delivery.batch.header.id for delivery in await taken(broker, waiting)}
    assert confirmed | {last.header.id} <= found


async def test_a_file_that_somebody_holds_is_waited_for_within_bounds(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cordwood.broker.sqlite_writer._MAX_PENDING_BYTES", 20_000)
    async with SqliteBroker(path, BrokerSettings(confirm_timeout_s=0.2)) as broker:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(5):
                outcomes = await asyncio.gather(*(broker.publish(noise()) for _ in range(20)), return_exceptions=True)
            holder.execute("ROLLBACK")
        kinds = {type(outcome) for outcome in outcomes}
        assert kinds == {Unavailable, Overloaded}, "a few wait for the disk, the rest are refused before memory grows"
        await eventually(lambda: can_publish(broker), 10, "publishing to go on")


@pytest.fixture(params=[b"no database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 9000], ids=["text", "header"])
def damaged(request: pytest.FixtureRequest, path: Path) -> Iterator[Path]:
    path.write_bytes(request.param)
    yield path
    assert path.read_bytes() == request.param, "it may still be mended"


async def test_a_damaged_file_is_a_wrong_setting(damaged: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        await SqliteBroker(damaged, BrokerSettings()).__aenter__()
    assert str(damaged) in refused.value.message
    assert refused.value.hint


async def test_a_directory_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as refused:
        await SqliteBroker(tmp_path / "file" / "queue.sqlite", BrokerSettings()).__aenter__()
    assert "CORDWOOD_DATA_DIR" in refused.value.hint


async def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    with contextlib.closing(open_database(path, synchronous="FULL")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        await SqliteBroker(path, BrokerSettings()).__aenter__()


async def test_a_file_of_an_older_program_goes_on(path: Path) -> None:
    sent = batch()
    with contextlib.closing(open_database(path, synchronous="FULL")) as connection:
        migrate(connection, SCHEMA[:1])
        connection.execute(
            "INSERT INTO queue (batch_id, header, enqueued_at_us, size_bytes, body) VALUES (?, ?, 0, ?, ?)",
            (sent.header.id.bytes, msgspec.json.encode(sent.header), len(sent.body), sent.body),
        )
    async with SqliteBroker(path, BrokerSettings()) as broker:
        backlog = await broker.backlog()
        assert (backlog.batches, backlog.size_bytes) == (1, len(sent.body))
        assert [delivery.batch for delivery in await taken(broker, 1)] == [sent]


async def test_leaving_commits_what_was_settled_and_ends_every_thread(path: Path) -> None:
    before = set(threading.enumerate())
    async with SqliteBroker(path, BrokerSettings()) as broker:
        for _ in range(50):
            await broker.publish(batch())
        for delivery in await taken(broker, 50):
            await delivery.ack()
    assert rows(path, "SELECT count(*) FROM queue") == [(0,)]
    wait_until(lambda: not [each for each in set(threading.enumerate()) - before if "queue" in each.name], 5)


def changed_connection(monkeypatch: pytest.MonkeyPatch, change: Callable[[sqlite3.Connection], None]) -> None:
    """Let `change` prepare every connection that a broker opens."""

    def opened(path: Path, **options: Any) -> sqlite3.Connection:
        connection = open_database(path, **options)
        change(connection)
        return connection

    monkeypatch.setattr("cordwood.broker.sqlite.open_database", opened)


def noise() -> Batch:
    return batch([{"noise": os.urandom(4000).hex()}])


async def fill(broker: SqliteBroker) -> set[UUID]:
    """Publish until the disk is full; the ids of those confirmed."""
    confirmed: set[UUID] = set()
    with contextlib.suppress(Unavailable):
        while True:
            each = noise()
            await broker.publish(each)
            confirmed.add(each.header.id)
    assert confirmed
    return confirmed


async def can_publish(broker: SqliteBroker) -> bool:
    with contextlib.suppress(Unavailable, Overloaded):
        await broker.publish(batch())
        return True
    return False


def rows(path: Path, sql: str) -> list[Any]:
    """What another program sees in the file."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


async def test_what_waits_in_a_queue_of_an_earlier_version_is_counted_too(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    held = batch([{"n": 1}, {"n": 2}])
    with contextlib.closing(open_database(path, synchronous="FULL")) as queue:
        migrate(queue, SCHEMA[:2])
        for header in (msgspec.json.encode(held.header), b"damaged"):
            queue.execute(
                "INSERT INTO queue (batch_id, header, enqueued_at_us, size_bytes, body) VALUES (?, ?, 5, 1, 'b')",
                (header[:16], header),
            )
    async with SqliteBroker(path, BrokerSettings()) as broker:
        assert await broker.waiting(held.header.tenant) == Waiting(2, 5)
