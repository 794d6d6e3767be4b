"""What only PostgreSQL rows do: give way to other transactions, end a read in time, read what older versions kept."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from cordwood.errors import ConfigError, Refused, Unavailable
from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.interface import Load
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import PRODUCER, equal, load
from tests.support.waiting import eventually, wait_until


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[PostgresStore]:
    made = StoreSettings(partition_days_back=0, partition_days_ahead=0)
    async with PostgresStore(url, made) as store:
        await store.migrate()
    async with PostgresStore(url, StoreSettings(**settings)) as store:
        yield store


@contextmanager
def another(url: str) -> Iterator[psycopg.Connection]:
    """Somebody else's transaction, rolled back unless it is committed. It is never the one that a deadlock ends."""
    with psycopg.connect(url) as connection:
        connection.execute("SET deadlock_timeout = '10min'")
        connection.commit()
        yield connection
        connection.rollback()


async def waiting(url: str, *, how_many: int = 1) -> None:
    """Return once as many connections wait for a lock."""

    async def waits() -> bool:
        with psycopg.connect(url) as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            row = connection.execute(query).fetchone()
        return row is not None and row[0] >= how_many

    await eventually(waits, 20, "a connection to wait for a lock")


def insert_batch(connection: psycopg.Connection, written: Load) -> None:
    connection.execute(
        "INSERT INTO batches (id, tenant, protocol, producer, sequence, events, stored, dead_lettered, received_at)"
        " VALUES (%s, 'default', 'json', %s, 1, 1, 1, 0, now())",
        (written.batch.header.id, PRODUCER),
    )


async def rows(store: PostgresStore) -> list[StoredEvent]:
    return [event async for block in store.read(Plan(), DEFAULT_TENANT) for event in block]


@pytest.mark.parametrize("theirs_stays", [False, True])
async def test_a_write_that_a_deadlock_ended_is_made_again_once(postgres_url: str, theirs_stays: bool) -> None:
    async with opened(postgres_url) as store:
        await store.write([load([{"n": 0}])])
        written = load([{"n": 1}, {"n": 2}])
        with another(postgres_url) as theirs:
            theirs.execute("UPDATE slices SET version = version + 1")
            writing = asyncio.create_task(store.write([written]))
            await waiting(postgres_url)
            # Waits for our batch, while we wait for their slice: the server ends our transaction.
            await asyncio.to_thread(insert_batch, theirs, written)
            await waiting(postgres_url)
            if theirs_stays:
                theirs.commit()
            else:
                theirs.rollback()
            async with asyncio.timeout(20):
                (outcome,) = await writing
        assert (outcome.stored, outcome.is_duplicate) == ((0, True) if theirs_stays else (2, False))
        assert len(await rows(store)) == (1 if theirs_stays else 3)


