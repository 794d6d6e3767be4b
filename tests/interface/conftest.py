"""The stores that every promise is asked of."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordwood.store.interface import Store
from tests.interface.test_store import opened


@pytest.fixture(params=["segments", "postgres", "shared", "both"])
def kind(request: pytest.FixtureRequest) -> str:
    """Segments named in SQLite; rows in PostgreSQL; segments named in PostgreSQL; and those with rows beside them."""
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if kind == "segments" else request.getfixturevalue("postgres_url")


@pytest.fixture
async def store(kind: str, place: str) -> AsyncIterator[Store]:
    async with opened(kind, place) as made:
        yield made
