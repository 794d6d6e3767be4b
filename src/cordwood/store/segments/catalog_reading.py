"""What the catalog knows: which segments exist, and what is to be known of them without opening one. SQLite."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import msgspec

from cordwood.db.sqlite import open_database
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.slices import FAR_SLICE, hours

_CACHE_BYTES = 16 << 20
"""A year's rollups take 4 MB: where they do not fit, each question reads them anew, in twice the time."""
_SEGMENT = "path, tenant, events, size_bytes, min_us, max_us, digest, columns, texts, row_groups, plain_bytes"
_IS_TOLD = "rollup IS NOT NULL AND min_us >= coalesce(:start, min_us) AND max_us < coalesce(:end, max_us + 1)"
_SLICES = """FROM slices WHERE tenant = ? AND
    (hour = ? OR (hour >= coalesce(?, hour) AND hour <= coalesce(?, hour)))"""


class CatalogReading:
    """Synchronous; call it in a thread. Each thread of a process may use it: calls take turns."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when the file cannot be used."""
        self._connection = open_database(path, synchronous="FULL", cache_bytes=_CACHE_BYTES)
        self._turn = threading.RLock()

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def segments(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> list[Segment]:
        """Segments that may hold events with start ≤ timestamp < end, newest first."""
        rows = self.rows(
            f"SELECT {_SEGMENT} FROM segments WHERE tenant = ? "
            "AND max_us >= coalesce(?, max_us) AND min_us < coalesce(?, min_us + 1) ORDER BY max_us DESC, path",
            (tenant, start_us, end_us),
        )
        return [_segment(row) for row in rows]

    def told(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> tuple[dict[str, bytes], list[Segment]]:
        """Of the segments that may hold events with start ≤ timestamp < end: rollups of those that have one and no
        other events, by path; and the rest, newest first."""
        values = {"tenant": tenant, "start": start_us, "end": end_us}
        with self.snapshot():
            told = self.rows(f"SELECT path, rollup FROM segments WHERE tenant = :tenant AND {_IS_TOLD}", values)
            rest = self.rows(
                f"SELECT {_SEGMENT} FROM segments WHERE tenant = :tenant AND max_us >= coalesce(:start, max_us) "
                f"AND min_us < coalesce(:end, min_us + 1) AND NOT ({_IS_TOLD}) ORDER BY max_us DESC, path",
                values,
            )
        return dict(told), [_segment(row) for row in rest]

    def all_rollups(self, tenant: Tenant | None) -> dict[str, bytes]:
        """Every rollup, or every one of a tenant, by path."""
        rows = self.rows(
            "SELECT path, rollup FROM segments WHERE rollup IS NOT NULL AND (:tenant IS NULL OR tenant = :tenant)",
            {"tenant": tenant},
        )
        return dict(rows)

    def all_segments(self, tenant: Tenant | None) -> list[Segment]:
        """Every segment, or every one of a tenant."""
        rows = self.rows(
            f"SELECT {_SEGMENT} FROM segments WHERE :tenant IS NULL OR tenant = :tenant ORDER BY path",
            {"tenant": tenant},
        )
        return [_segment(row) for row in rows]

    def small_segments(self, events: int, tenant: Tenant | None) -> list[Segment]:
        """Segments with fewer than so many events, of every tenant or of one."""
        owned, values = ("", (events,)) if tenant is None else ("AND tenant = ?", (events, tenant))
        rows = self.rows(f"SELECT {_SEGMENT} FROM segments WHERE events < ? {owned} ORDER BY path", values)
        return [_segment(row) for row in rows]

    def span(self, batch_id: UUID, tenant: Tenant) -> tuple[int, int] | None:
        """The first and last timestamp of a batch's stored events; None when it has none here."""
        rows = self.rows("SELECT min_us, max_us FROM batches WHERE id = ? AND tenant = ?", (batch_id.bytes, tenant))
        return (rows[0][0], rows[0][1]) if rows and rows[0][0] is not None else None

    def forgotten(self, tenant: Tenant) -> UUID | None:
        """The youngest of a tenant's batches whose row was folded away."""
        rows = self.rows("SELECT last_id FROM totals WHERE tenant = ? AND is_folded", (tenant,))
        return UUID(bytes=rows[0][0]) if rows else None

    def version(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> int:
        """Rises with every write that start ≤ timestamp < end can see."""
        first, last = hours(start_us, end_us)
        ((version,),) = self.rows(
            f"SELECT coalesce(sum(version), 0) {_SLICES}",
            (tenant, FAR_SLICE, first, last),
        )
        return int(version)

    def versions(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> dict[int, int]:
        """The same by slice."""
        first, last = hours(start_us, end_us)
        rows = self.rows(
            f"SELECT hour, version {_SLICES}",
            (tenant, FAR_SLICE, first, last),
        )
        return dict(rows)

    def damaged(self) -> dict[str, str]:
        """Segments that were found damaged, and why."""
        return dict(self.rows("SELECT path, reason FROM damaged JOIN segments USING (path)", ()))

    def garbage(self, before_us: int) -> list[str]:
        """Files that no query started before `before_us` can still need."""
        return [row[0] for row in self.rows("SELECT path FROM garbage WHERE since_us < ?", (before_us,))]

    def named(self) -> set[str]:
        """Every file that is a segment, or was one and is still to be removed."""
        return {row[0] for row in self.rows("SELECT path FROM segments UNION SELECT path FROM garbage", ())}

    def names(self, path: str) -> bool:
        """Whether a file is one of the segments."""
        return bool(self.rows("SELECT 1 FROM segments WHERE path = ?", (path,)))

    def check(self) -> None:
        """Raises Unavailable."""
        self.rows("SELECT 1 FROM segments LIMIT 1", ())

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that the block reads is of one moment. Raises Unavailable."""
        with self._turn:
            self.rows("BEGIN", ())
            try:
                yield
            finally:
                self.rows("COMMIT", ())

    def rows(self, sql: str, values: Sequence[object] | Mapping[str, object]) -> list[tuple]:  # type: ignore[type-arg]  # as sqlite3 types it
        """All rows of a statement. Raises Unavailable."""
        with self._turn:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise away(error) from error


@lru_cache(maxsize=4096)
def _columns(text: str) -> frozenset[str]:
    """Most segments of a store have the same ones, and each question asks for all segments in its time."""
    return msgspec.json.decode(text, type=frozenset[str])


def _segment(row: tuple) -> Segment:  # type: ignore[type-arg]  # as sqlite3 types it
    path, tenant, events, size_bytes, min_us, max_us, digest, columns, *rest = row
    known = _columns(columns) if columns else frozenset()
    return Segment(path, tenant, events, size_bytes, min_us, max_us, digest, known, *rest)


def away(error: sqlite3.Error) -> Unavailable:
    """What fails, in our words."""
    return Unavailable(f"the catalog of segments fails: {error}", hint="free disk space, or look at the disk")