async def test_a_write_that_could_not_be_serialized_is_made_again(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'".encode())
    async with opened(postgres_url) as store:
        written = load([{"n": 1}])
        with another(postgres_url) as theirs:
            insert_batch(theirs, written)
            writing = asyncio.create_task(store.write([written, load([{"n": 2}])]))
            await waiting(postgres_url)
            theirs.commit()
            async with asyncio.timeout(20):
                outcomes = await writing
        assert [outcome.is_duplicate for outcome in outcomes] == [True, False]
        assert [json.loads(event.data) for event in await rows(store)] == [{"n": 2}]


async def test_writers_that_get_in_each_others_way_store_everything_once(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'".encode())
    async with opened(postgres_url) as store:
        loads = [load([{"n": n}]) for n in range(3)]

        async def write_until_done() -> int:
            while True:
                try:
                    return sum(outcome.stored for outcome in await store.write(loads))
                except Unavailable:
                    continue  # as a worker does, which also waits

        stored = await asyncio.gather(*(write_until_done() for _ in range(4)))
        assert sum(stored) == 3
        assert sorted(json.loads(event.data)["n"] for event in await rows(store)) == [0, 1, 2]


async def test_a_write_into_a_day_whose_partition_is_just_made_goes_there(postgres_url: str) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    async with opened(postgres_url) as store:
        with another(postgres_url) as theirs:
            theirs.execute("LOCK TABLE logs_other IN EXCLUSIVE MODE")
            theirs.execute("CREATE TABLE logs_then (LIKE logs INCLUDING ALL)")
            bounds = f"FROM ('{day.isoformat()}') TO ('{(day + timedelta(days=1)).isoformat()}')"
            writing = asyncio.create_task(store.write([load([{"time": day.isoformat()}])]))
            await waiting(postgres_url)
            theirs.execute(f"ALTER TABLE logs ATTACH PARTITION logs_then FOR VALUES {bounds}".encode())
            theirs.commit()
            async with asyncio.timeout(20):
                (outcome,) = await writing
        assert outcome.stored == 1
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("SELECT count(*) FROM logs_then").fetchone() == (1,)


async def test_a_cancelled_write_leaves_nothing_and_can_be_made_again(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        await store.write([load([{"n": 0}])])
        written = load([{"n": 1}])
        with another(postgres_url) as theirs:
            theirs.execute("UPDATE slices SET version = version + 1")
            writing = asyncio.create_task(store.write([written]))
            await waiting(postgres_url)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        assert len(await rows(store)) == 1
        (outcome,) = await store.write([written])
        assert outcome.stored == 1
        assert len(await rows(store)) == 2


async def test_a_write_ends_when_the_server_goes_in_the_middle_of_it(postgres_url: str) -> None:
    """More than the sockets take: the driver waits for room, and nobody tells it that there will be none."""
    async with opened(postgres_url) as store:
        written = load([{"n": n, "text": "x" * 1000} for n in range(20_000)])
        with another(postgres_url) as theirs:
            theirs.execute(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'"
            )
            theirs.execute("CREATE TRIGGER wait BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION wait()")
            theirs.commit()
            theirs.execute("SELECT pg_advisory_lock(1)")
            writing = asyncio.create_task(store.write([written]))
            await waiting(postgres_url)
            theirs.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            with pytest.raises(Unavailable, match="connection was lost"):
                async with asyncio.timeout(20):
                    await writing
            theirs.execute("DROP TRIGGER wait ON logs")
            theirs.commit()
        (outcome,) = await store.write([written])
        assert outcome.stored == 20_000


async def test_a_read_ends_in_time_when_the_server_is_busy(postgres_url: str) -> None:
    async with opened(postgres_url, query_timeout_s=0.3) as store:
        written = load([{"n": 1}])
        await store.write([written])
        with another(postgres_url) as theirs:
            theirs.execute("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE")
            for asked in (
                rows(store),
                store.count(Plan(filter=equal("n", "1")), DEFAULT_TENANT),
                store.find(event_id(written.batch.header.id, 0), DEFAULT_TENANT),
            ):
                with pytest.raises(Unavailable) as raised:
                    async with asyncio.timeout(20):
                        await asked
                assert "query_timeout_s" in raised.value.hint
        assert len(await rows(store)) == 1


async def test_a_stream_ends_in_time_also_when_its_reader_is_slow(postgres_url: str) -> None:
    async with opened(postgres_url, query_timeout_s=0.5) as store:
        await store.write([load([{"n": n} for n in range(3000)])])
        blocks = store.read(Plan(), DEFAULT_TENANT)
        began = time.monotonic()
        await anext(blocks)
        wait_until(lambda: time.monotonic() > began + 0.5, 5)
        with pytest.raises(Unavailable, match=r"0\.5 s") as raised:
            await anext(blocks)
        assert "query_timeout_s" in raised.value.hint
        assert await store.count(Plan(), DEFAULT_TENANT) == 3000


async def test_an_event_that_an_older_version_kept_whole_comes_back(postgres_url: str) -> None:
    line = '{"a":1e131072,"b":"\\ue0c0\\u0000\\"","c":"\ue0c01é"}'
    async with opened(postgres_url) as store:
        with psycopg.connect(postgres_url) as connection:
            connection.execute(
                "INSERT INTO logs (id, data, ts, tenant) VALUES (%s, %s, now(), 'default')",
                (uuid4(), json.dumps({"\ue0c0json": line})),
            )
        (found,) = await rows(store)
        assert found.data == line.encode()


async def test_sql_sees_numbers_as_numbers_unless_they_take_room(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        await store.write([load([b'{"a":1.7976931348623157e308,"b":5e-324,"c":1e399,"d":1e400,"e":-1e-400}'])])
        with psycopg.connect(postgres_url) as connection:
            (kept,) = connection.execute("SELECT data FROM logs").fetchone() or ()
            (kinds,) = connection.execute(
                "SELECT array_agg(jsonb_typeof(value) ORDER BY key) FROM logs, jsonb_each(data)"
            ).fetchone() or ((),)
        assert kinds == ["number", "number", "number", "object", "object"]
        assert kept["d"] == {"\ue0c0number": ["1e400", "inf"]}
        assert kept["e"] == {"\ue0c0number": ["-1e-400", "0.0"]}


async def test_a_url_that_cannot_be_read_shows_no_password() -> None:
    with pytest.raises(ConfigError) as raised:
        PostgresStore("postgresql://cordwood:sec/ret@localhost/logs", StoreSettings())
    assert "sec" not in str(raised.value) + raised.value.hint
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(("database", "hint"), [("nowhere", "create the database"), ("postgres", "cordwood migrate")])
async def test_an_operator_is_told_what_to_do(postgres: str, database: str, hint: str) -> None:
    async with PostgresStore(f"{postgres.rpartition('/')[0]}/{database}", StoreSettings()) as store:
        with pytest.raises(Unavailable) as raised:
            await store.check()
    assert hint in raised.value.hint


@pytest.mark.parametrize("lines", [[b'{"n":0}', b"", b'{"n":2}'], [b'{"n":0}', b'{"n":1}{"n":2}', b'{"n":3}']])
async def test_a_line_that_is_no_event_is_refused_and_shifts_none(postgres_url: str, lines: list[bytes]) -> None:
    async with opened(postgres_url) as store:
        poison = load(lines)
        with pytest.raises(Refused):
            await store.write([poison])
        assert await rows(store) == []
        await store.probe(poison, 0, 1)
        with pytest.raises(Refused):
            await store.probe(poison, 1, 1)
