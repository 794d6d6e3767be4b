"""The stores that every promise is asked of."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store
from tests.interface.test_store import opened
from tests.support.fixtures import bucket_settings, database


@pytest.fixture(params=["segments", "postgres", "shared", "both", "bucket"])
def kind(request: pytest.FixtureRequest) -> str:
    """Segments named in SQLite; rows in PostgreSQL; segments named in PostgreSQL; those with rows beside them; and
    some in object storage."""
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if kind == "segments" else request.getfixturevalue("postgres_url")


@pytest.fixture
def where(kind: str, request: pytest.FixtureRequest) -> dict[str, str] | None:
    """Settings of the object storage, for the kind that has it."""
    return bucket_settings(request.getfixturevalue("object_storage")) if kind == "bucket" else None


@pytest.fixture
async def store(kind: str, place: str, where: dict[str, str] | None) -> AsyncIterator[Store]:
    async with opened(kind, place, bucket=where) as made:
        yield made


@pytest.fixture
def tenant() -> Tenant:
    """A tenant of the test's own."""
    return Tenant(f"tenant-{secrets.token_hex(6)}")


@pytest.fixture(scope="module")
def used_places(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[str, Path]]]:
    """A place for each kind of store that many tests share, and the directory of its files."""
    made: dict[str, tuple[str, Path]] = {}
    with ExitStack() as stack:

        def place(kind: str) -> tuple[str, Path]:
            if kind not in made:
                directory = tmp_path_factory.mktemp(kind)
                url = str(directory) if kind == "segments" else stack.enter_context(database(postgres))
                made[kind] = (url, directory)
            return made[kind]

        yield place


@pytest.fixture
async def used_store(
    kind: str, used_places: Callable[[str], tuple[str, Path]], request: pytest.FixtureRequest
) -> AsyncIterator[Store]:
    """One that other tests have used, and will: a test reads and writes as its own `tenant`. For tests of many cases:
    making a database takes far longer than any of them."""
    place, directory = used_places(kind)
    bucket = bucket_settings(request.getfixturevalue("object_storage"), directory.name) if kind == "bucket" else None
    async with opened(kind, place, directory, bucket) as made:
        yield made
