"""The segment store's own promises: crashes, damage, other processes, merges."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordwood.clock import SystemClock
from cordwood.errors import ConfigError, Corrupt, Refused, Unavailable
from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import translated
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.store import SegmentStore
from cordwood.store.segments.sweep import Sweeper
from cordwood.store.settings import StoreSettings
from tests.support.builders import equal, load

NOON = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
HOUR = 3_600_000_000


def segment_store(root: Path, *, is_writer: bool = True, **changed: Any) -> SegmentStore:
    return SegmentStore(root, StoreSettings(**changed), is_writer=is_writer)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SegmentStore]:
    async with segment_store(tmp_path) as opened:
        yield opened


async def rows(store: SegmentStore, plan: Plan | None = None, tenant: Tenant = DEFAULT_TENANT) -> list[StoredEvent]:
    return [event async for block in store.read(plan or Plan(), tenant) for event in block]


def files(root: Path) -> list[Path]:
    return sorted((root / "segments").rglob("*.parquet"))


def numbered(first: int, count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"ts": NOON // 1000 + n, "n": n, **fields} for n in range(first, first + count)]


async def test_many_small_segments_are_read_within_the_engines_memory(tmp_path: Path) -> None:
    async with segment_store(tmp_path, memory_bytes=64 << 20) as store:
        for number in range(300):
            await store.write([load(numbered(number, 1))])
        assert [json.loads(event.data)["n"] for event in await rows(store)] == list(range(299, -1, -1))


# Writes one load, then stops in the catalog's transaction, before or after it.
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import load
from uuid import UUID

commit = Catalog.commit
def killed(self, *values):
    if sys.argv[3] == "after":
        commit(self, *values)
    os.kill(os.getpid(), signal.SIGKILL)
Catalog.commit = killed

async def main():
    async with SegmentStore(Path(sys.argv[1]), StoreSettings(), is_writer=True) as store:
        await store.write([load([{"n": 1}, {"n": 2}], batch_id=UUID(sys.argv[2]))])
asyncio.run(main())
"""


