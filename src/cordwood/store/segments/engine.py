"""DuckDB, held within bounds: one in-memory database, a cursor for each piece of work, no call on the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from cordwood.errors import CordwoodError, Refused, Unavailable
from cordwood.store.segments.priority import answer

T = TypeVar("T")
Row = tuple[Any, ...]

_THREADS = 2
_INTERRUPT_AGAIN_S = 0.05


class Engine:
    """Hands out cursors. Synchronous; any thread may ask."""

    def __init__(self, spill: Path, memory_bytes: int) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": _THREADS,
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        # The engine's own threads have the priority of the one that starts it.
        with ThreadPoolExecutor(1, initializer=answer) as starting:
            self._connection = starting.submit(duckdb.connect, config=config).result()
        # Of all cursors. Rows keep their order: ordinals are counted from it.
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL preserve_insertion_order = true")
        # Ids stay ids. Segments never change: what was read of a footer stays true.
        self._connection.execute(
            "LOAD parquet; SET GLOBAL parquet_metadata_cache = true; SET GLOBAL arrow_lossless_conversion = true; "
            "SET GLOBAL validate_external_file_cache = 'NO_VALIDATION'; "
            # Of the newest events we ask for places, and fetch them ourselves: to join them here takes twice as long.
            "SET GLOBAL late_materialization_max_rows = 0"
        )
        self._turn = threading.Lock()
        self._stoppable: set[duckdb.DuckDBPyConnection] = set()
        self._is_stopped = False

    def open(self, *, must_finish: bool = False) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the shared engine; `release` it. `stop` leaves one alone that must finish.

        Raises Unavailable once stopped.
        """
        with self._turn:
            if self._is_stopped and not must_finish:
                raise Unavailable("the store is closing")
            cursor = self._connection.cursor()
            if not must_finish:
                self._stoppable.add(cursor)
        return cursor

    def release(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._turn:
            self._stoppable.discard(cursor)
        cursor.close()

    @contextlib.contextmanager
    def cursor(self, *, must_finish: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for as long as the block. Foreign errors come out as ours."""
        cursor = self.open(must_finish=must_finish)
        try:
            yield cursor
        except duckdb.Error as error:
            raise translated(error) from error
        finally:
            self.release(cursor)

    def stop(self) -> None:
        """Interrupt what need not finish, and take no more of it."""
        with self._turn:
            self._is_stopped = True
            for cursor in self._stoppable:
                cursor.interrupt()

    def close(self) -> None:
        self._connection.close()


def translated(error: duckdb.Error) -> CordwoodError:
    """Whose fault a failed write is: the data's (Refused), or the machine's (Unavailable)."""
    first_line = str(error).partition("\n")[0]
    if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
        return Refused(f"the segment engine cannot take this: {first_line}")
    if isinstance(error, duckdb.InterruptException):
        return Unavailable("the segment engine was told to stop")
    return Unavailable(f"the segment engine failed: {first_line}", hint="look at the disk and at store.memory_bytes")


class Session:
    """Two cursors for a task, one for rows that come little by little, and one for what is asked meanwhile: each
    statement runs in a thread, and stops when the task is cancelled or out of time."""

    def __init__(self, engine: Engine, executor: Executor, timeout_s: float) -> None:
        self._engine = engine
        self._executor = executor
        self._timeout_s = timeout_s
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    async def __aenter__(self) -> Self:
        self._cursor = self._engine.open()
        try:
            self._meanwhile = self._engine.open()
        except BaseException:
            self._engine.release(self._cursor)
            raise
        self._running: Future[Any] | None = None
        return self

    async def __aexit__(self, *exc: object) -> None:
        running = self._running
        if running is None or running.cancel() or running.done():
            self._release()
        else:
            # The thread is still in the engine: it lets go of the cursors itself once the interrupt has reached it.
            running.add_done_callback(lambda _: self._release())
            self._interrupt_until_done(running)

    async def rows(self, sql: str, values: dict[str, object]) -> list[Row]:
        """All rows of a statement. Raises duckdb.Error, Unavailable (out of time)."""
        return await self.run(lambda: self._cursor.execute(sql, values).fetchall())

    async def start(self, sql: str, values: dict[str, object]) -> None:
        """Begin a statement whose rows `some` gives. Raises duckdb.Error, Unavailable (out of time)."""
        await self.run(lambda: self._cursor.execute(sql, values))

    async def give(self, name: str, rows: pa.Table) -> None:
        """Let statements read this as a relation. Raises duckdb.Error, Unavailable (out of time)."""
        await self.run(lambda: self._cursor.register(name, rows))

    async def some(self, count: int) -> list[Row]:
        """At most `count` further rows; none at the end. Raises duckdb.Error, Unavailable (out of time)."""
        return await self.run(lambda: self._cursor.fetchmany(count))

    async def batches(self, sql: str, values: dict[str, object], *, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        """The rows of a statement, so many at a time, as they come. Raises duckdb.Error, Unavailable (out of time)."""
        reader: pa.RecordBatchReader = await self.run(
            lambda: self._cursor.sql(sql, params=values).to_arrow_reader(rows)
        )
        while (batch := await self.run(lambda: next(reader, None))) is not None:
            yield batch

    async def use(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Work with a cursor, while rows of another statement are still to come. Raises as `run` does."""
        return await self.run(lambda: work(self._meanwhile))

    async def run(self, work: Callable[[], T]) -> T:
        """Any work of this task, in a thread. Raises what it raises, Unavailable (out of time)."""
        self._running = running = self._executor.submit(work)
        try:
            async with asyncio.timeout_at(self._deadline):
                return await asyncio.wrap_future(running)
        except TimeoutError as error:
            raise Unavailable(
                f"the read took more than {self._timeout_s:g} s and was stopped",
                hint="ask for less, or raise store.query_timeout_s",
            ) from error

    def _interrupt_until_done(self, running: "Future[Any]") -> None:
        """An interrupt that comes just before the engine starts is lost: so again, until it has worked."""
        if not running.done():
            with contextlib.suppress(duckdb.ConnectionException):  # let go of meanwhile
                self._cursor.interrupt()
                self._meanwhile.interrupt()
            asyncio.get_running_loop().call_later(_INTERRUPT_AGAIN_S, self._interrupt_until_done, running)

    def _release(self) -> None:
        self._engine.release(self._meanwhile)
        self._engine.release(self._cursor)
