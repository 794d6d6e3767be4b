"""A SQLite file as it is at one moment, while others write it."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from cordwood.db.sqlite import hint_for
from cordwood.errors import Unavailable

_BUSY_TIMEOUT_S = 10.0
_PATIENCE_S, _PAUSE_S = 60.0, 0.0005
"""Who writes without a pause leaves the lock for some microseconds: SQLite itself looks for it ten times a second."""


class Moment:
    """What the file holds when this is made; what is committed later is not seen. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Raises Unavailable."""
        self._path = path
        self._connection = _opened(path)
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on, it stands still
        except sqlite3.Error as error:
            self._connection.close()
            raise _unreadable(path, error) from error

    def copy_to(self, target: Path) -> None:
        """Make `target`, a file that did not exist, synced. Raises Unavailable."""
        try:
            with contextlib.closing(sqlite3.connect(target)) as copy:
                self._connection.backup(copy)
        except sqlite3.Error as error:
            raise Unavailable(f"cannot copy {self._path} to {target}: {error}", hint=hint_for(error)) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextlib.contextmanager
def standing_still(path: Path) -> Iterator[None]:
    """Nobody commits to the file within the block: keep it short. Raises Unavailable."""
    until = time.monotonic() + _PATIENCE_S
    with contextlib.closing(_opened(path)) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        while not connection.in_transaction:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise _unreadable(path, error) from error
                time.sleep(_PAUSE_S)
        yield


def _opened(path: Path) -> sqlite3.Connection:
    """Of a file that is there: none is made."""
    try:
        uri = f"{path.resolve().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: sqlite3.Error) -> Unavailable:
    return Unavailable(f"cannot read {path}: {error}", hint=hint_for(error))
