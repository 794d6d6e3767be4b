"""One database, one directory: files are neither looked for, nor swept, in a directory of something else."""

import asyncio
import contextlib
import os
from pathlib import Path
from uuid import UUID

from cordwood.db.postgres import Connection, Database
from cordwood.errors import ConfigError, Unavailable
from cordwood.store.postgres.keeping import refuse_other
from cordwood.store.segments.layout import Directory, sync

_MARK = "catalog-id"


class Claim:
    """Whether the directory is the one whose files the database names. It bears a mark, which one process made; not
    one that only reads, as that may be the first to look into a wrong place."""

    def __init__(self, database: Database, directory: Directory, *, is_writer: bool) -> None:
        self._database = database
        self._root = directory.root
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
                f"{self._root} is not the directory of the segments that this database names",
                hint="every process needs the same directory: mount it, or set CORDWOOD_STORE_SEGMENTS_DIR to it",
            )
        else:
            await asyncio.to_thread(self._write, catalog)
        await connection.execute("UPDATE keeping SET is_marked = true")

    def _found(self) -> UUID | None:
        """What the mark says. Raises Unavailable."""
        try:
            return UUID((self._root / _MARK).read_text().strip())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unavailable(f"cannot read {self._root / _MARK}: {error}", hint="look at the disk") from error

    def _write(self, catalog: UUID) -> None:
        """Raises Unavailable."""
        if (self._root / "catalog.sqlite").exists():
            raise Unavailable(
                f"{self._root} holds the segments of an embedded store",
                hint="set CORDWOOD_STORE_SEGMENTS_DIR to an empty directory",
            )
        made = self._root / f"{_MARK}.{os.getpid()}"
        try:
            for each in (self._root / "segments", self._root / "orphans"):
                each.mkdir(parents=True, exist_ok=True)
            made.write_text(f"{catalog}\n")
            sync(made)
            made.replace(self._root / _MARK)
            sync(self._root)
            sync(self._root.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                made.unlink()
            raise Unavailable(
                f"cannot write to {self._root}: {error.strerror}", hint="make it writable for this user"
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
