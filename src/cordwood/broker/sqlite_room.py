"""How far a queue file may grow: its own bound, and a reserve of its disk that is left to who stores what is queued."""

import sqlite3
from pathlib import Path

from cordwood.broker.settings import BrokerSettings
from cordwood.db.disk import Free, Reserve
from cordwood.errors import Overloaded

_MOST = 0.1
"""Of a small disk, the reserve is this share: on 200 MB it is 20 MB."""
_COPIES = 2
"""A body is written into the write-ahead log, and from there into the file."""
_SOME_BYTES = 1 << 20
"""What there has to be room for when it is not known how much comes."""
_STEP_BYTES = 16 << 20
"""Given back at a time, or a quarter of the reserve: nobody publishes meanwhile, and moving pages takes room itself."""
_DRAINING_S, _STUCK_S = 5, 30
"""When to come again: while a worker makes room, and while only an operator can."""


class Room:
    """Of one queue file; every process that writes the file has its own."""

    def __init__(self, path: Path, settings: BrokerSettings) -> None:
        self._reserve = Reserve(path.parent, settings.min_free_bytes, most=_MOST)
        self._max_size_bytes = settings.max_size_bytes
        self._disk = Free(0, 0)
        self._log = path.with_name(f"{path.name}-wal")
        self._log_bytes = 0

    def look(self) -> None:
        """Ask the disk. Raises OSError."""
        self._disk = self._reserve.look()
        self._log_bytes = self._log.stat().st_size if self._log.exists() else 0

    @property
    def _room_bytes(self) -> int:
        """What the log holds may be still to come into the file."""
        return self._disk.room_bytes - self._log_bytes

    def refusal(self, held_bytes: int, coming_bytes: int) -> Overloaded | None:
        """Why a queue that holds so many bytes takes no more."""
        if held_bytes + coming_bytes <= self._max_size_bytes:
            return None
        return Overloaded(
            f"the queue holds {held_bytes:,} bytes of batches; {self._max_size_bytes:,} are the limit",
            hint="see why workers do not keep up, or raise CORDWOOD_BROKER_MAX_SIZE_BYTES",
            retry_after_s=_DRAINING_S,
        )

    def shortage(self, batches: int, coming_bytes: int = _SOME_BYTES) -> Overloaded | None:
        """Why the disk takes no more, for a queue that holds so many batches; `coming_bytes` are all that are on their
        way to it."""
        if _COPIES * coming_bytes <= self._room_bytes:
            return None
        return Overloaded(
            f"the disk of {self._reserve.directory} has {self._disk.free_bytes:,} bytes free; "
            f"{self._disk.reserve_bytes:,} are kept for storing what is queued",
            hint=f"free space on the disk of {self._reserve.directory}, or lower CORDWOOD_BROKER_MIN_FREE_BYTES",
            retry_after_s=_DRAINING_S if batches else _STUCK_S,
        )

    def give_back(self, connection: sqlite3.Connection) -> bool:
        """To a disk that comes near its reserve: the log, and pages that settled batches have left empty; whether there
        are more of them.

        Without it a file that has once grown would keep the disk short for ever. Raises sqlite3.Error.
        """
        reserve_bytes = self._disk.reserve_bytes
        if self._room_bytes >= reserve_bytes:
            return False
        if empty_pages := _empty_pages(connection):
            # As a script: `execute` ends after one page. The file shrinks when the log is written back into it.
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            pages = min(_STEP_BYTES, reserve_bytes // 4) // page_bytes
            connection.executescript(f"PRAGMA incremental_vacuum({max(1, pages)})")
        if empty_pages or self._log_bytes > reserve_bytes // 8:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return 0 < _empty_pages(connection) < empty_pages  # a file that cannot shrink has as many as before


def _empty_pages(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages)
