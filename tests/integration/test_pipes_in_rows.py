"""Pipes over rows give what the reference does, row by row."""

import math
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cordwood.db.postgres import Database
from cordwood.language.parser import parse
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Everything, Filter
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.piping.onward import EngineOnward
from cordwood.store.settings import StoreSettings
from tests.support import awkward, awkward_columns
from tests.support.builders import load
from tests.support.fixtures import database
from tests.support.piped import SEED, compare, rows, seen
from tests.support.pipelines import NOW_US, Pipelines
from tests.support.reference.pipes import answer


@pytest.fixture
async def store(postgres: str, tmp_path: Path) -> AsyncIterator[PostgresStore]:
    settings = StoreSettings(partition_days_back=0, partition_days_ahead=0)
    with database(postgres) as url:
        async with PostgresStore(url, settings, lambda: EngineOnward(tmp_path, settings)) as opened:
            await opened.migrate()
            yield opened


def _fields(names: tuple[str, ...] | list[str]) -> list[str]:
    """Those that a query can name."""
    return [name for name in names if name not in ("", "\\") and "\0" not in name]


async def test_they_give_what_the_reference_does(store: PostgresStore) -> None:
    rng, source = random.Random(SEED), random.Random(20261126)
    for count, odd in ((30, 10), (30, 0)):
        await store.write([load(awkward_columns.events(source, count, odd))])
    pipelines = Pipelines(rng, _fields(awkward_columns.FIELDS))
    assert await compare(store, pipelines, rng, lambda rng: awkward_columns.any_filter(rng, 1), 100) > 20


async def test_they_give_what_the_reference_does_of_texts_that_rows_keep_otherwise(store: PostgresStore) -> None:
    rng, source = random.Random(SEED), random.Random(20261126)
    await store.write([load(awkward.events(source, 200))])
    pipelines = Pipelines(rng, _fields(awkward.FIELDS))

    def any_filter(rng: random.Random) -> Filter:
        return Everything() if rng.random() < 0.5 else awkward.random_filter(rng, 2)

    assert await compare(store, pipelines, rng, any_filter, 80) > 20


async def test_what_is_extracted_goes_through_all_other_pipes_as_the_reference_has_it(store: PostgresStore) -> None:
    rng, source = random.Random(SEED), random.Random(20261126)
    await store.write([load(awkward.events(source, 120)), load(awkward_columns.events(source, 60, 10))])
    fields = _fields([*awkward.FIELDS[:20], *awkward_columns.FIELDS[:20]])
    pipelines = Pipelines(rng, fields, needs="| extract ")
    assert await compare(store, pipelines, rng, lambda _: Everything(), 60) > 20


async def test_json_that_differs_is_counted_together_where_values_are_equal(store: PostgresStore) -> None:
    source = random.Random(SEED)
    numbers = ["1", "1.0", "1e0", "0", "-0.0", "1e400", "2e400", "0.1", "0.10000000000000000555"]
    great = ["9007199254740993", "9007199254740993.0", "9.007199254740993e15", "9223372036854775807", "1e17", "1e17"]
    others = ['"1"', "[1]", "[2]", "{}", '{"g":1}', "null", "true", '"a\\u0000"', '"\ue0c0"']
    alike = [*numbers, *great, *others]
    lines = [f'{{"f":{source.choice(alike)},"g":{source.choice(alike)}}}'.encode() for _ in range(300)]
    await store.write([load(lines)])
    every = await seen(store)
    asked = ["top 40 f", "top 3 f by g", "rare 40 f, g", "stats count() as n, count() as m by f", "top 5 message, f.g"]
    asked.append("stats count() as n by g, f | where n > 2 | stats count() as k, sum(n) as s by g")
    for text in asked:
        search = parse(f"| {text}", NOW_US)
        assert await rows(store, Plan(), search.pipes) == answer(search, every), text


async def answered(store: PostgresStore, text: str) -> list[dict[str, Any]]:
    search = parse(text, NOW_US)
    return await rows(store, Plan(filter=search.filter), search.pipes)


