"""`cordwood store` on segments that PostgreSQL names: others write, merge and remove them meanwhile."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cordwood.clock import SystemClock
from cordwood.db.postgres import Database
from cordwood.errors import Unavailable
from cordwood.store.settings import StoreSettings
from cordwood.store.shared import care
from cordwood.store.shared.folder import Folder
from cordwood.store.shared.turn import Turn
from tests.integration.test_shared_segments import Keep, asked, files, named, opened, sql, until_waiting
from tests.interface.test_store import at, rows
from tests.support.builders import load
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

_TURN = 0x636F726473656773
_WAITING = b"SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def keep() -> Keep:
    """Of tests that do not say it: rows are a copy, which nothing here may touch."""
    return "both"


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path, keep: Keep) -> dict[str, str]:
    return {"store_url": postgres_url, "store_keep": keep, "store_segments_dir": str(tmp_path / "segments")}


@pytest.fixture
def up(shared: dict[str, str], tmp_path: Path) -> Iterator[Cordwood]:
    """A server that does not merge by itself while a test looks."""
    with Cordwood("up", tmp_path / "data", worker_tend_interval_s="3600", **shared) as server:
        yield server


def send(up: Cordwood, first: int, count: int) -> None:
    lines = [b'{"n":%d,"service":"%s"}' % (n, b"shop" if n % 2 else b"auth") for n in range(first, first + count)]
    assert up.post("/api/v1/ingest?wait=stored", b"\n".join(lines))[0] == 202


def send_parts(up: Cordwood, parts: int, each: int) -> None:
    for part in range(parts):
        send(up, part * each, each)


def told(server: Cordwood, *arguments: str, status: int = 0) -> Any:
    done = server.run("store", *arguments, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("keep", ["segments", "both"])
def test_stats_count_what_was_sent(up: Cordwood, postgres_url: str, tmp_path: Path, keep: Keep) -> None:
    send(up, 0, 3000)
    send(up, 3000, 10)
    found = told(up, "stats")
    is_both = keep == "both"
    assert (found["kind"], found["events"], found["segments"]) == (keep, 3010, 2)
    assert found["rows"] == (3010 if is_both else None)
    assert found["services"] == [
        {"tenant": "default", "service": "auth", "events": 1505},
        {"tenant": "default", "service": "shop", "events": 1505},
    ]
    file_bytes = sum((tmp_path / "segments" / path).stat().st_size for path in files(tmp_path))
    assert [(each["events"], each["segments"], each["bytes"]) for each in found["tenants"]] == [(3010, 2, file_bytes)]
    assert sum(part["bytes"] for part in found["parts"]) == found["bytes"]
    row_bytes = sum(part["bytes"] for part in found["parts"] if part["part"] in ("rows", "indexes"))
    assert found["bytes"] == file_bytes + row_bytes
    assert (row_bytes > 0) == is_both
    assert sum(each["events"] for each in found["partitions"]) == (3010 if is_both else 0)
    assert "n" in {each["field"] for each in found["fields"]}
    text = up.run("store", "stats").stdout
    assert f"3,010 events in 2 segments{' and 3,010 rows' if is_both else ''}, " in text
    assert told(up, "stats", "--tenant", "other")["events"] == 0


def test_an_audit_says_which_rows_are_missing(up: Cordwood, postgres_url: str) -> None:
    send(up, 0, 30)
    done = up.run("audit")
    assert done.returncode == 0, done.stdout
    with sql(postgres_url) as behind:
        behind.execute("DELETE FROM logs WHERE (data ->> 'n')::int < 2")
    done = up.run("audit")
    assert done.returncode == 1
    assert "30 events should be rows beside the segments, the table logs has 28" in " ".join(done.stdout.split())
    assert up.run("audit", "--quick").returncode == 0


def test_check_finds_all_well_beside_a_running_server(up: Cordwood, tmp_path: Path) -> None:
    send(up, 0, 3000)
    send(up, 3000, 10)
    found = told(up, "check")
    assert (found["is_well"], found["events"], found["faults"], found["orphans"]) == (True, 3010, [], [])
    assert "2 segments, 3,010 events" in up.run("store", "check").stdout
    assert told(up, "check", "--tenant", "other")["segments"] == 0
    (path, _) = files(tmp_path)
    left = (tmp_path / "segments" / path).with_name("left.parquet")
    left.write_bytes(b"what a kill left")
    assert told(up, "check")["orphans"] == [str(left.relative_to(tmp_path / "segments"))]
    assert left.exists()


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_check_names_what_is_damaged_and_missing(up: Cordwood, postgres_url: str, tmp_path: Path, how: str) -> None:
    send_parts(up, 3, 10)
    path = sorted(files(tmp_path))[1]
    victim = tmp_path / "segments" / path
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    match how:
        case "flipped":
            victim.write_bytes(content)
        case "cut":
            victim.write_bytes(content[:-1])
        case "gone":
            victim.unlink()
    found = told(up, "check", status=1)
    (fault,) = found["faults"]
    assert (fault["segment"], fault["kind"]) == (path, "missing" if how == "gone" else "damaged")
    assert (fault["events"], found["segments"], found["is_well"]) == (10, 3, False)
    done = up.run("store", "check")
    assert done.returncode == 1
    assert path in done.stdout
    assert f"1 {fault['kind']}" in done.stdout
    assert asked(postgres_url, "SELECT damage FROM segments") == [None] * 3, "looking changes nothing"


async def test_what_is_merged_while_it_is_checked_is_not_missed(postgres_url: str, tmp_path: Path, keep: Keep) -> None:
    place = (postgres_url, Folder(tmp_path / "segments", SystemClock()), tmp_path / "spill", StoreSettings(keep=keep))
    async with opened(postgres_url, tmp_path, keep) as store:
        for n in range(3):
            await store.write([load([at(n, n=n)])])
    before = files(tmp_path)
    async with care.look_into(*place) as look, aclosing(look.check(None)) as steps:
        assert (await anext(steps)).of_segments == 3
        async with care.merging(*place) as merger:
            assert await merger.merge_rest() is not None
        assert await look.orphans() == [], "replaced files are no orphans"
        for path in before:
            (tmp_path / "segments" / path).unlink()
        assert [step.fault async for step in steps] == [None, None]


@pytest.mark.parametrize("keep", ["segments", "both"])
def test_compact_merges_what_is_too_few_beside_an_idle_server(
    up: Cordwood, postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    send_parts(up, 4, 100)
    found = told(up, "compact")
    assert (found["is_complete"], found["segments_before"], found["segments_after"]) == (True, 4, 1)
    assert asked(postgres_url, "SELECT events FROM segments WHERE gone_at IS NULL") == [400]
    assert "nothing to merge" in up.run("store", "compact").stdout
    assert len({event["data"]["n"] for event in up.events()}) == up.count() == 400
    check = told(up, "check")
    assert (check["is_well"], check["events"], check["orphans"]) == (True, 400, [])
    assert asked(postgres_url, "SELECT count(*) FROM logs") == [400 if keep == "both" else 0]
    assert up.run("audit").returncode == 0


def test_compact_leaves_damaged_segments_alone(up: Cordwood, postgres_url: str, tmp_path: Path) -> None:
    send_parts(up, 4, 10)
    path = sorted(files(tmp_path))[1]
    (tmp_path / "segments" / path).write_bytes(b"no segment")
    done = up.run("store", "compact")
    assert done.returncode == 0, done.stderr
    assert "merged 3 segments" in done.stdout
    assert "store check" in done.stderr
    assert asked(postgres_url, "SELECT events FROM segments WHERE gone_at IS NULL ORDER BY 1") == [10, 30]


def test_compact_beside_workers_neither_loses_nor_doubles(shared: dict[str, str], tmp_path: Path) -> None:
    sends, each = 90, 20
    with (
        Cordwood("up", tmp_path / "data", worker_tend_interval_s="0.05", **shared) as up,
        Cordwood("worker", tmp_path / "data", worker_tend_interval_s="0.05", **shared),
        ThreadPoolExecutor(1) as aside,
    ):
        sending = aside.submit(send_parts, up, sends, each)
        compacted = [told(up, "compact")["segments_before"]]
        while not sending.done():
            compacted.append(told(up, "compact")["segments_before"])
        sending.result()
        compacted.append(told(up, "compact")["segments_before"])
        assert sum(compacted) > 0
        assert up.count() == sends * each
        assert sorted(event["data"]["n"] for event in up.events()) == list(range(sends * each))
        assert told(up, "check")["is_well"]
        assert told(up, "stats")["events"] == sends * each
        wait_until(lambda: up.run("audit", "--json").returncode == 0, 30, "the books to balance")


def test_compact_waits_for_its_turn(up: Cordwood, postgres_url: str) -> None:
    send(up, 0, 10)
    send(up, 10, 10)
    before = named(postgres_url)
    with sql(postgres_url) as worker:
        worker.execute("SELECT pg_advisory_lock(%s)", [_TURN])
        merging = subprocess.Popen(
            [sys.executable, "-m", "cordwood", "store", "compact"],
            env=up.full_environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: worker.execute(_WAITING).rowcount == 1 or merging.poll() is not None, 30)
        assert merging.poll() is None
        assert named(postgres_url) == before
        worker.execute("SELECT pg_advisory_unlock(%s)", [_TURN])
        said, _ = merging.communicate(timeout=30)
    assert (merging.returncode, len(named(postgres_url))) == (0, 1)
    assert "merged 2 segments" in said


async def test_a_turn_that_does_not_come_is_said_so(postgres_url: str) -> None:
    database = Database(postgres_url)
    with sql(postgres_url) as worker:
        worker.execute("SELECT pg_advisory_lock(%s)", [_TURN])
        with pytest.raises(Unavailable, match=r"another process has been merging or removing segments for 0\.1 s"):
            async with Turn(database, patience_s=0.1).awaited():
                pass
        worker.execute("SELECT pg_advisory_unlock(%s)", [_TURN])
        async with Turn(database).if_free() as is_ours:
            assert is_ours, "who gave up does not hold it later"
    await database.close()


async def test_compact_ends_while_others_write(postgres_url: str, tmp_path: Path, keep: Keep) -> None:
    async with opened(postgres_url, tmp_path, keep) as store:
        for n in range(2):
            await store.write([load([at(n, n=n)])])
        place = (
            postgres_url,
            Folder(tmp_path / "segments", SystemClock()),
            tmp_path / "spill",
            StoreSettings(keep=keep),
        )
        async with care.merging(*place) as merger:
            merged = await merger.merge_rest()
            assert merged is not None
            assert merged.segments == 2
            await store.write([load([at(2, n=2)])])
            assert await merger.merge_rest() is None
        async with care.merging(*place) as merger:
            assert await merger.merge_rest() is not None
        assert len(await rows(store)) == 3


async def test_a_merge_that_others_were_in_the_way_of_is_done_again(
    postgres_url: str, tmp_path: Path, keep: Keep
) -> None:
    """As when a connection was lost, and with it the turn."""
    async with opened(postgres_url, tmp_path, keep) as store:
        for n in range(3):
            await store.write([load([at(n, n=n)])])
        gone = min(named(postgres_url))
        place = (
            postgres_url,
            Folder(tmp_path / "segments", SystemClock()),
            tmp_path / "spill",
            StoreSettings(keep=keep),
        )
        async with care.merging(*place) as merger:
            with psycopg.connect(postgres_url) as other:
                other.execute("SELECT FROM segments WHERE path = %s FOR UPDATE", [gone])
                merging = asyncio.create_task(merger.merge_rest())
                await until_waiting(postgres_url, 1)
                other.execute("UPDATE segments SET gone_at = now() WHERE path = %s", [gone])
            merged = await merging
        assert merged is not None
        assert (merged.segments, merged.events) == (2, 2)
        assert len(named(postgres_url)) == 1


@pytest.mark.parametrize("command", ["stats", "check", "compact"])
def test_a_directory_of_something_else_is_refused(
    up: Cordwood, shared: dict[str, str], tmp_path: Path, command: str
) -> None:
    send(up, 0, 10)
    elsewhere = Cordwood("up", tmp_path / "other", **shared | {"store_segments_dir": str(tmp_path / "not-mounted")})
    done = elsewhere.run("store", command)
    assert done.returncode == 1
    assert "is not the directory of the segments that this database names" in done.stderr
    assert not (tmp_path / "not-mounted").exists()


@pytest.mark.parametrize(("command", "status"), [("stats", 1), ("check", 2), ("compact", 2)])
def test_who_keeps_rows_only_is_not_told_that_there_is_nothing(
    up: Cordwood, shared: dict[str, str], tmp_path: Path, command: str, status: int
) -> None:
    send(up, 0, 10)
    forgetful = Cordwood("up", tmp_path / "other", **shared | {"store_keep": "rows"})
    done = forgetful.run("store", command)
    assert done.returncode == status
    assert "answers from segments" in done.stderr or "store.keep is rows" in done.stderr


@pytest.mark.parametrize("command", ["stats", "check", "compact"])
def test_a_store_that_nobody_wrote_has_nothing(shared: dict[str, str], tmp_path: Path, command: str) -> None:
    idle = Cordwood("migrate", tmp_path / "data", **shared)
    assert idle.run().returncode == 0
    done = idle.run("store", command)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "segments").exists()
