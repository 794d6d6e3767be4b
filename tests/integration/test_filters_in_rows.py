"""Conditions on rows select what the language says: compared with the match of one event, row by row."""

import asyncio
import json
import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cordwood.db.postgres import Database
from cordwood.language.match import Seen, matcher
from cordwood.model.plan import Plan
from cordwood.model.search.filters import Filter
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.postgres.filters.condition import condition
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.awkward import events, random_filter, shown
from tests.support.builders import load
from tests.support.fixtures import database
from tests.support.searches import filters

TIMES = int(os.environ.get("CORDWOOD_TEST_FILTERS_TIMES", "1"))
"""How many times as many comparisons as usual."""
EVENTS = 200
FILTERS = 2_000 * TIMES
AT_ONCE = 25


class Rows:
    """Awkward events in a database, and the same decoded."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._url = url
        self.seen = self._runner.run(self._written())

    def close(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()

    async def _written(self) -> list[Seen]:
        lines = events(random.Random(7), EVENTS)
        async with PostgresStore(self._url, StoreSettings(partition_days_back=0, partition_days_ahead=0)) as store:
            await store.migrate()
            written = load(lines)
            await store.write([written])
            kept = {event.id: event async for block in store.read(Plan(), DEFAULT_TENANT) for event in block}
        self._database = Database(self._url)
        assert len(kept) == len(lines)
        return [
            Seen(
                json.loads(line),
                event_id=event.id,
                timestamp_us=event.timestamp_us,
                inserted_at_us=event.inserted_at_us,
                level=event.level,
                service=event.service,
            )
            for line, event in zip(lines, (kept[each] for each in sorted(kept)), strict=True)
        ]

    def differences(self, some: Sequence[Filter]) -> list[str]:
        """What the rows say otherwise than the match of one event does."""
        return self._runner.run(self._differences(some))

    async def _differences(self, some: Sequence[Filter]) -> list[str]:
        bound: list[object] = []
        values = Values(bound)
        columns = ", ".join(f"({condition(each, values)}) AS c{n}" for n, each in enumerate(some))
        async with self._database.connection() as connection:
            rows: list[Any] = await connection.fetch(f"SELECT {columns} FROM logs ORDER BY id", *bound)
        found: list[str] = []
        for number, each in enumerate(some):
            match = matcher(each)
            for row, seen in zip(rows, self.seen, strict=True):
                if row[number] is not match(seen):
                    found.append(f"{each}\n    is {row[number]} of {shown([seen.data])}")
        return found


@pytest.fixture(scope="module")
def rows(postgres: str) -> Iterator[Rows]:
    with database(postgres) as url:
        made = Rows(url)
        yield made
        made.close()


def test_filters_about_what_events_have(rows: Rows) -> None:
    source = random.Random(int(os.environ.get("CORDWOOD_TEST_FILTERS_SEED", "5")))
    for _ in range(0, FILTERS, AT_ONCE):
        some = [random_filter(source) for _ in range(AT_ONCE)]
        differences = rows.differences(some)
        assert not differences, f"{len(differences)}:\n" + "\n".join(differences[:10])


def test_filters_of_every_form(rows: Rows) -> None:
    @settings(max_examples=30 * TIMES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.lists(filters, min_size=10, max_size=AT_ONCE))
    def check(some: list[Filter]) -> None:
        differences = rows.differences(some)
        assert not differences, f"{len(differences)}:\n" + "\n".join(differences[:10])

    check()