@pytest.mark.parametrize(("moment", "orphans", "is_duplicate"), [("before", 1, False), ("after", 0, True)])
async def test_a_writer_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, moment: str, orphans: int, is_duplicate: bool
) -> None:
    root, batch_id = tmp_path / "store", SystemClock().batch_id()
    async with segment_store(root) as store:
        await store.write([load([{"n": 0}])])
    command = [sys.executable, "-c", _KILLED, str(root), str(batch_id), moment]
    ended = await asyncio.to_thread(subprocess.run, command, cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(files(root)) == 2
    async with segment_store(root) as store:
        assert len(list((root / "orphans").iterdir())) == orphans
        assert len(files(root)) == 2 - orphans
        # The broker delivers the batch again.
        (again,) = await store.write([load([{"n": 1}, {"n": 2}], batch_id=batch_id)])
        assert again.is_duplicate is is_duplicate
        assert sorted(json.loads(event.data)["n"] for event in await rows(store)) == [0, 1, 2]


async def test_segments_outlive_a_lost_catalog(tmp_path: Path) -> None:
    async with segment_store(tmp_path) as store:
        await store.write([load(numbered(0, 10))])
    for part in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (tmp_path / part).unlink(missing_ok=True)
    async with segment_store(tmp_path) as store:
        await store.tend()
        assert await rows(store) == []
    (kept,) = (tmp_path / "orphans").iterdir()
    assert duckdb.execute("SELECT count(*) FROM read_parquet($1)", [str(kept)]).fetchall() == [(10,)]


async def test_events_that_came_one_by_one_get_columns_when_enough_of_them_are_merged(
    store: SegmentStore, tmp_path: Path
) -> None:
    for first in range(0, 3200, 400):
        await store.write([load(numbered(first, 400, text="a"))])
    with closing(Catalog(tmp_path / "catalog.sqlite")) as catalog:
        assert {segment.texts for segment in catalog.all_segments(None)} == {400}
        await store.tend()
        (merged,) = catalog.all_segments(None)
    assert (merged.events, merged.texts) == (3200, 0)
    assert merged.columns == {"ts:int", "n:int", "text:str"}
    assert sorted(json.loads(event.data)["n"] for event in await rows(store)) == list(range(3200))


async def test_a_second_writer_names_the_first(store: SegmentStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"in use by another cordwood \(pid {os.getpid()}\)"):
        async with segment_store(tmp_path):
            pass


async def test_readers_need_no_lock_and_see_each_commit(store: SegmentStore, tmp_path: Path) -> None:
    async with segment_store(tmp_path, is_writer=False) as reader:
        assert await rows(reader) == []
        before = await reader.coverage(Plan(), DEFAULT_TENANT)
        await store.write([load([{"n": 1}])])
        assert (await reader.coverage(Plan(), DEFAULT_TENANT)).version > before.version
        assert len(await rows(reader)) == 1
        await reader.tend()
        await reader.check()


async def test_a_directory_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot use the directory") as raised:
        async with segment_store(tmp_path / "file" / "store"):
            pass
    assert "--data-dir" in raised.value.hint


async def test_a_directory_without_permission_says_so(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    is_root = os.geteuid() == 0
    try:
        if is_root:  # whom no mode stops
            os.seteuid(65534)
        with pytest.raises(ConfigError, match="cannot use the directory"):
            async with segment_store(tmp_path / "closed" / "store"):
                pass
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize("how", ["cut", "overwritten", "missing"])
async def test_a_damaged_segment_is_named_and_then_left_out(store: SegmentStore, tmp_path: Path, how: str) -> None:
    await store.write([load(numbered(0, 500, text="x" * 50))])
    (first,) = files(tmp_path)
    await store.write([load(numbered(500, 500))])
    match how:
        case "cut":
            os.truncate(first, first.stat().st_size // 2)
        case "overwritten":
            middle = first.stat().st_size // 2
            content = bytearray(first.read_bytes())
            content[100:middle] = bytes(middle - 100)
            first.write_bytes(content)
        case "missing":
            first.unlink()
    with pytest.raises(Corrupt, match=first.name):
        await rows(store)
    assert len(await rows(store)) == 500, "it is left out now"
    assert await store.count(Plan(filter=equal("n", "7")), DEFAULT_TENANT) == 0
    (damage,) = (await store.coverage(Plan(), DEFAULT_TENANT)).damaged
    assert (damage.events, damage.path.rpartition("/")[2]) == (500, first.name)
    # What does not need it is complete.
    later = Plan(start_us=NOON + 500_000)
    assert (await store.coverage(later, DEFAULT_TENANT)).damaged == []
    assert len(await rows(store, later)) == 500


async def test_a_flipped_bit_is_found_by_looking_and_a_mended_file_is_read_again(
    store: SegmentStore, tmp_path: Path
) -> None:
    await store.write([load(numbered(0, 500))])
    (first,) = files(tmp_path)
    whole = first.read_bytes()
    first.write_bytes(whole[:300] + bytes([whole[300] ^ 1]) + whole[301:])
    await store.tend()
    (damage,) = (await store.coverage(Plan(), DEFAULT_TENANT)).damaged
    assert "not those that were written" in damage.reason
    assert await rows(store) == []
    first.write_bytes(whole)
    await store.tend()
    assert (await store.coverage(Plan(), DEFAULT_TENANT)).damaged == []
    assert len(await rows(store)) == 500


async def test_damaged_bytes_are_not_merged_into_a_segment_that_looks_well(store: SegmentStore, tmp_path: Path) -> None:
    for part in range(20):
        await store.write([load(numbered(part * 10, 10))])
    victim = files(tmp_path)[0]
    content = bytearray(victim.read_bytes())
    place = content.find(b"PAR1", 4)
    content[place // 2] ^= 1
    victim.write_bytes(content)
    await store.tend()
    assert victim.exists()
    assert [damage.path for damage in (await store.coverage(Plan(), DEFAULT_TENANT)).damaged] == [
        str(victim.relative_to(tmp_path))
    ]


async def test_a_damaged_segment_does_not_stop_the_others_from_merging(store: SegmentStore, tmp_path: Path) -> None:
    for part in range(20):
        await store.write([load(numbered(part * 10, 10))])
    damaged = files(tmp_path)[3]
    damaged.write_bytes(b"PAR1")
    await store.tend()
    assert damaged.exists()
    plan = Plan(start_us=NOON + 40_000)
    assert [json.loads(event.data)["n"] for event in await rows(store, plan)] == list(range(199, 39, -1))


async def test_ordinals_follow_the_lines_of_500_batches(store: SegmentStore) -> None:
    sizes = [1 + (n * 37) % 61 for n in range(500)]
    loads = [load([{"batch": n, "line": m} for m in range(size)]) for n, size in enumerate(sizes)]
    await store.write(loads)
    found = {event.id: event.data for event in await rows(store)}
    expected = {
        event_id(each.batch.header.id, m): line for each in loads for m, line in enumerate(each.ndjson.splitlines())
    }
    assert found == expected


async def test_lines_keep_their_order_over_many_buffers_of_the_reader(store: SegmentStore) -> None:
    # Well beyond the 32 MB that the engine reads at once, so that its threads share the file.
    filler = "é" * 400
    loads = [load([{"n": part * 10_000 + n, "filler": filler} for n in range(10_000)]) for part in range(6)]
    await store.write(loads)
    for each in loads:
        for ordinal in (0, 4_999, 9_999):
            found = await store.find(event_id(each.batch.header.id, ordinal), DEFAULT_TENANT)
            assert found is not None
            assert found.data == each.ndjson.splitlines()[ordinal]
    plan = Plan(filter=equal("n", "31234"))
    (one,) = await rows(store, plan)
    assert one.id == event_id(loads[3].batch.header.id, 1_234)


async def test_concurrent_writers_of_the_same_batches_store_each_once(store: SegmentStore, tmp_path: Path) -> None:
    loads = [load(numbered(part * 5, 5)) for part in range(12)]
    written = await asyncio.gather(*(store.write([*loads[turn:], *loads[:turn]]) for turn in range(12)))
    assert sum(outcome.stored for outcomes in written for outcome in outcomes) == 60
    assert len(await rows(store)) == 60
    assert sum(not outcome.is_duplicate for outcomes in written for outcome in outcomes) == 12
    catalog = Catalog(tmp_path / "catalog.sqlite")
    named = catalog.named()
    catalog.close()
    assert {str(path.relative_to(tmp_path)) for path in files(tmp_path)} == named


async def test_tiny_writes_leave_few_segments(store: SegmentStore, tmp_path: Path) -> None:
    for part in range(100):
        await store.write([load(numbered(part, 1))])
        if part % 10 == 9:
            await store.tend()
    catalog = Catalog(tmp_path / "catalog.sqlite")
    left = catalog.segments(DEFAULT_TENANT, None, None)
    catalog.close()
    assert len(left) < 24
    assert [json.loads(event.data)["n"] for event in await rows(store)] == list(range(99, -1, -1))


async def test_a_read_goes_on_while_its_segments_are_merged(store: SegmentStore, tmp_path: Path) -> None:
    for part in range(16):
        await store.write([load(numbered(part * 3_000, 3_000))])
    seen: list[int] = []
    async with aclosing(store.read(Plan(), DEFAULT_TENANT)) as blocks:
        async for block in blocks:
            if not seen:
                await store.tend()
                await store.write([load(numbered(1_000_000, 5))])
            seen += [json.loads(event.data)["n"] for event in block]
    assert seen == list(range(47_999, -1, -1))
    assert await store.count(Plan(), DEFAULT_TENANT) == 48_005


async def test_replaced_files_go_after_the_grace_and_not_before(tmp_path: Path) -> None:
    async with segment_store(tmp_path) as store:
        for part in range(8):
            await store.write([load(numbered(part, 1))])
        await store.tend()
        assert len(files(tmp_path)) == 9
    catalog = Catalog(tmp_path / "catalog.sqlite")
    Sweeper(Directory(tmp_path), catalog, SystemClock(), grace_s=-1.0).tend()
    (left,) = catalog.segments(DEFAULT_TENANT, None, None)
    catalog.close()
    assert files(tmp_path) == [tmp_path / left.path]


async def test_a_merge_that_would_lose_an_event_changes_nothing(store: SegmentStore, tmp_path: Path) -> None:
    for part in range(8):
        await store.write([load(numbered(part, 1))])
    # The catalog believes in one event more than there is.
    catalog = Catalog(tmp_path / "catalog.sqlite")
    victim = catalog.segments(DEFAULT_TENANT, None, None)[0]
    more = Segment(victim.path + "x", victim.tenant, 2, victim.size_bytes, victim.min_us, victim.max_us)
    (tmp_path / victim.path).rename(tmp_path / more.path)
    catalog.swap([victim], more, 0)
    before = catalog.segments(DEFAULT_TENANT, None, None)
    await store.tend()
    assert catalog.segments(DEFAULT_TENANT, None, None) == before
    assert all((tmp_path / segment.path).exists() for segment in before)
    catalog.close()


async def test_writing_and_merging_and_reading_at_once_is_exact(store: SegmentStore) -> None:
    counts: list[int] = []

    async def write() -> None:
        for part in range(40):
            await store.write([load(numbered(part * 25, 25))])

    async def read() -> None:
        while not counts or counts[-1] < 1000:
            counts.append(len(await rows(store)))
            assert counts[-1] % 25 == 0

    async def tend() -> None:
        while not counts or counts[-1] < 1000:
            await store.tend()

    async with asyncio.TaskGroup() as group:
        for work in (write(), read(), tend()):
            group.create_task(work)
    assert counts == sorted(counts)
    assert counts[-1] == 1000


async def test_the_newest_come_from_every_segment_that_may_have_them(store: SegmentStore) -> None:
    # Late data: each batch reaches from now far back.
    for part in range(30):
        await store.write([load([{"ts": NOON // 1000 - n * 86_400_000 - part, "n": n, "p": part} for n in range(40)])])
    everything = await rows(store)
    assert len(everything) == 1200
    assert everything == sorted(everything, key=lambda event: (event.timestamp_us, event.id.int), reverse=True)
    for limit in (1, 7, 100, 1199):
        assert await rows(store, Plan(limit=limit)) == everything[:limit]


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("a", "plain", [0, 1]),
        ("a", "true", [2]),
        ("a", "1" + "0" * 40, [3, 4]),
        ("a", "1e999", [5]),
        ("a", "/x", [6, 7]),
        ("a", '{"b":1}', [8]),
        ("a", "[1]", []),
        ("a", "1_0", []),
        ("a", "-0", [10, 11]),
        ("a", "", [12]),
        ("a", "\\u", []),
    ],
)
async def test_a_filter_knows_every_spelling(store: SegmentStore, field: str, text: str, found: list[int]) -> None:
    spelt = [
        '"plain"', '"\\u0070l\\u0061in"', "true", "1" + "0" * 40, "1e40", "1e400", '"/x"', '"\\/x"',
        '"{\\"b\\":1}"', '{"b":1}', "0", "-0.0", '""', "[1]", "10", "null",
    ]  # fmt: skip
    await store.write([load([f'{{"a":{value},"ts":{NOON // 1000 - n}}}'.encode() for n, value in enumerate(spelt)])])
    ordinals = [event.id.int & 0xFFFF for event in await rows(store, Plan(filter=equal(field, text)))]
    assert ordinals == found


async def test_a_read_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    async with segment_store(tmp_path) as writer:
        await writer.write([load(numbered(0, 3_000))])
        async with segment_store(tmp_path, is_writer=False, query_timeout_s=0.0) as store:
            with pytest.raises(Unavailable, match="took more than 0 s"):
                await rows(store)
            with pytest.raises(Unavailable, match="took more than 0 s"):
                await store.count(Plan(filter=equal("n", "1")), DEFAULT_TENANT)
        assert len(await rows(writer)) == 3_000


async def test_a_cancelled_read_leaves_the_store_well(store: SegmentStore) -> None:
    await store.write([load(numbered(part * 10_000, 10_000)) for part in range(10)])
    plan = Plan(filter=equal("a.b.c.d", "nowhere"))
    for turn in range(20):
        reading = asyncio.create_task(store.count(plan, DEFAULT_TENANT))
        for _ in range(turn):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await store.count(plan, DEFAULT_TENANT) == 0


async def test_each_tenant_has_files_of_its_own(store: SegmentStore, tmp_path: Path) -> None:
    await store.write([load([{"n": 1}], tenant=Tenant("one")), load([{"n": 2}], tenant=Tenant("two"))])
    owners = sorted(path.relative_to(tmp_path / "segments").parts[0] for path in files(tmp_path))
    assert owners == ["tenant=one", "tenant=two"]


async def test_names_that_differ_in_case_only_are_different_fields(store: SegmentStore) -> None:
    both = [{"ts": NOON // 1000 + n, "User": 1, "user": 2} for n in range(3_000)]
    apart = [{"ts": NOON // 1000 + n, "Host" if n % 2 else "host": "a"} for n in range(3_000)]
    await store.write([load(both), load(apart)])
    for field, text, found in (("user", "2", 3_000), ("user", "1", 0), ("User", "1", 3_000), ("host", "a", 1_500)):
        assert await store.count(Plan(filter=equal(field, text)), DEFAULT_TENANT) == found


async def test_a_disk_that_fails_is_not_the_data_s_fault(store: SegmentStore, tmp_path: Path) -> None:
    (tmp_path / "segments").rmdir()
    (tmp_path / "segments").write_bytes(b"in the way")
    with pytest.raises(Unavailable, match="cannot write"):
        await store.write([load([{"n": 1}])])
    (tmp_path / "segments").unlink()
    (written,) = await store.write([load([{"n": 1}])])
    assert written.stored == 1


async def test_files_and_catalog_are_as_the_reference_says(store: SegmentStore, tmp_path: Path) -> None:
    await store.write([load(numbered(0, 3, level="warn", service="web")), load(numbered(3, 2))])
    await store.write([load([{"n": 1}], tenant=Tenant("other"))])
    first, second = files(tmp_path)
    assert first.relative_to(tmp_path).parts[1] == "tenant=default"
    sql = "SELECT name, type, converted_type FROM parquet_schema($1) WHERE type IS NOT NULL"
    for file in (first, second):
        assert duckdb.execute(sql, [str(file)]).fetchall() == [
            ("batch_id", "FIXED_LEN_BYTE_ARRAY", None),
            ("ordinal", "INT32", "UINT_32"),
            ("ts", "INT64", "TIMESTAMP_MICROS"),
            ("inserted_at", "INT64", "TIMESTAMP_MICROS"),
            ("level", "BYTE_ARRAY", "UTF8"),
            ("service", "BYTE_ARRAY", "UTF8"),
            ("shape", "BYTE_ARRAY", "UTF8"),
            ("raw", "BYTE_ARRAY", "UTF8"),
        ]
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as catalog:
        named = catalog.execute("SELECT path, events FROM segments WHERE tenant = 'default'").fetchall()
        assert named == [(str(first.relative_to(tmp_path)), 5)]
        (stored,) = catalog.execute("SELECT sum(stored) FROM batches WHERE tenant = 'default'").fetchone()
        assert stored == 5
        assert catalog.execute("PRAGMA user_version").fetchone() == (8,)


def test_every_error_of_the_engine_is_somebody_s() -> None:
    kinds = {kind for kind in vars(duckdb).values() if isinstance(kind, type) and issubclass(kind, duckdb.Error)}
    assert len(kinds) > 20
    assert {kind for kind in kinds if isinstance(translated(kind("why")), Refused)} == {
        duckdb.DataError,
        duckdb.ConversionException,
        duckdb.OutOfRangeException,
        duckdb.TypeMismatchException,
        duckdb.InvalidInputException,
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
events = st.dictionaries(texts | st.sampled_from(["a", "a.b", "level", "ts"]), values, max_size=6)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=st.lists(st.lists(events, min_size=1, max_size=6), min_size=8, max_size=12))
async def test_nothing_is_lost_or_changed_by_writing_and_merging(
    store: SegmentStore, batches: list[list[dict[str, Any]]]
) -> None:
    loads = [load([as_json(event) for event in batch]) for batch in batches]
    await store.write(loads[:2])
    for each in loads[2:]:
        await store.write([each])
    await store.tend()
    for each in loads:
        for ordinal, line in enumerate(each.ndjson.split(b"\n")[:-1]):
            found = await store.find(event_id(each.batch.header.id, ordinal), DEFAULT_TENANT)
            assert found is not None
            assert found.data == line


def as_json(event: dict[str, Any]) -> bytes:
    """Infinity has no spelling in JSON but a number too large for a double."""
    return json.dumps(event).replace("Infinity", "1e999").encode()
