"""SQLite, opened for durability; and the file lock that makes one process the owner of a file."""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from cordwood.errors import ConfigError

_BUSY_TIMEOUT_S = 10.0


def open_database(path: Path, *, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection in autocommit mode with a write-ahead log; the directory is made when missing.

    FULL syncs every commit, NORMAL only checkpoints. The connection may move between threads, but is used by one
    at a time. Raises ConfigError when the file cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
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
        raise ConfigError(
            f"cannot use {path}: {error}",
            hint="make file and directory writable for this user; restore or move away a damaged file",
        ) from error
    return connection


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


class FileLock:
    """An exclusive lock on a side file, held until closed or the process ends, however it ends."""

    def __init__(self, path: Path, what: str) -> None:
        """Raises ConfigError, naming the process that holds the lock on `what`."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise ConfigError(
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
