"""One database, one place: files are neither looked for, nor swept, in a place of something else."""

import asyncio
from pathlib import Path
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.errors import ConfigError, Unavailable
from cordwood.store.postgres.keeping import refuse_other
from cordwood.store.shared.place import Place


class Claim:
    """Whether the place is the one whose files the database names. It bears a mark, which one process made; not
    one that only reads, as that may be the first to look into a wrong place."""

    def __init__(self, database: Database, place: Place, *, is_writer: bool) -> None:
        self._database = database
        self._place = place
        self._is_writer = is_writer
        self._is_sure = False

    async def ensure(self) -> None:
        """Asked before anything is written, read or swept; the answer stays. Raises Unavailable."""
        if self._is_sure:
            return
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow("SELECT answers, catalog, is_marked FROM keeping")
            refuse_other(row["answers"], "segments")
            if not (row["is_marked"] or self._is_writer):
                return  # nothing was written yet
            found = await asyncio.to_thread(self._found)
            if found != row["catalog"] or not row["is_marked"]:
                await self._mark(connection, row["catalog"])
        self._is_sure = True

    async def _mark(self, connection: Connection, catalog: UUID) -> None:
        """Others wait for the row meanwhile, and find that it is done: on machines that share no directory, only the
        first has one."""
        row = await connection.fetchrow("SELECT is_marked FROM keeping FOR UPDATE")
        found = await asyncio.to_thread(self._found)
        if found == catalog:
            pass
        elif found is not None or row["is_marked"]:
            raise Unavailable(
                f"{self._place.name} is not the {self._place.noun} of the segments that this database names",
                hint=self._place.same,
            )
        else:
            await asyncio.to_thread(self._place.put_mark, str(catalog))
        await connection.execute("UPDATE keeping SET is_marked = true")

    def _found(self) -> UUID | None:
        """What the mark says. Raises Unavailable."""
        text = self._place.mark()
        try:
            return None if text is None else UUID(text)
        except ValueError as error:
            raise Unavailable(
                f"the mark in {self._place.name} is damaged: {text!r}", hint="look at what has written there"
            ) from error


async def answer_from_segments(database: Database) -> bool:
    """From now on, questions to this database are answered from segments; returns whether they were not before.

    Raises ConfigError while it holds events as rows only, Unavailable.
    """
    async with database.connection() as connection, connection.transaction():
        # Whoever stores events has locked these: so nobody is on the way with some that would be rows only.
        await connection.execute("LOCK TABLE batches, dead_letters IN SHARE ROW EXCLUSIVE MODE")
        if await connection.fetchval("SELECT answers FROM keeping") == "segments":
            return False
        if await connection.fetchval("SELECT EXISTS (SELECT FROM holdings WHERE stored > expired + deleted)"):
            raise ConfigError(
                "this database holds events as rows only: answers from segments would leave them out",
                hint="export them, set CORDWOOD_STORE_URL to an empty database, and import them (docs/moving.md)",
            )
        await connection.execute("UPDATE keeping SET answers = 'segments'")
    return True


def prepared(spill: Path) -> Path:
    """A directory that engines may put aside what does not fit into memory. Raises ConfigError."""
    try:
        spill.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot use the directory {spill}: {error.strerror}",
            hint="make it writable for this user, or choose another with CORDWOOD_DATA_DIR",
        ) from error
    return spill
