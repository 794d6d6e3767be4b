"""Rollups of rows: exact whatever happens between two of their steps, and in nobody's way."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cordwood.errors import Unavailable
from cordwood.model.plan import Plan
from cordwood.model.retention import Retention
from cordwood.model.search.spans import DAY_US, MINUTE_US
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.postgres import folding_rollups
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.integration.test_postgres_rows import another, opened, waiting
from tests.interface.test_erasing import on
from tests.interface.test_histogram import MANY, require_equal
from tests.interface.test_store import NOON, at
from tests.interface.test_store import opened as interface_opened
from tests.support.builders import equal, load
from tests.support.processes import Cordwood

DAY = NOON // DAY_US


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    async with opened(postgres_url, partition_days_back=0, partition_days_ahead=0) as made:
        yield made


async def told(store: PostgresStore) -> tuple[int, int]:
    """How many events there are, and of how many rollups tell. Each of them is where it should be."""
    await require_equal(store, DEFAULT_TENANT)
    counted = await store.histogram(Plan(), DEFAULT_TENANT, MINUTE_US, "service", MANY)
    assert sum(each.count for each in counted.counts) == await store.count(Plan(), DEFAULT_TENANT)
    return sum(each.count for each in counted.counts), counted.rolled_up


async def wrong_days(store: PostgresStore) -> list[str]:
    """What an audit finds."""
    return [damage.path for damage in (await store.accounts(None, is_counted=True)).damaged]


def run(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


async def test_events_that_an_earlier_release_stored_are_read_until_they_are_counted(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.write([load([at(n, level="info") for n in range(20)]), load([at(n - 86_400) for n in range(10)])])
    run(postgres_url, "DELETE FROM rollup_changes")
    assert await told(store) == (30, 0)
    await store.write([load([at(5)])])
    assert await told(store) == (31, 0), "a day of which rollups tell a part is read"
    await store.delete(Plan(filter=equal("level", "info"), end_us=NOON + 5_000_000), DEFAULT_TENANT, "x", dry_run=False)
    assert await told(store) == (26, 0)
    for rolled_up in (16, 26):
        await store.tend()
        assert await told(store) == (26, rolled_up)
    assert await wrong_days(store) == []


async def test_a_write_that_ends_while_its_day_is_counted_is_counted_once(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.write([load([at(n) for n in range(7)])])
    run(postgres_url, "DELETE FROM rollup_changes")
    with another(postgres_url) as theirs:
        theirs.execute("UPDATE slices SET version = version")
        write = asyncio.create_task(store.write([load([at(n) for n in range(3)])]))
        await waiting(postgres_url)
        await store.tend()
        assert await told(store) == (7, 7)
    await write
    assert await told(store) == (10, 10)
    await store.tend()
    assert await told(store) == (10, 10)
    assert await wrong_days(store) == []


async def test_a_write_in_the_middle_of_counting_a_day_is_counted_once(store: PostgresStore, postgres_url: str) -> None:
    await store.write([load([at(n) for n in range(7)])])
    await store.tend()
    run(postgres_url, "UPDATE rollup_days SET events = 0")
    async with opened(postgres_url) as other:
        with another(postgres_url) as theirs:
            theirs.execute("SELECT FROM rollups FOR UPDATE")  # between the changes and the sums
            counting = asyncio.create_task(other.tend())
            await waiting(postgres_url)
            await store.write([load([at(n) for n in range(3)])])
        await counting
    for _ in range(2):
        assert await told(store) == (10, 10)
        await store.tend()
    assert await wrong_days(store) == []


async def test_nobody_waits_for_upkeep_nor_upkeep_for_anybody(store: PostgresStore, postgres_url: str) -> None:
    await store.write([load([at(0)])])
    with another(postgres_url) as theirs:
        theirs.execute("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE")  # as upkeep of another worker does
        async with asyncio.timeout(20):
            await store.write([load([at(1)])])
            await store.delete(Plan(start_us=NOON + 1_000_000), DEFAULT_TENANT, "x", dry_run=False)
            await store.tend()
            assert await told(store) == (1, 1)
    assert run(postgres_url, "SELECT count(*) FROM rollups") == [(0,)]
    await store.tend()
    assert run(postgres_url, "SELECT count(*) FROM rollup_changes") == [(0,)]


async def test_writers_deletions_and_upkeep_at_once_stay_exact(store: PostgresStore, postgres_url: str) -> None:
    async def write(part: int) -> None:
        for n in range(8):
            await store.write([load([at(n * 60 + part, level="warn", n=part, service=f"s{n % 3}") for _ in range(5)])])

    async def remove() -> None:
        for part in (1, 2):
            await store.delete(Plan(filter=equal("n", str(part))), DEFAULT_TENANT, "x", dry_run=False)

    async def tend(other: PostgresStore) -> None:
        for _ in range(6):
            await other.tend()

    async with opened(postgres_url) as other:
        await asyncio.gather(*map(write, range(4)), remove(), tend(store), tend(other))
        await remove()
    assert await told(store) == (80, 80)
    assert await wrong_days(store) == []


async def test_a_fold_that_is_killed_half_way_changes_nothing(store: PostgresStore, postgres_url: str) -> None:
    await store.write([load([at(n, level="info") for n in range(9)])])
    await store.tend()
    await store.write([load([at(n, level="error") for n in range(4)])])
    with another(postgres_url) as theirs:
        theirs.execute("SELECT FROM rollup_days FOR UPDATE")
        tending = asyncio.create_task(store.tend())
        await waiting(postgres_url)
        assert await told(store) == (13, 13)
        run(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        with pytest.raises(Unavailable):
            await tending
    assert await told(store) == (13, 13)
    await store.tend()
    assert await told(store) == (13, 13)
    assert await wrong_days(store) == []


async def test_a_day_with_a_service_for_each_event_is_read(store: PostgresStore, postgres_url: str) -> None:
    events = [at(n % 60, service=f"s{n}") for n in range(3000)]
    await store.write([load(events)])
    assert run(postgres_url, "SELECT count(*) FROM rollup_changes") == [(0,)]
    assert await told(store) == (3000, 0)
    assert await wrong_days(store) == []


async def test_rollups_of_a_day_are_given_up_when_they_are_too_many(
    store: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding_rollups, "_MOST_ENTRIES", 10)
    for n in range(12):
        await store.write([load([at(0, service=f"s{n}"), at(86_400)])])
    assert await told(store) == (24, 24)
    await store.tend()
    assert await told(store) == (24, 12)
    assert run(postgres_url, "SELECT count(*) FROM rollups WHERE start / 1440 = %s", DAY) == [(0,)]
    await store.write([load([at(1, service="late")])])
    await store.delete(Plan(filter=equal("service", "s3")), DEFAULT_TENANT, "x", dry_run=False)
    for _ in range(2):
        await store.tend()
        assert await told(store) == (24, 12)
    assert run(postgres_url, "SELECT count(*) FROM rollups WHERE start / 1440 = %s", DAY) == [(0,)]
    assert await wrong_days(store) == []


async def test_a_day_that_was_dropped_tells_nothing_of_what_comes_later(postgres_url: str) -> None:
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=3, partition_days_ahead=0)) as store:
        await store.migrate()
        await store.write([load([on(3, service="old", n=n) for n in range(300)])])
        await store.tend()
    async with opened(postgres_url, partition_days_back=0, partition_days_ahead=0) as store:
        partitions = "SELECT count(*) FROM pg_class WHERE relname LIKE 'logs\\_2%%' AND relkind = 'r'"
        ((before,),) = run(postgres_url, partitions)
        assert await store.expire(Retention(1)) == 300
        assert run(postgres_url, partitions) == [(before - 1,)]
        assert await told(store) == (0, 0)
        # As many as there were, and too many services for rollups.
        await store.write([load([on(3, service=f"s{n}") for n in range(300)])])
        assert await told(store) == (300, 0)
        await store.tend()
        assert await told(store) == (300, 300)
        assert await wrong_days(store) == []


async def test_a_service_with_a_very_long_name_does_not_stop_upkeep(store: PostgresStore, postgres_url: str) -> None:
    long = "s" * 20_000
    await store.write([load([at(0, service=long), at(1, service="short")]), load([at(2)])])
    for _ in range(2):
        await store.tend()
        assert await told(store) == (3, 0)
    await store.delete(Plan(filter=equal("service", long)), DEFAULT_TENANT, "x", dry_run=False)
    await store.tend()
    assert await told(store) == (2, 0)
    assert run(postgres_url, "SELECT count(*) FROM rollup_changes") == [(0,)]


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE rollups SET events = events + 1 WHERE span = 1 AND service = 'a'",
        "UPDATE rollups SET events = events + 1 WHERE span = 1440 AND service = 'a'",
        "UPDATE rollups SET service = 'z' WHERE span = 1 AND service = 'a'",
        "DELETE FROM rollups WHERE span = 60 AND service = 'a'",
        "INSERT INTO rollup_changes SELECT tenant, start, level, 'q', n FROM rollups, (VALUES (1), (-1)) AS v(n) "
        "WHERE span = 1 AND service = 'a'; UPDATE rollup_changes SET service = 'r' WHERE events < 0",
    ],
)
async def test_an_audit_finds_a_rollup_of_rows_that_was_changed(
    store: PostgresStore, postgres_url: str, wrong: str
) -> None:
    await store.write([load([at(0, service="a"), at(1, service="b"), at(86_400)])])
    await store.tend()
    assert await wrong_days(store) == []
    with psycopg.connect(postgres_url) as connection:
        for statement in wrong.split(";"):
            connection.execute(statement)
    assert await wrong_days(store) == ["2026-11-23"]


@pytest.mark.parametrize("kept", ["rows", "segments"])
async def test_the_audit_of_the_command_line_finds_a_rollup_changed_by_hand(
    kept: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kept == "rows" else f"file:{tmp_path / 'data' / 'store'}"
    audit = Cordwood("audit", tmp_path / "data", store_url=url)
    place = url if kept == "rows" else str(tmp_path / "data" / "store")
    async with interface_opened("postgres" if kept == "rows" else "segments", place) as store:
        await store.write([load([at(0, level="error"), at(9)])])
        await store.tend()
    assert '"damage"' not in audit.run("audit", "--json").stdout
    if kept == "rows":
        run(url, "UPDATE rollups SET events = 5 WHERE span = 1 AND level = 'error'")
    else:
        with closing(sqlite3.connect(f"{place}/catalog.sqlite")) as catalog, catalog:
            ((rollup,),) = catalog.execute("SELECT rollup FROM segments").fetchall()
            catalog.execute("UPDATE segments SET rollup = ?", (rollup[:-4] + b"\7\0\0\0",))
    found = audit.run("audit", "--json")
    assert found.returncode == 1
    assert '"damage"' in found.stdout
    assert "rollup" in found.stdout


async def test_a_day_whose_sum_was_changed_is_read_and_counted_anew(store: PostgresStore, postgres_url: str) -> None:
    await store.write([load([at(0), at(1)])])
    await store.tend()
    run(postgres_url, "UPDATE rollup_days SET events = events + 1")
    assert await told(store) == (2, 0)
    assert await wrong_days(store) == []
    async with opened(postgres_url) as other:  # as upkeep looks for such days once a minute
        await other.tend()
    assert await told(store) == (2, 2)
