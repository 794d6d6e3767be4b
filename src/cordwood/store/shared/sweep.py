"""Files that nobody needs any more: what was merged or removed, and what no transaction has named."""

import asyncio
import time

import structlog

from cordwood.db.postgres import Conflict, Database
from cordwood.store.shared.place import Place

log = structlog.get_logger()

_ORPHANS_KEPT_S = 7 * 86_400.0
_AT_ONCE = 1000
_LOCK_PATIENCE_MS = 2000


class SharedSweeper:
    """One process at a time sweeps, while others write."""

    def __init__(
        self,
        place: Place,
        database: Database,
        grace_s: float,
        *,
        young_s: float = 3600.0,
        look_every_s: float = 600.0,
    ) -> None:
        """A query lasts less than `grace_s`; what is younger than `young_s` may be on its way into the catalog."""
        self._place = place
        self._database = database
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
            await asyncio.to_thread(self._place.tidy, _ORPHANS_KEPT_S)

    async def _remove_gone(self) -> None:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_GONE, self._grace_s, _ORPHANS_KEPT_S, _AT_ONCE)
            paths = [row["path"] for row in rows]
            if paths:
                await asyncio.to_thread(self._place.discard, paths)
                await connection.execute("DELETE FROM segments WHERE path = ANY($1::text[])", paths)

    async def _put_orphans_aside(self) -> None:
        """What a crash left. A name that is taken here can be given to no segment any more: a writer that is so late
        as to try it writes another file. So the age of a file decides when it goes, and not whether that is right."""
        found = await asyncio.to_thread(self._place.listed)
        async with self._database.connection() as connection:
            # Asked after the files: one that was named meanwhile is among them.
            named = {row["path"] for row in await connection.fetch("SELECT path FROM segments")}
        ages = await asyncio.to_thread(self._place.ages, [path for path in found if path not in named])
        old = [path for path, age_s in ages.items() if age_s > self._young_s]
        if not old:
            return
        try:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
                taken = [row["path"] for row in await connection.fetch(_TAKE_NAMES, old)]
        except Conflict:
            return  # somebody is about to name one of them
        # Not removed at once: a crash leaves only what is still in the broker, but if an older catalog was restored,
        # these files are the events.
        await asyncio.to_thread(self._place.put_aside, taken)
        log.warning("orphans_put_aside", files=len(taken), place=self._place.name)


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
