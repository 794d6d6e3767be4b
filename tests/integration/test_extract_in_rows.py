"""`extract` over rows: an engine with RE2 goes on with what a cursor gives, no further than it is needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cordwood.errors import BadQuery, Unavailable
from cordwood.language.parser import parse
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.postgres.piping.handing import GivenRows
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.piping.onward import EngineOnward
from cordwood.store.settings import StoreSettings
from tests.support.builders import load
from tests.support.piped import rows
from tests.support.waiting import eventually

NOW_US = 1_795_435_200_000_000
COUNT = 30_000


@pytest.fixture
async def store(postgres_url: str, tmp_path: Path) -> AsyncIterator[PostgresStore]:
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0, query_timeout_s=20)
    async with PostgresStore(postgres_url, settings, lambda: EngineOnward(tmp_path / "spill", settings)) as opened:
        await opened.migrate()
        yield opened


@pytest.fixture
async def many(store: PostgresStore) -> PostgresStore:
    await store.write([load([{"ts": NOW_US // 1000 + n, "message": f"took {n} ms"} for n in range(COUNT)])])
    return store


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were given to the engine, lot by lot."""
    lots: list[int] = []
    lot = GivenRows._lot

    def counted(self: GivenRows, found: Sequence[Sequence[Any]], before: int) -> Any:
        lots.append(len(found))
        return lot(self, found, before)

    monkeypatch.setattr(GivenRows, "_lot", counted)
    return lots


async def answered(store: PostgresStore, text: str, limit: int | None = None) -> list[dict[str, Any]]:
    search = parse(text, NOW_US)
    return await rows(store, Plan(filter=search.filter, limit=limit), search.pipes)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"(?P<a>x|xy)(?P<b>.*)", "xyz", {"a": "x", "b": "yz"}),
        (r"(?P<a>.*?)(?P<b>\d+)", "ab12", {"a": "ab", "b": "12"}),
        (r"(?P<a>\w+?)(?P<b>\w*)", "abc", {"a": "a", "b": "bc"}),
        (r"(?P<a>foo|foobar)(?P<b>bar)?", "foobar", {"a": "foo", "b": "bar"}),
        (r"(?:(?P<a>a)|b)*(?P<b>c?)", "abc", {"a": "a", "b": "c"}),
        (r"(?i)(?P<a>ß|k)(?P<b>\x00)", "\u212a\0", {"a": "\u212a", "b": "\0"}),
    ],
)
async def test_groups_are_those_that_re2_finds(
    store: PostgresStore, pattern: str, text: str, found: dict[str, str]
) -> None:
    await store.write([load([{"message": text}])])
    assert await answered(store, f"| extract /{pattern}/ | fields a, b") == [found]


async def test_events_are_read_as_far_as_they_are_asked_for(many: PostgresStore, given: list[int]) -> None:
    found = await answered(many, "| extract /took (?P<ms>\\d+)/ | where ms < 29990 | fields ms | limit 2 1")
    assert found == [{"ms": "29988"}, {"ms": "29987"}]
    found = await answered(many, '| extract "took <ms> ms" | limit 5 | sort ms | fields ms | limit 1')
    assert found == [{"ms": "29995"}]
    found = await answered(many, '| extract "took <ms> ms"', limit=3)
    assert [row["ms"] for row in found] == ["29999", "29998", "29997"]
    assert sum(given) < COUNT


async def test_events_come_with_what_is_beside_them_in_blocks(many: PostgresStore, given: list[int]) -> None:
    search = parse('| extract "took <ms> ms"', NOW_US)
    found = [block async for block in many.rows(Plan(), search.pipes, DEFAULT_TENANT)]
    assert {len(block) for block in found} == {1000}
    assert [row.columns["ms"] for block in found for row in block] == [f"{n}" for n in reversed(range(COUNT))]
    last = found[-1][-1]
    assert last.event is not None
    assert (last.event.timestamp_us, last.event.data) == (NOW_US, b'{"ts": 1795435200000, "message": "took 0 ms"}')


async def test_what_is_before_it_goes_on_being_postgresqls(many: PostgresStore, given: list[int]) -> None:
    text = '| where message:*99 | stats count() as n, last(message) as m | extract "took <ms> ms" from m | fields n, ms'
    assert await answered(many, text) == [{"n": 300, "ms": "29999"}]
    assert given == [1]


async def test_an_order_that_was_made_before_it_is_kept(many: PostgresStore) -> None:
    text = '| eval n = len(message) | sort -n, timestamp | extract "took <ms> ms" | sort n | limit 3 | fields ms'
    assert await answered(many, text) == [{"ms": "0"}, {"ms": "1"}, {"ms": "2"}]


async def test_a_list_of_values_is_handed_on(store: PostgresStore) -> None:
    await store.write([load([{"v": value, "t": "a1"} for value in (1, 2.5, "x", True, 1)])])
    (row,) = await answered(store, r"| stats values(v) as v, max(t) as t | extract /(?P<d>\d)/ from t")
    assert row == {"v": [1, 2.5, "x", True], "t": "a1", "d": "1"}


async def test_one_who_leaves_ends_it_and_the_store_goes_on(many: PostgresStore) -> None:
    search = parse('| extract "took <ms> ms"', NOW_US)
    for _ in range(20):  # more than there are connections
        async with contextlib.aclosing(many.rows(Plan(), search.pipes, DEFAULT_TENANT)) as blocks:
            async for _ in blocks:
                break
    assert (await answered(many, '| extract "took <ms> ms" | stats max(ms) as most'))[0]["most"] == COUNT - 1


async def test_one_who_leaves_while_postgresql_is_at_work_ends_that(many: PostgresStore, given: list[int]) -> None:
    work = "| eval n = len(message)" + "| eval n = n + n * n - n / 3" * 16
    asking = asyncio.create_task(answered(many, f'{work} | sort n | extract "took <ms> ms" | stats count() as n'))

    async def is_at_work() -> bool:
        async with many._database.connection() as connection:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%cordwood_product%'"
            return bool(await connection.fetchval(f"{asked} AND pid <> pg_backend_pid()"))

    await eventually(is_at_work, 20)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not given
    assert not await is_at_work()


async def test_one_that_takes_too_long_is_told_so(postgres_url: str, tmp_path: Path) -> None:
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0, query_timeout_s=0.05)
    async with PostgresStore(postgres_url, settings, lambda: EngineOnward(tmp_path, settings)) as store:
        await store.migrate()
        await store.write([load([{"message": "a" * 300} for _ in range(20_000)])])
        with pytest.raises(Unavailable, match=r"0\.05 s|statement timeout"):
            await answered(store, "| sort message | extract /(?P<a>.)/ | stats count() by a")


async def test_a_directory_that_cannot_be_used_is_told(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0)
    async with PostgresStore(postgres_url, settings, lambda: EngineOnward(file / "spill", settings)) as store:
        await store.migrate()
        with pytest.raises(Unavailable, match="no room for pipes"):
            await answered(store, "| extract /(?P<a>.)/")
        assert await answered(store, "| stats count() as n") == [{"n": 0}]


async def test_without_an_engine_it_is_refused(postgres_url: str) -> None:
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0)
    async with PostgresStore(postgres_url, settings) as store:
        await store.migrate()
        with pytest.raises(BadQuery, match="PostgreSQL cannot extract"):
            await answered(store, r"| extract /(?P<a>\d+)/")
