"""Segments that PostgreSQL names: a file and its name are of one transaction, whoever writes, merges or sweeps."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
import pytest
from msgspec.structs import replace

from cordwood.clock import SystemClock
from cordwood.db.postgres import Conflict, Database
from cordwood.errors import ConfigError, Corrupt, Refused, Unavailable
from cordwood.model.batch import event_id
from cordwood.model.ledger import DAY_US, judge
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.search.filters import And
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load, Replay, Store
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from cordwood.store.shared.catalog import SharedCatalog
from cordwood.store.shared.folder import Folder
from cordwood.store.shared.store import SharedStore
from cordwood.store.shared.sweep import SharedSweeper
from tests.interface.test_books import dead
from tests.interface.test_erasing import on
from tests.interface.test_store import at, data, rows, shared_store
from tests.support.builders import equal, load
from tests.support.processes import Cordwood
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

Keep = Literal["segments", "both"]


@pytest.fixture(params=["segments", "both"])
def keep(request: pytest.FixtureRequest) -> Keep:
    return "segments" if request.param == "segments" else "both"


@pytest.fixture
async def store(postgres_url: str, tmp_path: Path, keep: Keep) -> AsyncIterator[SharedStore]:
    async with opened(postgres_url, tmp_path, keep) as made:
        yield made


@asynccontextmanager
async def opened(url: str, directory: Path, keep: Keep = "both", **changed: Any) -> AsyncIterator[SharedStore]:
    async with shared_store(url, directory, keep, **changed) as made:
        await made.migrate()
        yield made


@contextmanager
def sql(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def asked(url: str, question: LiteralString) -> list[Any]:
    """The first column of every row."""
    with sql(url) as connection:
        return [row[0] for row in connection.execute(question)]


def files(directory: Path) -> set[str]:
    root = directory / "segments"
    return {str(path.relative_to(root)) for path in (root / "segments").rglob("*.parquet")}


def named(url: str) -> set[str]:
    return set(asked(url, "SELECT path FROM segments WHERE gone_at IS NULL"))


async def faults(store: Store) -> list[str]:
    accounts = await store.accounts(None, is_counted=True)
    return [finding.kind for finding in judge(accounts, SystemClock().now_us()) if finding.is_fault]


async def until_waiting(url: str, transactions: int) -> None:
    """Until so many transactions wait for a lock."""
    with sql(url) as looking:
        question = b"SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        await asyncio.to_thread(wait_until, lambda: looking.execute(question).rowcount >= transactions, 20)


async def sweep(url: str, directory: Path, young_s: float, grace_s: float = 3600.0) -> None:
    database = Database(url)
    try:
        place = Folder(directory / "segments", SystemClock())
        await SharedSweeper(place, database, grace_s, young_s=young_s).tend()
    finally:
        await database.close()


async def test_rows_and_segments_are_of_one_transaction(store: SharedStore, postgres_url: str, tmp_path: Path) -> None:
    sent = [load([at(n, n=n) for n in range(10)]) for _ in range(3)]
    with sql(postgres_url) as behind:
        # The last thing that a write does fails: all before it, the file and its name too, was never there.
        behind.execute("ALTER TABLE totals ADD CONSTRAINT no_more CHECK (batches < 0) NOT VALID")
        with pytest.raises(Unavailable):
            await store.write(sent)
        assert asked(postgres_url, "SELECT count(*) FROM logs") == [0]
        assert files(tmp_path) == named(postgres_url) == set()
        behind.execute("ALTER TABLE totals DROP CONSTRAINT no_more")
    assert [each.stored for each in await store.write(sent)] == [10, 10, 10]
    assert len(await rows(store)) == 30
    assert files(tmp_path) == named(postgres_url)
    assert await faults(store) == []


async def test_the_rows_are_the_events(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path) as store:
        await store.write([load([at(n, n=n, service=f"s{n % 3}") for n in range(100)])])
        found = await rows(store)
    with sql(postgres_url) as connection:
        held = connection.execute("SELECT id, (data ->> 'n')::int, service, ts FROM logs ORDER BY ts DESC").fetchall()
    assert [each.id for each in found] == [event for event, _, _, _ in held]
    assert [event["n"] for event in data(found)] == [n for _, n, _, _ in held]
    assert [each.timestamp_us for each in found] == [round(moment.timestamp() * 1e6) for *_, moment in held]


async def test_what_jsonb_refuses_is_in_neither(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path) as store:
        with sql(postgres_url) as behind:
            behind.execute("ALTER TABLE logs ADD CONSTRAINT odd CHECK ((data ->> 'n')::int >= 0)")
            with pytest.raises(Refused):
                await store.write([load([at(0, n="no number")])])
        assert files(tmp_path) == set()
        assert await rows(store) == []


async def test_a_commit_whose_answer_is_lost_keeps_its_file(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    with sql(postgres_url) as behind:
        behind.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$"
        )
        behind.execute(
            "CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON batches DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION wait()"
        )
        sent = load([at(n, n=n) for n in range(10)])
        behind.execute("SELECT pg_advisory_lock(42)")
        async with Proxy(postgres_url) as proxy, shared_store(proxy.url, tmp_path, keep) as far:
            writing = asyncio.create_task(far.write([sent]))
            await until_waiting(postgres_url, 1)
            proxy.cut()
            with pytest.raises(Unavailable):
                await writing
        assert len(files(tmp_path)) == 1, "the commit is still under way"
        await sweep(postgres_url, tmp_path, young_s=-1.0)
        assert len(files(tmp_path)) == 1, "nobody knows yet that it is nobody's"
        behind.execute("SELECT pg_advisory_unlock(42)")
    (again,) = await store.write([sent])
    assert again.is_duplicate
    assert len(await rows(store)) == 10
    assert files(tmp_path) == named(postgres_url)


async def test_a_name_that_was_given_up_is_named_by_nobody(
    store: SharedStore, postgres_url: str, tmp_path: Path
) -> None:
    """A writer that stands still for an hour between the file and its name."""
    sent = load([at(n, n=n) for n in range(10)])
    with psycopg.connect(postgres_url) as behind:
        behind.execute("LOCK TABLE segments IN SHARE ROW EXCLUSIVE MODE")
        writing = asyncio.create_task(store.write([sent]))
        await until_waiting(postgres_url, 1)
        (path,) = files(tmp_path)
        behind.execute(
            "INSERT INTO segments (path, tenant, events, size_bytes, min_ts, max_ts, gone_at, is_orphan, segment) "
            "VALUES (%s, '', 0, 0, now(), now(), now(), true, 'null')",
            [path],
        )
    (tmp_path / "segments" / path).unlink()
    with pytest.raises(Unavailable):
        await writing
    (written,) = await store.write([sent])
    assert written.stored == 10
    assert len(await rows(store)) == 10
    assert files(tmp_path) == named(postgres_url)


async def test_orphans_are_put_aside_once_they_are_old(store: SharedStore, postgres_url: str, tmp_path: Path) -> None:
    await store.write([load([at(0, n=0)])])
    (path,) = files(tmp_path)
    left = (tmp_path / "segments" / path).with_name("left.parquet")
    left.write_bytes(b"what a kill left")
    await sweep(postgres_url, tmp_path, young_s=3600.0)
    assert left.exists(), "it may be on its way into the catalog"
    await sweep(postgres_url, tmp_path, young_s=-1.0)
    assert files(tmp_path) == {path}
    assert (tmp_path / "segments" / "orphans" / "left.parquet").read_bytes() == b"what a kill left"
    assert len(await rows(store)) == 1


async def test_the_same_batches_from_two_workers_at_once(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    sent = [load([at(n, n=n, part=part) for n in range(50)]) for part in range(20)]
    async with shared_store(postgres_url, tmp_path, keep) as other:
        pieces = [sent[start : start + 7] for start in range(14)]
        written = await asyncio.gather(
            *(store.write(piece) for piece in pieces), *(other.write(piece[::-1]) for piece in pieces)
        )
    assert sum(each.stored for some in written for each in some) == 1000
    found = await rows(store)
    assert len({each.id for each in found}) == len(found) == 1000
    assert files(tmp_path) == named(postgres_url)
    assert await faults(store) == []


async def test_a_dead_letter_is_replayed_once(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    made = load([at(0, n=0), at(1, n=1)])
    header = made.batch.header
    await store.write([dead(made, 1)])
    again = Load(replace(made.batch, header=replace(header, events=1)), b'{"n":"mended"}\n', first=1)
    replays = [Replay((header.id, 1), again)]
    async with shared_store(postgres_url, tmp_path, keep) as other:
        events = await asyncio.gather(
            *(each.replay(DEFAULT_TENANT, replays, "somebody") for each in (store, other, store, other))
        )
    assert sorted(events) == [0, 0, 0, 1]
    found = await store.find(event_id(header.id, 1), DEFAULT_TENANT)
    assert found is not None
    assert found.data == b'{"n":"mended"}'
    assert len(await rows(store)) == 2
    assert asked(postgres_url, "SELECT count(*) FROM logs") == [2 if keep == "both" else 0]
    assert files(tmp_path) == named(postgres_url)
    assert await faults(store) == []


async def test_two_workers_write_and_merge_while_somebody_deletes(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    async def write(into: Store, part: int) -> None:
        for piece in range(12):
            await into.write([load([at(n, n=n, part=part, piece=piece, odd=str(n % 2)) for n in range(20)])])

    async with shared_store(postgres_url, tmp_path, keep) as other:
        await write(store, 9)
        odd = Plan(filter=And((equal("odd", "1"), equal("part", "9"))))
        *_, deleted = await asyncio.gather(
            write(store, 0), write(other, 1), store.tend(), other.tend(), store.tend(), other.tend(),
            other.delete(odd, DEFAULT_TENANT, "somebody", dry_run=False),
        )  # fmt: skip
        await store.tend()
        await other.tend()
        assert deleted == 120
        found = await rows(other)
        assert len({each.id for each in found}) == len(found) == 3 * 240 - 120
        assert await other.count(odd, DEFAULT_TENANT) == 0
        assert len(named(postgres_url)) < 16
        assert named(postgres_url) <= files(tmp_path)
        assert await faults(store) == []
    assert asked(postgres_url, "SELECT count(*) FROM logs") == [len(found) if keep == "both" else 0]


async def test_replaced_files_stay_for_readers_and_then_go(
    store: SharedStore, postgres_url: str, tmp_path: Path
) -> None:
    for n in range(10):
        await store.write([load([at(n, n=n, m=m) for m in range(150)])])
    reading = store.read(Plan(), DEFAULT_TENANT)
    seen = len(await anext(reading))
    await store.tend()
    assert len(named(postgres_url)) == 1
    assert len(files(tmp_path)) == 11
    seen += sum([len(block) async for block in reading])
    assert seen == len(await rows(store)) == 1500
    await sweep(postgres_url, tmp_path, young_s=3600.0, grace_s=-1.0)
    assert files(tmp_path) == named(postgres_url)
    assert len(await rows(store)) == 1500


async def test_a_segment_is_replaced_once(store: SharedStore, postgres_url: str, tmp_path: Path) -> None:
    """Whatever becomes of the turn that spares processes such work."""
    for n in range(2):
        await store.write([load([at(n, n=n)])])
    before = named(postgres_url)
    database = Database(postgres_url)
    catalog = SharedCatalog(database, Folder(tmp_path / "segments", SystemClock()))
    old = await asyncio.to_thread(catalog.all_segments, None)
    both, one = replace(old[0], path="segments/both.parquet", events=2), replace(old[0], path="segments/one.parquet")
    done = await asyncio.gather(
        asyncio.to_thread(catalog.swap, old, both, 0),
        asyncio.to_thread(catalog.swap, old[:1], one, 0),
        return_exceptions=True,
    )
    await database.close()
    assert [type(each) for each in done if each is not None] == [Conflict]
    assert named(postgres_url) in ({both.path}, {one.path} | (before - {old[0].path}))


async def test_a_damaged_segment_is_named_and_then_left_out(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    for n in range(2):
        await store.write([load([at(n, n=n)])])
    path = max(files(tmp_path))
    file = tmp_path / "segments" / path
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    async with shared_store(postgres_url, tmp_path, keep) as asking:
        with pytest.raises(Corrupt, match=path):
            await rows(asking)
        assert len(await rows(asking)) == 1
    await store.tend()
    (damage,) = (await store.coverage(Plan(), DEFAULT_TENANT)).damaged
    assert (damage.path, damage.events) == (path, 1)
    assert await faults(store) != []
    with pytest.raises(Corrupt):
        await store.delete(Plan(), DEFAULT_TENANT, "somebody", dry_run=False)
    file.write_bytes(whole)
    await store.tend()
    assert (await store.coverage(Plan(), DEFAULT_TENANT)).damaged == []
    assert len(await rows(store)) == 2


async def test_deleting_takes_the_same_rows(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path) as store:
        await store.write([load([at(n, n=n, user="ann" if n % 3 else "bob") for n in range(30)])])
        bob = Plan(filter=equal("user", "bob"))
        assert await store.delete(bob, DEFAULT_TENANT, "somebody", dry_run=True) == 10
        assert asked(postgres_url, "SELECT count(*) FROM logs") == [30]
        assert await store.delete(bob, DEFAULT_TENANT, "somebody", dry_run=False) == 10
        left = sorted(event["n"] for event in data(await rows(store)))
        assert left == asked(postgres_url, "SELECT (data ->> 'n')::int FROM logs ORDER BY 1")
        assert left == [n for n in range(30) if n % 3]
        assert asked(postgres_url, "SELECT deleted FROM holdings") == [10], "each event counts once"
        assert await faults(store) == []


async def test_rows_of_before_are_deleted_too(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path, "both") as before:
        await before.write([load([at(n, n=n) for n in range(3)])])
    async with opened(postgres_url, tmp_path, "segments") as store:
        await store.write([load([at(9, n=9)])])
        assert asked(postgres_url, "SELECT count(*) FROM logs") == [3]
        assert await store.delete(Plan(filter=equal("n", "1")), DEFAULT_TENANT, "somebody", dry_run=False) == 1
        assert asked(postgres_url, "SELECT (data ->> 'n')::int FROM logs ORDER BY 1") == [0, 2]
        assert len(await rows(store)) == 3
        assert await faults(store) == []


async def test_rows_may_go_sooner(postgres_url: str, tmp_path: Path) -> None:
    days = [0, 1, 2, 5, 9, 400]
    async with opened(postgres_url, tmp_path, rows_days=1) as store:
        await store.write([load([on(day, n=day) for day in days])])
        assert await store.expire(Retention()) == 0
        assert asked(postgres_url, "SELECT (data ->> 'n')::int FROM logs ORDER BY 1") == [0, 1]
        assert sorted(event["n"] for event in data(await rows(store))) == days
        assert await faults(store) == []
        assert await store.expire(Retention(7)) == 2
        assert sorted(event["n"] for event in data(await rows(store))) == [0, 1, 2, 5]
        assert await faults(store) == []
    async with opened(postgres_url, tmp_path) as store:
        assert await store.expire(Retention(0)) == 3
        assert asked(postgres_url, "SELECT (data ->> 'n')::int FROM logs") == [0]
        assert asked(postgres_url, "SELECT sum(kept_rows)::int FROM holdings") == [1]
        assert await faults(store) == []


async def test_whole_days_of_rows_are_dropped(postgres_url: str, tmp_path: Path) -> None:
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=3)) as rows_only:
        await rows_only.migrate()
    day = time.strftime("logs_%Y%m%d", time.gmtime((time.time_ns() // 1000 // DAY_US - 3) * 86_400))
    partitions = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'logs!_2%' ESCAPE '!'"
    async with opened(postgres_url, tmp_path, rows_days=1) as store:
        await store.write([load([on(3, n=3)])])
        assert day in asked(postgres_url, partitions)
        await store.expire(Retention())
        assert day not in asked(postgres_url, partitions)
        assert len(await rows(store)) == 1
        assert await faults(store) == []


async def test_an_audit_notices_a_segment_that_was_taken_away(
    store: SharedStore, postgres_url: str, tmp_path: Path
) -> None:
    await store.write([load([at(n, n=n) for n in range(10)])])
    assert await faults(store) == []
    with sql(postgres_url) as behind:
        behind.execute("UPDATE segments SET gone_at = now()")
    assert await faults(store) != []


async def test_an_audit_counts_the_rows_beside_segments(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path) as store:
        await store.write([load([on(n % 2, n=n) for n in range(10)]), load([at(0, n=-1)], tenant=Tenant("other"))])
        assert await faults(store) == []
        with sql(postgres_url) as behind:
            taken = behind.execute("DELETE FROM logs WHERE (data ->> 'n')::int = 3 RETURNING id, ts, data").fetchall()
            assert await faults(store) == ["rows_missing"]
            (finding,) = judge(await store.accounts(DEFAULT_TENANT, is_counted=True), SystemClock().now_us())
            assert "4 events should be rows" not in finding.what
            assert "5 events should be rows beside the segments, the table logs has 4" in finding.what
            assert judge(await store.accounts(Tenant("other"), is_counted=True), SystemClock().now_us()) == []
            assert judge(await store.accounts(None, is_counted=False), SystemClock().now_us()) == [], "not counted"
            again = "INSERT INTO logs (id, ts, data, tenant) VALUES (%s, %s, %s::text::jsonb, 'default')"
            for event, moment, found in taken:
                behind.execute(again, (event, moment, json.dumps(found)))
            assert await faults(store) == []
            behind.execute(again, (SystemClock().batch_id(), taken[0][1], "{}"))
            assert await faults(store) == ["rows_surplus"]
            behind.execute("DELETE FROM logs")
            assert sorted(await faults(store)) == ["rows_missing"] * 3
    async with opened(postgres_url, tmp_path, "segments") as store:
        assert len(await faults(store)) == 3, "whatever this process keeps"


async def test_rows_of_a_while_are_all_that_an_audit_asks_for(postgres_url: str, tmp_path: Path) -> None:
    for keep, n in (("segments", 0), ("both", 1), ("segments", 2), ("both", 3)):
        async with opened(postgres_url, tmp_path, "both" if keep == "both" else "segments") as store:
            await store.write([load([at(n, n=n)])])
    async with opened(postgres_url, tmp_path) as store:
        assert asked(postgres_url, "SELECT kept_rows FROM holdings") == [2]
        assert await faults(store) == []
        with sql(postgres_url) as behind:
            behind.execute("DELETE FROM logs WHERE (data ->> 'n')::int = 1")
        assert await faults(store) == ["rows_missing"]
        assert await store.delete(Plan(filter=equal("n", "3")), DEFAULT_TENANT, "somebody", dry_run=False) == 1
        assert asked(postgres_url, "SELECT kept_rows FROM holdings") == [1]


async def test_a_folded_batch_is_still_found(store: SharedStore, postgres_url: str) -> None:
    sent = load([at(n, n=n) for n in range(3)])
    await store.write([sent])
    with sql(postgres_url) as behind:
        behind.execute("DELETE FROM batches")
        behind.execute("UPDATE totals SET is_folded = true, last_id = %s", [sent.batch.header.id])
    found = await store.find(event_id(sent.batch.header.id, 2), DEFAULT_TENANT)
    assert found is not None


async def test_a_directory_of_something_else_is_refused(postgres_url: str, tmp_path: Path, keep: Keep) -> None:
    async with opened(postgres_url, tmp_path / "one", keep) as store:
        await store.write([load([at(0, n=0)])])
    async with shared_store(postgres_url, tmp_path / "two", keep) as elsewhere:
        for asking in (elsewhere.check(), elsewhere.write([load()]), elsewhere.count(Plan(), DEFAULT_TENANT)):
            with pytest.raises(Unavailable, match="not the directory"):
                await asking
    embedded = tmp_path / "three" / "segments"
    embedded.mkdir(parents=True)
    (embedded / "catalog.sqlite").touch()
    with sql(postgres_url) as behind:
        behind.execute("UPDATE keeping SET is_marked = false")
    async with shared_store(postgres_url, tmp_path / "three", keep) as elsewhere:
        with pytest.raises(Unavailable, match="embedded store"):
            await elsewhere.check()


async def test_a_reader_waits_for_a_writer_to_mark_the_directory(
    store: SharedStore, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    settings = StoreSettings(keep=keep)
    place = tmp_path / "not-mounted"
    async with SharedStore(
        postgres_url, Folder(place, SystemClock()), tmp_path / "spill", settings, is_writer=False
    ) as reader:
        assert await rows(reader) == []
        await store.write([load([at(0, n=0)])])
        with pytest.raises(Unavailable, match="not the directory"):
            await rows(reader)
    assert not place.exists()


async def test_events_go_where_questions_look_for_them(store: SharedStore, postgres_url: str, tmp_path: Path) -> None:
    async with PostgresStore(postgres_url, StoreSettings()) as forgotten:
        for asking in (
            forgotten.check(),
            forgotten.write([load()]),
            forgotten.coverage(Plan(), DEFAULT_TENANT),
        ):
            with pytest.raises(Unavailable, match="answers from segments"):
                await asking
    await store.write([load([at(0, n=0)])])
    assert len(await rows(store)) == 1
    assert asked(postgres_url, "SELECT count(*) FROM batches") == [1]


async def test_rows_that_are_there_are_not_hidden(postgres_url: str, tmp_path: Path, keep: Keep) -> None:
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=1)) as before:
        await before.migrate()
        await before.write([load([at(0, n=0)])])
        async with shared_store(postgres_url, tmp_path, keep) as store:
            with pytest.raises(ConfigError, match="as rows only"):
                await store.migrate()
            with pytest.raises(Unavailable, match="answers from rows"):
                await store.write([load()])
        assert len(await rows(before)) == 1
        await before.delete(Plan(), DEFAULT_TENANT, "somebody", dry_run=False)
    async with opened(postgres_url, tmp_path, keep) as store:
        await store.write([load([at(0, n=1)])])
        assert data(await rows(store)) == [{**at(0, n=1)}]


async def test_no_row_slips_in_while_answers_move_to_segments(postgres_url: str, tmp_path: Path) -> None:
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=1)) as before:
        await before.migrate()
        with psycopg.connect(postgres_url) as behind:
            behind.execute("LOCK TABLE totals IN ACCESS EXCLUSIVE MODE")
            writing = asyncio.create_task(before.write([load([at(0, n=0)])]))
            await until_waiting(postgres_url, 1)
            async with shared_store(postgres_url, tmp_path, "both") as store:
                moving = asyncio.create_task(store.migrate())
                await until_waiting(postgres_url, 2)
                behind.rollback()
                await writing
                with pytest.raises(ConfigError, match="as rows only"):
                    await moving
        assert len(await rows(before)) == 1


def test_services_share_segments(service_urls: dict[str, str], tmp_path: Path, keep: Keep) -> None:
    """As people run it: two workers, and a query process, that share a directory; one worker is killed under load."""
    url = service_urls["store_url"]
    shared = service_urls | {"store_keep": keep, "store_segments_dir": str(tmp_path / "segments")}
    assert Cordwood("migrate", tmp_path / "data", **shared).run().returncode == 0
    with ExitStack() as stack:
        names = ["api", "worker", "worker", "query"]
        api, worker, _, query = (
            stack.enter_context(Cordwood(name, tmp_path / f"{name}{n}", **shared)) for n, name in enumerate(names)
        )
        for part in range(40):
            lines = [b'{"part":"%d","n":%d}' % (part, n) for n in range(50)]
            assert api.post("/api/v1/ingest", b"\n".join(lines))[0] == 202
            if part == 20:
                worker.kill()
        worker.start()
        wait_until(lambda: query.count() == 2000, 60, "every event to be stored")
        assert len({(event["data"]["part"], event["data"]["n"]) for event in query.events()}) == 2000
        deleted = query.run("delete", "--filter", "part:7", "--url", query.url, "--yes")
        assert deleted.returncode == 0, deleted.stderr
        assert query.count() == 1950
        assert asked(url, "SELECT count(*) FROM logs") == [1950 if keep == "both" else 0]
        wait_until(lambda: query.run("audit", "--json").returncode == 0, 30, "the books to balance")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"store_keep": "both"}, "an embedded store has no rows"),
        ({"store_keep": "all"}, "store.keep"),
        ({"store_rows_days": "3"}, "rows beside segments"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    done = Cordwood("migrate", tmp_path / "data", **settings).run()
    assert done.returncode != 0
    assert says in done.stderr
