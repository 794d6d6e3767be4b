"""DuckDB, held within bounds: one in-memory database, a cursor per task, every call in a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from cordwood.errors import CordwoodError, Refused, Unavailable

_THREADS = 2


class Engine:
    """Hands out cursors. Opened once; closing stops what runs."""

    def __init__(self, temp: Path, memory_bytes: int) -> None:
        self._connection = duckdb.connect(
            config={
                "threads": _THREADS,
                "memory_limit": f"{memory_bytes}B",
                "temp_directory": str(temp),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._opening = threading.Lock()

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own to the shared engine. Foreign errors come out as ours."""
        with self._opening:
            cursor = self._connection.cursor()
        try:
            # Rows keep their order in the file: ordinals are counted from it.
            cursor.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
            yield cursor
        except duckdb.Error as error:
            raise translated(error) from error
        finally:
            cursor.close()

    def close(self) -> None:
        self._connection.close()


def translated(error: duckdb.Error) -> CordwoodError:
    """Whose fault it is: the data's (Refused), or the machine's (Unavailable)."""
    first_line = str(error).partition("\n")[0]
    if isinstance(error, duckdb.InterruptException):
        return Unavailable(
            "the read was stopped: it took too long", hint="ask for less, or raise store.query_timeout_s"
        )
    if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
        return Refused(f"the segment engine cannot take this: {first_line}")
    return Unavailable(f"the segment engine failed: {first_line}", hint="look at the disk and at store.memory_bytes")


async def fetch(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object], timeout_s: float) -> list[Any]:
    """All rows of a statement; interrupted when cancelled or after `timeout_s`."""
    with interrupting(cursor, timeout_s):
        return await asyncio.to_thread(lambda: cursor.execute(sql, values).fetchall())


@contextlib.contextmanager
def interrupting(cursor: duckdb.DuckDBPyConnection, timeout_s: float) -> Iterator[None]:
    """Stop the cursor's work when the block is left early, or after `timeout_s`."""
    alarm = asyncio.get_running_loop().call_later(timeout_s, cursor.interrupt)
    try:
        yield
    except BaseException:
        cursor.interrupt()
        raise
    finally:
        alarm.cancel()
