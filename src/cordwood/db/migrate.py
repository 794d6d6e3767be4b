"""Numbered SQL files, applied in order, once, forward only."""

import hashlib
from collections.abc import Sequence
from importlib.resources.abc import Traversable

from msgspec import Struct

from cordwood.db.postgres import Connection
from cordwood.errors import Unavailable

# Any number will do, as long as all our processes agree: "cordwood" in ASCII.
_LOCK = 0x636F7264776F6F64


class Migration(Struct, frozen=True):
    """One file. Its number is what its name starts with."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_in(folder: Traversable) -> list[Migration]:
    """The .sql files of a package's folder, in order."""
    files = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".sql"))
    return [Migration(int(name.partition("_")[0]), name, file.read_text()) for name, file in files]


async def migrate(connection: Connection, migrations: Sequence[Migration]) -> list[str]:
    """Apply what is missing, in one transaction; concurrent callers take turns. Returns the names applied.

    Raises Unavailable when an applied file has changed since.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL)"
        )
        rows = await connection.fetch("SELECT number, checksum FROM schema_migrations")
        applied: dict[int, str] = {row["number"]: row["checksum"] for row in rows}
        done: list[str] = []
        for migration in migrations:
            checksum = applied.get(migration.number)
            if checksum is None:
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations VALUES ($1, $2, $3, now())",
                    migration.number,
                    migration.name,
                    migration.checksum,
                )
                done.append(migration.name)
            elif checksum != migration.checksum:
                raise Unavailable(
                    f"the migration {migration.name} is not the one that was applied",
                    hint="run the release that made these tables, or a later one",
                )
    return done


async def ensure_current(connection: Connection, migrations: Sequence[Migration]) -> None:
    """Raises Unavailable when the tables are older than this program needs."""
    latest = await connection.fetchval("SELECT max(number) FROM schema_migrations")
    if latest is None or latest < migrations[-1].number:
        raise Unavailable(
            f"the tables are at version {latest or 0}; this program needs {migrations[-1].number}",
            hint="run `cordwood migrate`",
        )
