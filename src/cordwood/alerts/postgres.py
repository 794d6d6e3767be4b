"""The book in PostgreSQL, beside the logs. Its tables come with the store's migrations."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import LiteralString

from cordwood.alerts.interface import Rows
from cordwood.db.postgres import Connection, Database


class PostgresTables:
    """Connections of their own: long reads of logs do not hold up alerts."""

    skip_locked: LiteralString = "FOR UPDATE SKIP LOCKED"

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    async def __aenter__(self) -> "PostgresTables":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._database.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Rows]:
        async with self._database.connection() as connection, connection.transaction():
            yield _Rows(connection)


class _Rows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: LiteralString, *values: object) -> Sequence[Sequence[object]]:
        return [tuple(row) for row in await self._connection.fetch(sql, *values)]
