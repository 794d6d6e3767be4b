"""`cordwood store`: what takes the room, is it well, make it compact."""

import asyncio
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cordwood.config import load as load_config
from cordwood.model.tenant import Tenant
from cordwood.store.care import Merged
from cordwood.store.segments.layout import digest_of
from cordwood.store.segments.looking import look_into
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from cordwood.wiring import services
from tests.support.builders import load
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

OTHER = Tenant("acme")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    """A server that does not merge by itself while a test looks."""
    with Cordwood("up", tmp_path / "data", worker_tend_interval_s="3600") as server:
        yield server


@pytest.fixture
def idle(tmp_path: Path) -> Cordwood:
    """The commands, without a server."""
    return Cordwood("up", tmp_path / "data")


def send(up: Cordwood, first: int, count: int) -> None:
    body = b"\n".join(
        b'{"n":%d,"service":"%s","http":{"status":200}}' % (n, b"shop" if n % 2 else b"auth")
        for n in range(first, first + count)
    )
    assert up.post("/api/v1/ingest?wait=stored", body)[0] == 202


async def write(root: Path, writes: int, events: int, tenant: Tenant = OTHER) -> None:
    async with SegmentStore(root, StoreSettings(), is_writer=True) as store:
        for number in range(writes):
            rows = [{"n": n, "took": n / 8, "service": "shop"} for n in range(number * events, (number + 1) * events)]
            await store.write([load(rows, tenant=tenant)])


def asked(server: Cordwood, *arguments: str, status: int = 0) -> Any:
    done = server.run("store", *arguments, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def segments(server_root: Path) -> list[Path]:
    return sorted((server_root / "segments").rglob("*.parquet"))


def tables(root: Path, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(root / "catalog.sqlite")) as catalog, catalog:
        return catalog.execute(sql, values).fetchall()


def test_stats_counts_beside_a_running_server(up: Cordwood, tmp_path: Path) -> None:
    send(up, 0, 3000)
    send(up, 3000, 3000)
    told = asked(up, "stats")
    files = segments(tmp_path / "data" / "store")
    assert (told["kind"], told["events"], told["segments"]) == ("segments", 6000, len(files))
    assert told["bytes"] == sum(file.stat().st_size for file in files)
    assert sum(part["bytes"] for part in told["parts"]) == told["bytes"]
    assert told["services"] == [
        {"tenant": "default", "service": "auth", "events": 3000},
        {"tenant": "default", "service": "shop", "events": 3000},
    ]
    # The same by the library that wrote the files.
    groups = [pq.read_metadata(file).row_group(number) for file in files for number in range(1)]
    by_column: dict[str, int] = {}
    for group in groups:
        for column in map(group.column, range(group.num_columns)):
            size = by_column.get(column.path_in_schema, 0) + column.total_compressed_size
            by_column[column.path_in_schema] = size
    fields = {(field["field"], *field["types"]): field["bytes"] for field in told["fields"]}
    assert fields["http.status", "int"] == by_column["http.status:int"]
    assert fields["batch_id",] == by_column["batch_id"]
    assert sum(fields.values()) == sum(by_column.values())
    sizes = [field["bytes"] for field in told["fields"]]
    assert sizes == sorted(sizes, reverse=True)
    text = up.run("store", "stats").stdout
    assert "6,000 events" in text
    assert "http.status" in text


async def test_stats_and_check_can_look_at_one_tenant(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 2, 10)
    await write(root, 1, 5, Tenant("other"))
    assert [size["tenant"] for size in asked(idle, "stats")["tenants"]] == ["acme", "other"]
    assert asked(idle, "stats", "--tenant", "other")["events"] == 5
    assert asked(idle, "check", "--tenant", "acme")["events"] == 20


def test_check_finds_all_well_beside_a_running_server(up: Cordwood) -> None:
    send(up, 0, 3000)
    send(up, 3000, 10)
    told = asked(up, "check")
    assert (told["is_well"], told["events"], told["faults"], told["orphans"]) == (True, 3010, [], [])
    assert "2 segments, 3,010 events" in up.run("store", "check").stdout


@pytest.mark.parametrize("how", ["flipped", "unseen", "cut", "gone"])
async def test_check_names_what_is_damaged_and_missing(idle: Cordwood, tmp_path: Path, how: str) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 3, 10)
    victim = segments(root)[1]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    match how:
        case "flipped":
            victim.write_bytes(content)
        case "unseen":  # by whoever reads the events
            victim.write_bytes(victim.read_bytes().replace(b"parquet-cpp", b"parquet-cqp"))
        case "cut":
            victim.write_bytes(content[:-1])
        case "gone":
            victim.unlink()
    told = asked(idle, "check", status=1)
    (fault,) = told["faults"]
    assert fault["segment"] == str(victim.relative_to(root))
    assert (fault["kind"], fault["events"]) == ("missing" if how == "gone" else "damaged", 10)
    assert told["segments"] == 3
    done = idle.run("store", "check")
    assert done.returncode == 1
    assert victim.name in done.stdout
    assert f"1 {fault['kind']}" in done.stdout
    # Looking changed nothing: the catalog does not know of it.
    assert tables(root, "SELECT count(*) FROM damaged") == [(0,)]


