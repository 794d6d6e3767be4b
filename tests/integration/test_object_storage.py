"""Segments in object storage: nothing is lost, nothing wrong is answered, whatever becomes of it or the way to it."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
import pytest
from obstore.store import S3Store

from cordwood.clock import SystemClock
from cordwood.config import load as load_config
from cordwood.db.postgres import Database
from cordwood.errors import ConfigError, Corrupt, Unavailable
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.selecting import Question
from cordwood.store.settings import StoreSettings
from cordwood.store.shared import care
from cordwood.store.shared.bucket import Bucket
from cordwood.store.shared.objects import Objects
from cordwood.store.shared.store import SharedStore
from cordwood.store.shared.sweep import SharedSweeper
from cordwood.wiring.parts import open_store
from tests.integration.test_shared_segments import asked, faults, named
from tests.interface.test_store import at, data, rows, shared_store
from tests.support.builders import equal, load
from tests.support.processes import Cordwood
from tests.support.s3_trouble import Way
from tests.support.servers import free_port
from tests.support.waiting import wait_until

Settings = dict[str, Any]


@pytest.fixture
async def way(bucket: dict[str, str]) -> AsyncIterator[Way]:
    async with Way(bucket["s3_endpoint"]) as proxy:
        yield proxy


@asynccontextmanager
async def opened(url: str, directory: Path, settings: Settings, **changed: Any) -> AsyncIterator[SharedStore]:
    async with shared_store(url, directory, "segments", **settings | changed) as made:
        await made.migrate()
        yield made


def behind(settings: Settings) -> S3Store:
    """The objects, as anybody with the keys sees them."""
    name, _, prefix = settings["segments_dir"].removeprefix("s3://").partition("/")
    return S3Store(
        name, prefix=prefix, endpoint=settings["s3_endpoint"], access_key_id=settings["s3_access_key"],
        secret_access_key=settings["s3_secret_key"], client_options={"allow_http": True},
    )  # fmt: skip


def objects(settings: Settings, prefix: str = "segments") -> set[str]:
    return {meta["path"] for some in obstore.list(behind(settings), prefix) for meta in some}


def copies(directory: Path) -> list[Path]:
    return list((directory / "copies").rglob("*.parquet"))


async def sweep(url: str, directory: Path, settings: Settings, young_s: float) -> None:
    database, place = Database(url), Bucket(StoreSettings(**settings), directory / "copies", {}, SystemClock())
    place.open()
    try:
        await SharedSweeper(place, database, 3600.0, young_s=young_s).tend()
    finally:
        place.close()
        await database.close()


def many(count: int) -> list[dict[str, Any]]:
    """Events that take some room, and of which each has words of its own: the same ones each time."""
    chance = random.Random(0)
    return [at(n / 1000, n=n, text=chance.randbytes(300).hex()) for n in range(count)]


async def test_an_object_is_there_before_it_is_named(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        assert [each.stored for each in await store.write([load([at(n, n=n) for n in range(10)])])] == [10]
        assert objects(bucket) == named(postgres_url) != set()
        assert len(copies(tmp_path)) == 1, "the writer keeps what it has just made"
    async with opened(postgres_url, tmp_path / "other", bucket) as other:
        assert len(await rows(other)) == 10
        assert await faults(other) == []


async def test_a_storage_that_is_away_is_unavailable_within_seconds(
    postgres_url: str, tmp_path: Path, bucket: Settings
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(0, n=0)])])
    nobody = {**bucket, "s3_endpoint": f"http://127.0.0.1:{free_port()}"}
    async with shared_store(postgres_url, tmp_path / "other", "segments", **nobody) as store:
        sql = anext(store.ask(Question("SELECT n FROM logs"), DEFAULT_TENANT))
        for asking in (store.check(), store.write([load()]), rows(store), store.count(Plan(), DEFAULT_TENANT), sql):
            began = time.monotonic()
            with pytest.raises(Unavailable, match=nobody["segments_dir"]) as told:
                await asking
            assert time.monotonic() - began < 5
            assert "look at the object storage" in told.value.hint
            assert bucket["s3_secret_key"] not in str(told.value) + told.value.hint + repr(told.value.__cause__)
    assert asked(postgres_url, "SELECT count(*) FROM segments") == [1]


async def test_a_storage_that_falls_silent_is_unavailable(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(0, n=0)])])
    listener = socket.create_server(("127.0.0.1", 0))  # nobody accepts
    silent = {**bucket, "s3_endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}", "s3_timeout_s": 0.5}
    with listener:
        async with shared_store(postgres_url, tmp_path / "other", "segments", **silent) as store:
            for asking in (store.write([load()]), rows(store)):
                began = time.monotonic()
                with pytest.raises(Unavailable, match="cannot"):
                    await asking
                assert time.monotonic() - began < 5
    assert asked(postgres_url, "SELECT damage FROM segments") == [None]


async def test_what_is_away_while_it_is_written_stays_with_the_sender(
    postgres_url: str, tmp_path: Path, bucket: Settings, way: Way
) -> None:
    sent = load([at(n, n=n) for n in range(10)])
    async with opened(postgres_url, tmp_path, bucket, s3_endpoint=way.endpoint) as store:
        await store.write([load([at(50, n=50)])])
        way.trouble = lambda line: 0 if line.startswith("PUT") else None
        with pytest.raises(Unavailable):
            await store.write([sent])
        assert asked(postgres_url, "SELECT count(*) FROM batches") == [1]
        # The requests arrived, and only their answers were lost: the objects are orphans.
        assert len(objects(bucket)) == 2
        way.trouble = lambda _: None
        assert [each.stored for each in await store.write([sent])] == [10]
        assert len(await rows(store)) == 11
    await sweep(postgres_url, tmp_path / "sweeper", bucket, young_s=-60)
    assert objects(bucket) == named(postgres_url)
    assert len(objects(bucket, "orphans")) == 1


async def test_a_lost_answer_is_asked_for_again(postgres_url: str, tmp_path: Path, bucket: Settings, way: Way) -> None:
    """The second request finds what the first has written, and that it is the same."""
    settings = StoreSettings(**{**bucket, "s3_endpoint": way.endpoint})
    place = Bucket(settings, tmp_path / "copies", {}, SystemClock())
    place.open()
    try:
        path = place.root / "segments" / "one.parquet"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"one")
        await asyncio.to_thread(place.make_durable, path)
        await asyncio.to_thread(place.make_durable, path)
        large = path.with_name("large.parquet")
        large.write_bytes(bytes(6 << 20))
        await asyncio.to_thread(place.make_durable, large)
        path.write_bytes(b"two")
        with pytest.raises(Unavailable, match="there is another"):
            await asyncio.to_thread(place.make_durable, path)
    finally:
        place.close()
    assert bytes(obstore.get(behind(bucket), "segments/one.parquet").bytes()) == b"one"
    assert len(obstore.get(behind(bucket), "segments/large.parquet").bytes()) == 6 << 20


@pytest.mark.parametrize(
    ("is_hosted", "url"),
    [(False, "http://localhost:1/cordwood/some/name.parquet"), (True, "http://cordwood.localhost:1/some/name.parquet")],
)
def test_the_bucket_is_named_in_the_path_or_in_the_host(is_hosted: bool, url: str) -> None:
    settings = StoreSettings(
        segments_dir="s3://cordwood/some", s3_virtual_hosted=is_hosted, s3_access_key="key", s3_secret_key="secret"
    )
    with pytest.raises(Unavailable) as told:
        Objects(settings, {"AWS_ENDPOINT_URL": "http://localhost:1"}).part("name.parquet", 0, 1)
    assert url in str(told.value.__cause__)


async def test_a_connection_cut_while_a_file_comes_changes_no_answer(
    postgres_url: str, tmp_path: Path, bucket: Settings, way: Way
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load(many(2000))])
        whole = [event.data for event in await rows(store)]
    cuts = iter([20_000, 200_000])

    def cut_some(line: str) -> int | None:
        return next(cuts, None) if line.startswith("GET") and ".parquet" in line else None

    way.trouble = cut_some
    async with opened(postgres_url, tmp_path / "other", bucket, s3_endpoint=way.endpoint) as other:
        assert [event.data for event in await rows(other)] == whole
    assert next(cuts, None) is None, "there were cuts"
    way.trouble = lambda line: 20_000 if ".parquet" in line else None
    async with opened(postgres_url, tmp_path / "third", bucket, s3_endpoint=way.endpoint) as third:
        with pytest.raises(Unavailable):
            await rows(third)
        assert copies(tmp_path / "third") == []
        way.trouble = lambda _: None
        assert [event.data for event in await rows(third)] == whole
    assert asked(postgres_url, "SELECT damage FROM segments") == [None]


def removed(settings: Settings, name: str) -> None:
    obstore.delete(behind(settings), name)


def overwritten(settings: Settings, name: str) -> None:
    held = bytearray(obstore.get(behind(settings), name).bytes())
    held[len(held) // 2] ^= 255
    obstore.put(behind(settings), name, bytes(held))


def cut_short(settings: Settings, name: str) -> None:
    obstore.put(behind(settings), name, bytes(obstore.get(behind(settings), name).bytes())[:-10])


@pytest.mark.parametrize("harm", [removed, overwritten, cut_short])
async def test_an_object_that_is_not_as_written_is_named_and_left_out(
    harm: Callable[[Settings, str], None], postgres_url: str, tmp_path: Path, bucket: Settings
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        for n in range(3):
            await store.write([load([at(n * 100 + each, n=n) for each in range(10)])])
        assert await faults(store) == []
    name = sorted(named(postgres_url))[1]
    harm(bucket, name)
    async with opened(postgres_url, tmp_path / "other", bucket) as other:
        with pytest.raises(Corrupt, match=name):
            await rows(other)
        assert sorted({each["n"] for each in data(await rows(other))}) == [0, 2]
        assert [each.path for each in (await other.coverage(Plan(), DEFAULT_TENANT)).damaged] == [name]
        assert "damage" in await faults(other)
        await other.tend()  # the scrubber looks at every file
        with pytest.raises(Corrupt, match=name):
            await other.delete(Plan(filter=equal("n", "1")), DEFAULT_TENANT, "somebody", dry_run=False)
    settings = StoreSettings(keep="segments", **bucket)
    place = Bucket(settings, tmp_path / "checker", {}, SystemClock())
    async with care.look_into(postgres_url, place, tmp_path / "spill", settings) as look:
        found = [step.fault async for step in look.check(None) if step.fault is not None]
    assert [(fault.segment, fault.kind) for fault in found] == [(name, "missing" if harm is removed else "damaged")]


@pytest.mark.parametrize("harm", [removed, overwritten, cut_short])
async def test_sql_leaves_out_an_object_that_is_not_as_written(
    harm: Callable[[Settings, str], None], postgres_url: str, tmp_path: Path, bucket: Settings
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        for n in range(3):
            await store.write([load([at(n * 100 + each, n=n) for each in range(10)])])
    harm(bucket, sorted(named(postgres_url))[1])
    async with opened(postgres_url, tmp_path / "other", bucket) as other:
        found = [each async for each in other.ask(Question("SELECT DISTINCT n FROM logs ORDER BY n"), DEFAULT_TENANT)]
    assert [row["n"] for each in found for row in each.batch.to_pylist()] == [0, 2]
    assert {each.left_out for each in found} == {"1 damaged segments with 10 events are left out"}


async def test_a_copy_that_is_damaged_is_fetched_again(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(n, n=n) for n in range(10)])])
        (copy,) = copies(tmp_path)
        copy.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
        with pytest.raises(Unavailable):
            await rows(store)
        assert len(await rows(store)) == 10
    (copy,) = copies(tmp_path)
    copy.write_bytes(copy.read_bytes()[:-20] + bytes(20))
    async with opened(postgres_url, tmp_path, bucket) as store:
        assert len(await rows(store)) == 10, "what an earlier process left is looked at first"
    assert asked(postgres_url, "SELECT damage FROM segments") == [None]


async def test_what_is_damaged_on_the_way_is_fetched_again(
    postgres_url: str, tmp_path: Path, bucket: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(n, n=n) for n in range(10)])])
    read, times = Objects.chunks, iter([1])

    def damaged_once(self: Objects, name: str) -> Iterator[bytes]:
        chunks = read(self, name)
        return iter([bytes(len(b"".join(chunks)))]) if next(times, None) else chunks

    monkeypatch.setattr(Objects, "chunks", damaged_once)
    async with opened(postgres_url, tmp_path / "other", bucket) as other:
        assert len(await rows(other)) == 10
        assert next(times, None) is None


async def test_a_disk_that_takes_no_copies_says_nothing_of_the_objects(
    postgres_url: str, tmp_path: Path, bucket: Settings
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(n, n=n) for n in range(10)])])
    async with opened(postgres_url, tmp_path / "other", bucket) as other:
        (tmp_path / "other" / "copies" / "0" / "incoming").rmdir()
        with pytest.raises(Unavailable, match="cannot write to"):
            await rows(other)
        (tmp_path / "other" / "copies" / "0" / "incoming").mkdir()
        assert len(await rows(other)) == 10


async def test_copies_are_bounded(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    most, chance = 1 << 20, random.Random(0)
    async with opened(postgres_url, tmp_path, bucket, s3_cache_bytes=most) as store:
        for part in range(12):
            await store.write(
                [load([at(part * 100 + n / 10, part=part, text=chance.randbytes(300).hex()) for n in range(900)])]
            )
        assert sum(asked(postgres_url, "SELECT size_bytes FROM segments")) > 2 * most
        assert sum(each.stat().st_size for each in copies(tmp_path)) <= most
        answers = await asyncio.gather(*(rows(store) for _ in range(4)))
        assert {len(answer) for answer in answers} == {10_800}
        assert await store.count(Plan(filter=equal("part", "3")), DEFAULT_TENANT) == 900
        assert await faults(store) == []
        assert sum(each.stat().st_size for each in copies(tmp_path)) <= most


async def test_questions_at_once_fetch_a_file_once(
    postgres_url: str, tmp_path: Path, bucket: Settings, way: Way
) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        for part in range(3):
            await store.write([load([at(part * 100 + n, n=n) for n in range(100)])])
    async with opened(postgres_url, tmp_path / "other", bucket, s3_endpoint=way.endpoint) as other:
        answers = await asyncio.gather(*(rows(other) for _ in range(8)))
    assert {len(answer) for answer in answers} == {300}
    assert way.asked("GET", ".parquet") == 3


async def test_what_is_skipped_is_not_fetched(postgres_url: str, tmp_path: Path, bucket: Settings, way: Way) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        for part in range(3):
            await store.write([load([{**each, "part": f"part{part}"} for each in many(1000)])])
        size_bytes = sum(asked(postgres_url, "SELECT size_bytes FROM segments"))
    async with opened(postgres_url, tmp_path / "other", bucket, s3_endpoint=way.endpoint) as other:
        assert await rows(other, Plan(filter=equal("part", "part7"))) == []
        assert copies(tmp_path / "other") == []
        assert way.asked("GET", ".parquet") == 3, "one request has an index"
        before = len(way.requests)
        assert await rows(other, Plan(filter=equal("part", "part8"))) == []
        assert len(way.requests) == before, "indexes stay known"
        assert len(await rows(other, Plan(filter=equal("part", "part1")))) == 1000
        assert sum(each.stat().st_size for each in copies(tmp_path / "other")) < size_bytes / 2


async def test_another_bucket_or_prefix_is_refused(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    async with opened(postgres_url, tmp_path, bucket) as store:
        await store.write([load([at(0, n=0)])])
    elsewhere = {**bucket, "segments_dir": bucket["segments_dir"] + "-other"}
    async with shared_store(postgres_url, tmp_path / "two", "segments", **elsewhere) as store:
        for asking in (store.check(), store.write([load()]), rows(store)):
            with pytest.raises(Unavailable, match="not the bucket and prefix"):
                await asking
    assert objects(elsewhere, "") == set()
    for wrong, says in (
        ({"segments_dir": "s3://no-such-bucket/x"}, "NoSuchBucket"),
        ({"s3_secret_key": "wrong"}, "403"),
    ):
        async with shared_store(postgres_url, tmp_path / "three", "segments", **bucket | wrong) as store:
            with pytest.raises(Unavailable, match=says):
                await store.write([load()])
            with pytest.raises(Unavailable, match=says):
                await rows(store)
    assert asked(postgres_url, "SELECT damage FROM segments") == [None]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"store_segments_dir": "gs://bucket/x"}, "a scheme that is not known"),
        ({"store_segments_dir": "s3:///x"}, "names no bucket"),
        ({"store_segments_dir": "s3://KEY:verysecret@bucket/x"}, "has credentials in it"),
        ({"store_s3_endpoint": "127.0.0.1:9000"}, "not the URL of an object storage"),
        ({"store_s3_endpoint": "http://me:verysecret@127.0.0.1:9000"}, "not the URL of an object storage"),
        ({"store_s3_secret_key": "verysecret"}, "go together"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    fitting = {"store_url": "postgresql://nobody@127.0.0.1:1/none", "store_keep": "segments"}
    fitting["store_segments_dir"] = "s3://bucket/x"
    command = Cordwood("migrate", tmp_path / "data", **fitting | settings)
    done = command.run()
    assert done.returncode != 0
    assert says in done.stderr
    assert "verysecret" not in done.stderr + done.stdout + command.run("config").stdout


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "obstore"]:
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("bucket", "objects"):
        monkeypatch.delitem(sys.modules, f"cordwood.store.shared.{module}", raising=False)
    options = {"store.url": "postgresql://127.0.0.1/x", "store.keep": "segments", "store.segments_dir": "s3://bucket/x"}
    with pytest.raises(ConfigError, match="obstore") as told:
        open_store(load_config({}, options), is_writer=True)
    assert "cordwood[s3]" in told.value.hint


@pytest.fixture
def services(service_urls: dict[str, str], bucket: Settings) -> dict[str, str]:
    """With the credentials where users of S3 have them."""
    named_here = {f"store_{name}": value for name, value in bucket.items() if "key" not in name}
    return service_urls | named_here | {"store_keep": "segments"}


@pytest.fixture
def amazon_keys(bucket: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket["s3_access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket["s3_secret_key"])
    yield


@pytest.mark.usefixtures("amazon_keys")
def test_a_worker_killed_between_upload_and_commit_loses_nothing(
    services: dict[str, str], bucket: Settings, tmp_path: Path
) -> None:
    assert Cordwood("migrate", tmp_path / "data", **services).run().returncode == 0
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", tmp_path / "api", **services))
        for part in range(5):
            body = b"\n".join(b'{"n":%d}' % n for n in range(part * 100, part * 100 + 100))
            assert api.post("/api/v1/ingest", body)[0] == 202
        for _ in range(2):
            dead = subprocess.run(
                [sys.executable, "-m", "tests.support.dying_worker", "--before-commit"],
                env={**os.environ, **api.environment, "CORDWOOD_DATA_DIR": str(tmp_path / "dying")},
                timeout=60,
                capture_output=True,
                check=False,
            )
            assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
        assert named(services["store_url"]) == set()
        orphans = objects(bucket)
        # A worker writes several at once: each that died left one at least.
        assert len(orphans) >= 2, "what was uploaded was not named"
        query = stack.enter_context(Cordwood("query", tmp_path / "query", **services))
        stack.enter_context(Cordwood("worker", tmp_path / "worker", **services))
        wait_until(lambda: query.count() == 500, 60, "every event to be stored")
        assert sorted(event["data"]["n"] for event in query.events()) == list(range(500))
        wait_until(lambda: query.run("audit", "--json").returncode == 0, 30, "the books to balance")
        checked = json.loads(query.run("store", "check", "--json").stdout)
        assert set(checked["orphans"]) == orphans
    asyncio.run(sweep(services["store_url"], tmp_path / "sweeper", bucket, young_s=-60))
    assert objects(bucket) == named(services["store_url"])
    assert len(objects(bucket, "orphans")) == len(orphans)


@pytest.mark.usefixtures("amazon_keys")
def test_services_store_in_a_bucket_and_its_outage_loses_nothing(
    services: dict[str, str], bucket: Settings, tmp_path: Path
) -> None:
    """One worker cannot reach the storage: it says so, and stores nothing; then it can. All of it is asked for."""
    dead = services | {"store_s3_endpoint": f"http://127.0.0.1:{free_port()}"}
    assert Cordwood("migrate", tmp_path / "data", **services).run().returncode == 0
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", tmp_path / "api", **services))
        away = Cordwood("worker", tmp_path / "worker", **dead)
        away.start(wait=False)
        stack.callback(away.kill)
        for part in range(10):
            lines = [b'{"part":"%d","n":%d}' % (part, n) for n in range(50)]
            assert api.post("/api/v1/ingest", b"\n".join(lines))[0] == 202
        wait_until(lambda: "object storage" in away.log(), 30, "the worker to say what is away")
        assert bucket["s3_secret_key"] not in away.log()
        assert named(services["store_url"]) == set()
        away.kill()
        worker = stack.enter_context(Cordwood("worker", tmp_path / "worker", **services))
        query = stack.enter_context(Cordwood("query", tmp_path / "query", **services))
        wait_until(lambda: query.count() == 500, 60, "every event to be stored")
        for command in (["store", "stats", "--json"], ["store", "check", "--json"], ["store", "compact"]):
            done = worker.run(*command)
            assert done.returncode == 0, done.stderr
        assert len(named(services["store_url"])) == 1, "merged into one"
        assert query.run("delete", "--filter", "part:7", "--url", query.url, "--yes").returncode == 0
        assert query.count() == 450
        assert len(query.events()) == 450
        wait_until(lambda: query.run("audit", "--json").returncode == 0, 30, "the books to balance")


def test_clickhouse_reads_the_same_objects(postgres_url: str, tmp_path: Path, bucket: Settings) -> None:
    async def fill() -> None:
        async with opened(postgres_url, tmp_path, bucket) as store:
            for _ in range(3):
                await store.write([load([at(n / 100, n=n) for n in range(10_000)])])

    asyncio.run(fill())
    parts = urlsplit(bucket["segments_dir"])
    glob = f"{bucket['s3_endpoint']}/{parts.netloc}{parts.path}/segments/**.parquet"
    sql = f"SELECT count(), sum(`n:int`) FROM s3('{glob}', '{bucket['s3_access_key']}', '{bucket['s3_secret_key']}')"
    script = f"import chdb; print(chdb.query({sql!r}, 'CSV'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout.strip() == "30000,149985000", done.stderr
