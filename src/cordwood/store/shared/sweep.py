"""Files that nobody needs any more: what was merged or removed, and what no transaction has named."""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from cordwood.clock import Clock
from cordwood.db.postgres import Conflict, Database
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.sweep import remove_old

log = structlog.get_logger()

_DAY_S = 86_400.0
_ORPHANS_KEPT_S = 7 * _DAY_S
_AT_ONCE = 1000
_LOCK_PATIENCE_MS = 2000


class SharedSweeper:
    """One process at a time sweeps, while others write."""

    def __init__(
        self,
        directory: Directory,
        database: Database,
        clock: Clock,
        grace_s: float,
        *,
        young_s: float = 3600.0,
        look_every_s: float = 600.0,
    ) -> None:
        """A query lasts less than `grace_s`; what is younger than `young_s` may be on its way into the catalog."""
        self._directory = directory
        self._database = database
        self._clock = clock
        self._grace_s = grace_s
        self._young_s = young_s
        self._look_every_s = look_every_s
        self._looked_at = float("-inf")

    async def tend(self) -> None:
        """One round. Raises Unavailable."""
        await self._remove_gone()
        if time.monotonic() - self._looked_at >= self._look_every_s:
            self._looked_at = time.monotonic()
            await self._put_orphans_aside()
            await asyncio.to_thread(self._tidy)

    async def _remove_gone(self) -> None:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_GONE, self._grace_s, _ORPHANS_KEPT_S, _AT_ONCE)
            paths = [row["path"] for row in rows]
            if paths:
                await asyncio.to_thread(self._remove, paths)
                await connection.execute("DELETE FROM segments WHERE path = ANY($1::text[])", paths)

    async def _put_orphans_aside(self) -> None:
        """What a crash left. A name that is taken here can be given to no segment any more: a writer that is so late
        as to try it writes another file. So the age of a file decides when it goes, and not whether that is right."""
        found = await asyncio.to_thread(self._found)
        async with self._database.connection() as connection:
            # Asked after the files: one that was named meanwhile is among them.
            named = {row["path"] for row in await connection.fetch("SELECT path FROM segments")}
        old = await asyncio.to_thread(self._old, [path for path in found if path not in named])
        if not old:
            return
        try:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
                taken = [row["path"] for row in await connection.fetch(_TAKE_NAMES, old)]
        except Conflict:
            return  # somebody is about to name one of them
        await asyncio.to_thread(self._put_aside, taken)
        log.warning("orphans_put_aside", files=len(taken), to=str(self._directory.orphans))

    def _remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._directory.remove(path)

    def _found(self) -> list[str]:
        root = self._directory.root
        return [str(path.relative_to(root)) for path in self._directory.segments.rglob("*.parquet")]

    def _old(self, paths: Sequence[str]) -> list[str]:
        newest = time.time() - self._young_s
        old: list[str] = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # its writer has taken it back
                if (self._directory.root / path).stat().st_mtime < newest:
                    old.append(path)
        return old

    def _put_aside(self, paths: Sequence[str]) -> None:
        # Not removed at once: a crash leaves only what is still in the broker, but if an older catalog was restored,
        # these files are the events.
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                aside = (self._directory.root / path).rename(self._directory.orphans / Path(path).name)
                aside.touch()

    def _tidy(self) -> None:
        """Old orphans, and directories in which nothing is, and nothing comes: by nobody's clock."""
        remove_old(self._directory.orphans, _ORPHANS_KEPT_S)
        last = self._directory.hour(self._clock.now_us() - int(_DAY_S * 1e6))
        for folder, _, _ in os.walk(self._directory.segments, topdown=False):
            path = Path(folder)
            hour = path.name if path.name.startswith("date=") else f"{path.parent.name}/{path.name}"
            if hour.startswith("date=") and hour < last[: len(hour)]:
                with contextlib.suppress(OSError):  # not empty
                    path.rmdir()
                    self._directory.forget_durable(path)


_GONE = """
    SELECT path FROM segments WHERE gone_at IS NOT NULL
        AND gone_at < now() - make_interval(secs => CASE WHEN is_orphan THEN $2::float8 ELSE $1 END)
    ORDER BY gone_at LIMIT $3
"""

_TAKE_NAMES = """
    INSERT INTO segments (path, tenant, events, size_bytes, min_ts, max_ts, gone_at, is_orphan, segment)
    SELECT path, '', 0, 0, to_timestamp(0), to_timestamp(0), now(), true, 'null'
    FROM unnest($1::text[]) AS t(path) ORDER BY path
    ON CONFLICT DO NOTHING RETURNING path
"""