async def test_what_stands_for_one_character_is_one(store: PostgresStore) -> None:
    await store.write([load([{"t": "0\x0001\x00a"}, {"t": "\ue0c01"}])])
    text = (
        r'| eval n = len(t), p = substr(t, 2, 3), r = replace(t, "0", "x"), c = contains(t, "01")'
        r'| eval e = endswith(t, "\u0000a"), z = endswith(t, "1"), s = startswith(t, "0\u0000")'
        r'| eval k = concat("\u0000", n) | sort t | fields n, p, r, c, e, z, s, k'
    )
    assert await answered(store, text) == [
        {"n": 6, "p": "\x0001", "r": "x\x00x1\x00a", "c": True, "e": True, "z": False, "s": True, "k": "\x006"},
        {"n": 2, "p": "1", "r": "\ue0c01", "c": False, "e": False, "z": True, "s": False, "k": "\x002"},
    ]


async def test_texts_are_in_the_order_of_their_code_points(store: PostgresStore) -> None:
    texts = ["\0", "\x01", "\x01\x02", "\x02", "a", "a\0", "\ue0c0", "\ue0c1", "\U0001f600"]
    await store.write([load([{"t": text} for text in reversed(texts)])])
    (row,) = await answered(store, "| stats values(t) as all, min(t) as least, max(t) as most")
    assert row == {"all": texts, "least": texts[0], "most": texts[-1]}
    assert [row["t"] for row in await answered(store, "| sort t | fields t")] == texts


async def test_arithmetic_is_that_of_doubles_also_where_postgresql_has_errors(postgres: str) -> None:
    source = random.Random(SEED)

    def double() -> float:
        size = math.ldexp(
            1 + source.random(), source.choice((-1074, -1060, -1022, -600, -500, 0, 500, 512, 1000, 1023))
        )
        return source.choice((size, -size, 0.0, 5e-324, 1.7976931348623157e308, 1.0))

    pairs = [(double(), double()) for _ in range(3_000)]
    with database(postgres) as url:
        async with PostgresStore(url, StoreSettings(partition_days_back=0, partition_days_ahead=0)) as opened:
            await opened.migrate()
        made = Database(url)
        async with made.connection() as connection:
            found = await connection.fetch(
                "SELECT cordwood_sum(a, b), cordwood_product(a, b), cordwood_quotient(a, b) "
                "FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS pairs(a, b, place) ORDER BY place",
                [one for one, _ in pairs],
                [other for _, other in pairs],
            )
        await made.close()

    def finite(number: float) -> float | None:
        return number if math.isfinite(number) else None

    expected = [(finite(a + b), finite(a * b), None if b == 0 else finite(a / b)) for a, b in pairs]
    assert [tuple(each) for each in found] == expected


async def test_sums_are_finite_or_null(store: PostgresStore) -> None:
    most = 1.7976931348623157e308
    await store.write([load([{"g": 1, "n": most}, {"g": 1, "n": most}, {"g": 2, "n": most}, {"g": 2, "n": -most}])])
    await store.write([load([{"g": 2, "n": 5}, {"g": 3, "n": 1e200}, {"g": 3, "n": 2.5}, {"g": 4, "n": 5e-324}])])
    assert await answered(store, "| stats sum(n) as s, avg(n) as a by g") == [
        {"g": 1, "s": None, "a": None},
        {"g": 2, "s": 5, "a": 5 / 3},
        {"g": 3, "s": 1e200, "a": 5e199},
        {"g": 4, "s": 5e-324, "a": 5e-324},
    ]


async def test_answers_come_in_blocks(store: PostgresStore) -> None:
    await store.write([load([{"n": number} for number in range(2_500)])])
    blocks = [len(block) async for block in store.rows(Plan(), parse("| eval m = n + 1", NOW_US).pipes, DEFAULT_TENANT)]
    assert blocks == [1000, 1000, 500]


async def test_a_limit_counts_the_rows_that_are_left(store: PostgresStore) -> None:
    await store.write([load([{"n": number} for number in range(50)])])
    assert await answered(store, "| where n < 5 | limit 2 1 | fields n") == [{"n": 3}, {"n": 2}]
    assert await answered(store, "| eval m = n * 2 | limit 2 1 | fields m") == [{"m": 96}, {"m": 94}]


async def test_expressions_within_one_another_stay_small(store: PostgresStore) -> None:
    await store.write([load([{"n": 1}])])
    (row,) = await answered(store, "".join("| eval n = n + n * n - n / 3" for _ in range(24)) + "| fields n")
    assert row == {"n": None}
