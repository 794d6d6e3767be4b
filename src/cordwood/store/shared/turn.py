"""Of all processes one merges and removes at a time."""

import contextlib
from collections.abc import AsyncIterator

from cordwood.db.postgres import Database
from cordwood.errors import Unavailable

_LOCK = 0x636F726473656773
_PATIENCE_S = 60.0


class Turn:
    """Held by one process of those that share a database. It spares work: what makes merging and removing exact is
    `names.take_out`."""

    def __init__(self, database: Database, *, patience_s: float = _PATIENCE_S) -> None:
        self._database = database
        self._patience_s = patience_s

    @contextlib.asynccontextmanager
    async def if_free(self) -> AsyncIterator[bool]:
        """The turn, for as long as the block, unless another process has it: whether it is ours. Raises Unavailable."""
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                yield False
                return
            try:
                yield True
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)

    @contextlib.asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """The turn, for as long as the block; those who do not wait for it stand back meanwhile. Raises Unavailable,
        also when others keep it too long."""
        async with self._database.connection() as connection:
            try:
                await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=self._patience_s)
            except TimeoutError as error:
                raise Unavailable(
                    f"another process has been merging or removing segments for {self._patience_s:g} s",
                    hint="try again when it is done",
                ) from error
            try:
                yield
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