@pytest.mark.parametrize("how", ["fewer", "no shape", "no text", "no JSON", "other time"])
async def test_check_reads_the_events_back_however_well_the_file_looks(
    idle: Cordwood, tmp_path: Path, how: str
) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 1, 3000)
    await write(root, 1, 10)
    for victim in segments(root):
        table = pq.read_table(victim, partitioning=None)
        is_typed = table["shape"].null_count == 0
        match how:
            case "fewer":
                table = table.slice(1)
            case "no shape" if is_typed:
                shape = pa.array(['{"n":i'] * table.num_rows)
                table = table.set_column(table.column_names.index("shape"), "shape", shape)
            case "no text" if not is_typed:
                raw = pa.nulls(table.num_rows, pa.string())
                table = table.set_column(table.column_names.index("raw"), "raw", raw)
            case "no JSON" if not is_typed:
                raw = pa.array(['{"n":'] * table.num_rows)
                table = table.set_column(table.column_names.index("raw"), "raw", raw)
            case "other time":
                times = pa.array([0] * table.num_rows).cast(pa.timestamp("us", "UTC"))
                table = table.set_column(table.column_names.index("ts"), "ts", times)
        pq.write_table(table, victim)
        tables(
            root,
            "UPDATE segments SET size_bytes = ?, digest = ? WHERE path = ?",
            victim.stat().st_size,
            digest_of(victim),
            str(victim.relative_to(root)),
        )
    found = {"fewer": {3000, 10}, "no shape": {3000}, "no text": {10}, "no JSON": {10}, "other time": {3000, 10}}
    faults = asked(idle, "check", status=1)["faults"]
    assert {fault["events"] for fault in faults} == found[how]
    assert {fault["kind"] for fault in faults} == {"damaged"}


async def test_stats_count_the_others_when_one_segment_cannot_be_read(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 3, 10)
    victim = segments(root)[1]
    victim.write_bytes(victim.read_bytes()[:-8])
    told = asked(idle, "stats")
    assert told["unreadable"] == [str(victim.relative_to(root))]
    assert told["services"] == [{"tenant": "acme", "service": "shop", "events": 20}]
    assert victim.name in idle.run("store", "stats").stderr


async def test_check_tells_of_orphans_and_that_is_no_fault(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 1, 10)
    (segment,) = segments(root)
    orphan = segment.with_name("left.parquet")
    orphan.write_bytes(segment.read_bytes())
    assert asked(idle, "check")["orphans"] == [str(orphan.relative_to(root))]
    assert orphan.exists()


async def test_what_is_merged_while_it_is_checked_is_not_missed(tmp_path: Path) -> None:
    await write(tmp_path, 3, 10)
    async with look_into(tmp_path, StoreSettings()) as look, aclosing(look.check(None)) as steps:
        assert (await anext(steps)).of_segments == 3
        replaced = segments(tmp_path)
        async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as store:
            merged = await store.merge_rest()
        assert merged is not None
        for file in replaced:
            file.unlink()
        assert [step.fault async for step in steps] == [None, None]
        assert await look.orphans() == []


async def test_compact_merges_what_is_too_few_to_be_merged_by_itself(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 5, 1000)
    await write(root, 1, 3000)
    await write(root, 2, 10, Tenant("other"))
    told = asked(idle, "compact")
    assert (told["is_complete"], told["segments_before"], told["segments_after"]) == (True, 8, 2)
    assert tables(root, "SELECT tenant, events FROM segments ORDER BY 1") == [("acme", 8000), ("other", 20)]
    check = asked(idle, "check")
    assert (check["is_well"], check["events"], check["orphans"]) == (True, 8020, [])
    assert asked(idle, "compact")["merges"] == 0
    assert "nothing to merge" in idle.run("store", "compact").stdout
    assert idle.run("audit").returncode == 0


async def test_compact_leaves_damaged_segments_alone(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 4, 10)
    victim = segments(root)[1]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.write_bytes(content)
    done = idle.run("store", "compact")
    assert done.returncode == 0
    assert "merged 3 segments" in done.stdout
    assert "store check" in done.stderr
    assert tables(root, "SELECT events FROM segments ORDER BY 1") == [(10,), (30,)]


