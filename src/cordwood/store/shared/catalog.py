"""What PostgreSQL names, for those who merge and remove."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from cordwood.db.postgres import Connection, Database
from cordwood.errors import Unavailable
from cordwood.model.action import Action
from cordwood.model.batch import event_id
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.erasing import book_removal, book_rows
from cordwood.store.segments.catalog_entries import Cut, Segment
from cordwood.store.segments.files import Files
from cordwood.store.shared import names

T = TypeVar("T")
Place = tuple[int, UUID]
"""Where a row is: its timestamp, and its id."""

_ROWS_AT_ONCE = 10_000
_TIMEOUT_S = 3600.0


class SharedCatalog:
    """See `store.segments.naming.Changing`. To be called in threads that are not the loop's own; the work is done by
    the loop that made this. Where others change the same segments at once, raises Conflict, and nothing is changed."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        self._loop = asyncio.get_running_loop()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def segments(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> list[Segment]:
        async def ask() -> list[Segment]:
            async with self._database.connection() as connection:
                return (await names.within(connection, tenant, start_us, end_us))[0]

        return self._wait(ask())

    def all_segments(self, tenant: Tenant | None) -> list[Segment]:
        async def ask() -> list[Segment]:
            async with self._database.connection() as connection:
                return await names.every(connection, tenant)

        return self._wait(ask())

    def small_segments(self, events: int, tenant: Tenant | None) -> list[Segment]:
        async def ask() -> list[Segment]:
            async with self._database.connection() as connection:
                return await names.small(connection, events, tenant)

        return self._wait(ask())

    def damaged(self) -> dict[str, str]:
        async def ask() -> dict[str, str]:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    "SELECT path, damage FROM segments WHERE damage IS NOT NULL AND gone_at IS NULL"
                )
            return {row["path"]: row["damage"] for row in rows}

        return self._wait(ask())

    def note_damage(self, path: str, reason: str | None, now_us: int) -> None:
        async def change() -> None:
            async with self._database.connection() as connection:
                await connection.execute("UPDATE segments SET damage = $2 WHERE path = $1", path, reason)

        self._wait(change())

    def names(self, path: str) -> bool:
        async def ask() -> bool:
            async with self._database.connection() as connection:
                sql = "SELECT EXISTS (SELECT FROM segments WHERE path = $1 AND gone_at IS NULL)"
                return bool(await connection.fetchval(sql, path))

        return self._wait(ask())

    def named(self) -> set[str]:
        async def ask() -> set[str]:
            async with self._database.connection() as connection:
                rows = await connection.fetch("SELECT path FROM segments WHERE NOT is_orphan")
            return {row["path"] for row in rows}

        return self._wait(ask())

    def swap(self, old: Sequence[Segment], new: Segment, now_us: int) -> None:
        async def change() -> None:
            async with self._database.connection() as connection, connection.transaction():
                await names.take_out(connection, old)
                await names.insert(connection, [new])

        self._wait(change())

    def erase(self, cuts: Sequence[Cut], gone: Mapping[int, int], action: Action) -> None:
        """Rows of the same events go with them, where people delete; where time does, they have their own."""

        async def change() -> None:
            async with self._database.connection() as connection, connection.transaction():
                await names.take_out(connection, [cut.old for cut in cuts])
                rest = [cut.rest for cut in cuts if cut.rest is not None]
                if rest:
                    await names.insert(connection, rest)
                # Whatever this process keeps: others may keep rows, and this one may have.
                if action.action == "delete" and await connection.fetchval("SELECT EXISTS (SELECT FROM logs)"):
                    for cut in cuts:
                        await _delete_rows(connection, action.tenant, await asyncio.to_thread(self._removed_by, cut))
                await book_removal(connection, action, gone)

        self._wait(change())

    def _removed_by(self, cut: Cut) -> list[Place]:
        """Where the rows of what a segment loses are, by time. Raises Unavailable."""
        kept = set() if cut.rest is None else set(self._places(cut.rest))
        return sorted(place for place in self._places(cut.old) if place not in kept)

    def _places(self, segment: Segment) -> Iterator[Place]:
        path = self._files.root / segment.path
        try:
            with self._files.hold([segment], is_kept=False) as hold:
                hold.fetch()
                table = pq.read_table(path, columns=["ts", "batch_id", "ordinal"], partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"cannot read {path}: {error}", hint="look at the disk") from error
        moments = table["ts"].cast(pa.int64()).to_pylist()
        for moment, batch_id, ordinal in zip(
            moments, table["batch_id"].to_pylist(), table["ordinal"].to_pylist(), strict=True
        ):
            yield moment, event_id(batch_id, ordinal)


async def _delete_rows(connection: Connection, tenant: Tenant, places: Sequence[Place]) -> None:
    for start in range(0, len(places), _ROWS_AT_ONCE):
        some = places[start : start + _ROWS_AT_ONCE]
        moments, ids = [moment for moment, _ in some], [event for _, event in some]
        rows = await connection.fetch(_DELETE_ROWS, moments, ids, moments[0], moments[-1], timeout=_TIMEOUT_S)
        days, gone = [row["day"] for row in rows], [row["gone"] for row in rows]
        await book_rows(connection, [tenant] * len(rows), days, gone)


_DELETE_ROWS = """
    WITH deleted AS (
        DELETE FROM logs l USING unnest($1::timestamptz[], $2::uuid[]) AS gone(ts, id)
        WHERE l.ts = gone.ts AND l.id = gone.id AND l.ts BETWEEN $3 AND $4 RETURNING l.ts
    )
    SELECT floor(extract(epoch FROM ts) / 86400)::integer AS day, count(*) AS gone FROM deleted GROUP BY 1
"""
