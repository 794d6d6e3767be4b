"""SQLite, opened for durability and run off the event loop; and the lock that makes one process a file's owner."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Self, TypeVar

from cordwood.errors import ConfigError

T = TypeVar("T")

_BUSY_TIMEOUT_S = 10.0

_HINTS = {
    "SQLITE_FULL": "free disk space",
    "SQLITE_IOERR": "look at the disk: it is full, failing or gone",
    "SQLITE_READONLY": "make file and directory writable for this user",
    "SQLITE_CANTOPEN": "make file and directory writable for this user",
    "SQLITE_BUSY": "another program holds the file: end it",
    "SQLITE_CORRUPT": "the file is damaged: stop, keep a copy, mend it with sqlite3's .recover or restore a backup",
    "SQLITE_NOTADB": "this is no SQLite file: move it away, or choose another path",
}


def open_database(
    path: Path,
    *,
    synchronous: Literal["FULL", "NORMAL"],
    page_size_bytes: int = 4096,
    may_shrink: bool = False,
    cache_bytes: int = 2 << 20,
) -> sqlite3.Connection:
    """A connection in autocommit mode with a write-ahead log; the directory is made when missing.

    FULL syncs every commit, NORMAL only checkpoints. The page size is that of a new file, and so is whether it may
    shrink (`PRAGMA incremental_vacuum`). At most `cache_bytes` of pages are kept in memory. The connection may move
    between threads, but is used by one at a time.
    Raises ConfigError when the file cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {page_size_bytes}")
            connection.execute(f"PRAGMA cache_size = -{cache_bytes >> 10}")
            if may_shrink:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except sqlite3.Error:
            connection.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"cannot use the directory {path.parent}: {error.strerror}",
            hint="make it writable for this user, or choose another with CORDWOOD_DATA_DIR",
        ) from error
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return connection


def unusable(path: Path, error: sqlite3.Error) -> ConfigError:
    """What to raise when a file does not open."""
    return ConfigError(f"cannot use {path}: {error}", hint=hint_for(error))


def hint_for(error: sqlite3.Error) -> str:
    """What to do about an error, by its code; SQLITE_IOERR_WRITE counts as SQLITE_IOERR."""
    code = getattr(error, "sqlite_errorname", "")
    return next((hint for prefix, hint in _HINTS.items() if code.startswith(prefix)), "look at the disk")


class DatabaseThread:
    """A connection with a thread of its own: no statement runs on the event loop, and never two at once."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """What `call` returns or raises. Once begun it runs to its end, whether or not the caller still waits."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, self._connection)

    async def close(self) -> None:
        """Close the connection after what is still running."""
        await self.run(sqlite3.Connection.close)
        self._executor.shutdown(wait=False)


def migrate(connection: sqlite3.Connection, steps: Sequence[str]) -> list[int]:
    """Apply the numbered, forward-only steps that the file lacks; `user_version` counts them.

    Safe to run at once from several processes. Returns the numbers applied. Raises ConfigError for a file that a
    newer program has made.
    """
    applied: list[int] = []
    for number, step in enumerate(steps, 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(steps):
                raise ConfigError(
                    f"the file has schema version {version}; this program knows {len(steps)}",
                    hint="run a program at least as new as the one that wrote it",
                )
            if version < number:
                for statement in filter(str.strip, step.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
                applied.append(number)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return applied


class InUse(ConfigError):
    """Another process has the lock."""

    status = 500
    label = "config"


class FileLock:
    """An exclusive lock on a side file, held until closed or the process ends, however it ends."""

    def __init__(self, path: Path, what: str) -> None:
        """Raises InUse, naming the process that holds the lock on `what`; ConfigError."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigError(
                f"cannot use the lock file {path}: {error.strerror}", hint="make it writable for this user"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise InUse(
                f"{what} is in use by another cordwood (pid {holder})",
                hint="stop that one, or choose another directory with --data-dir or CORDWOOD_DATA_DIR",
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