def test_compact_leaves_a_store_to_the_server_that_writes_it(up: Cordwood) -> None:
    send(up, 0, 10)
    done = up.run("store", "compact")
    assert done.returncode == 2
    assert "in use by another cordwood" in done.stderr
    assert "merges by itself" in done.stderr
    assert up.post("/log", b"{}")[0] == 202


async def test_compact_ends_between_two_merges(tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    # Full after each merge: as many merges as pairs.
    await write(root, 6, 30_000)
    stop = asyncio.Event()
    merges: list[Merged] = []

    def tell(merged: Merged) -> None:
        merges.append(merged)
        stop.set()

    config = load_config({}, {"data_dir": str(tmp_path / "data")})
    await services.run_compact(config, stop, tell)
    assert [(merged.segments, merged.events) for merged in merges] == [(2, 60_000)]
    assert tables(root, "SELECT count(*), sum(events) FROM segments") == [(5, 180_000)]


async def test_compact_can_be_interrupted_and_goes_on(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 6, 30_000)
    lock = root / "writer.lock"
    merging = subprocess.Popen(  # noqa: ASYNC220  # the loop has nothing else to do
        [sys.executable, "-m", "cordwood", "store", "compact"],
        env=idle.full_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: lock.read_text() == str(merging.pid), 30, "the store to be opened")
    merging.send_signal(signal.SIGINT)
    _, told = merging.communicate(timeout=30)
    assert merging.returncode == 130
    assert "interrupted: the same command goes on" in told
    check = asked(idle, "check")
    assert (check["is_well"], check["events"], check["orphans"]) == (True, 180_000, [])
    assert asked(idle, "compact")["is_complete"] is True
    assert tables(root, "SELECT count(*) FROM segments") == [(1,)]


async def test_a_person_at_a_terminal_sees_how_far_it_is(idle: Cordwood, tmp_path: Path) -> None:
    await write(tmp_path / "data" / "store", 3, 10)
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(  # noqa: ASYNC221  # the loop has nothing else to do
            [sys.executable, "-m", "cordwood", "store", "check"],
            env={**idle.full_environment, "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=True,
        )
        assert b"3 segments, 30 events" in done.stdout
        assert b"3 segments" in os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("command", ["store stats", "store check", "store compact", "audit", "audit --quick"])
def test_a_directory_without_a_store_is_said_so_and_nothing_is_made(
    idle: Cordwood, tmp_path: Path, command: str
) -> None:
    done = idle.run(*command.split())
    assert done.returncode == 2
    assert "there is no store in" in done.stderr
    assert not (tmp_path / "data").exists()


async def test_a_store_of_another_version_is_not_touched(idle: Cordwood, tmp_path: Path) -> None:
    root = tmp_path / "data" / "store"
    await write(root, 1, 10)
    tables(root, "PRAGMA user_version = 99")
    done = idle.run("store", "check")
    assert done.returncode == 2
    assert "schema version 99" in done.stderr


def test_of_postgresql_stats_come_from_the_tables(tmp_path: Path, postgres_url: str) -> None:
    with Cordwood("up", tmp_path / "data", store_url=postgres_url) as up:
        send(up, 0, 300)
        told = asked(up, "stats")
        assert (told["kind"], told["events"], told["segments"]) == ("postgresql", 300, None)
        assert [(rows["service"], rows["events"]) for rows in told["services"]] == [("auth", 150), ("shop", 150)]
        assert told["tenants"] == [{"tenant": "default", "events": 300, "segments": None, "bytes": None}]
        (holding,) = (size for size in told["partitions"] if size["events"])
        assert holding["events"] == 300
        assert holding["bytes"] > holding["index_bytes"] > 0
        assert sum(part["bytes"] for part in told["parts"]) == told["bytes"]
        assert holding["partition"] in up.run("store", "stats").stdout
        assert asked(up, "stats", "--tenant", "other")["events"] == 0
        for command, instead in (("check", "amcheck"), ("compact", "autovacuum")):
            done = up.run("store", command)
            assert done.returncode == 2
            assert "PostgreSQL looks after its tables itself" in done.stderr
            assert instead in done.stderr


async def test_no_control_code_of_a_service_reaches_the_terminal(idle: Cordwood, tmp_path: Path) -> None:
    async with SegmentStore(tmp_path / "data" / "store", StoreSettings(), is_writer=True) as store:
        await store.write([load([{"service": "\x1b[31m[bold]shop"}])])
    told = idle.run("store", "stats").stdout
    assert "[bold]shop" in told
    assert "\x1b" not in told
