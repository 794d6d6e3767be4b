"""Question → the segments that it may read → rows."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from pathlib import Path

from cordwood.clock import Clock
from cordwood.errors import BadQuery, BadRequest, Corrupt, Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.damages import Damages
from cordwood.store.segments.files import Files
from cordwood.store.segments.naming import Listing
from cordwood.store.segments.sql.job import File, Job
from cordwood.store.segments.sql.running import Unreadable, run
from cordwood.store.selecting import Question, Rows
from cordwood.store.settings import StoreSettings

_MOST_SEGMENTS = 4096
"""Of one question: the engine takes 0.7 MB for each."""
_ATTEMPTS = 5
_MOST_SPANS = 64
"""Of `Files.span_bytes`, where files have to be fetched first."""


class SegmentSql:
    """See `store.selecting.SqlReader`."""

    def __init__(
        self,
        files: Files,
        listing: Listing,
        damages: Damages,
        spill: Path,
        executor: Executor,
        clock: Clock,
        settings: StoreSettings,
    ) -> None:
        """`spill` is a directory of this machine."""
        self._files = files
        self._listing = listing
        self._damages = damages
        self._spill = spill
        self._executor = executor
        self._clock = clock
        self._settings = settings

    async def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        """Raises Corrupt, too: for a segment that turns out to be damaged, naming it. Before the first row it is left
        out at once, after it from the next question on."""
        met: Corrupt | None = None
        for attempts_left in range(_ATTEMPTS - 1, -1, -1):
            empty, is_begun = None, False
            try:
                async with contextlib.aclosing(self._once(question, tenant)) as blocks:
                    async for rows in blocks:
                        if not is_begun and not rows.batch.num_rows:
                            empty = rows
                            continue
                        is_begun = True
                        yield rows
                if not is_begun and empty is not None:
                    yield empty
                return
            except Corrupt as corrupt:
                if is_begun or not attempts_left:
                    raise
                met = corrupt
            except BadQuery as error:
                if met is None:
                    raise
                # It may be right, had what was left out not been the only one with some field.
                raise met from error

    async def _once(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        named, reasons = await self._listing.segments(tenant, question.start_us, question.end_us)
        lost = self._damages.known(named, reasons)
        damaged = {damage.path for damage in lost}
        segments = [segment for segment in named if segment.path not in damaged]
        self._bound(segments)
        left_out = ""
        if lost:
            events = sum(damage.events for damage in lost)
            left_out = f"{len(lost)} damaged segments with {events} events are left out"
        with self._files.hold(segments) as hold:
            if not hold.is_here:
                try:
                    await asyncio.get_running_loop().run_in_executor(self._executor, hold.fetch)
                except OSError as error:
                    failed = Unavailable(
                        f"a segment cannot be read: {error.strerror}", hint="run `cordwood store check`"
                    )
                    raise await self._damages.met(segments) or failed from error
            try:
                async with contextlib.aclosing(run(self._job(question, segments))) as blocks:
                    async for rows in blocks:
                        yield Rows(rows.columns, rows.batch, left_out)
            except Unreadable as error:
                raise await self._damages.met(segments) or error from error

    def _bound(self, segments: list[Segment]) -> None:
        """Raises BadRequest for what is too much for one question."""
        size_bytes, span_bytes = sum(segment.size_bytes for segment in segments), self._files.span_bytes
        if len(segments) > _MOST_SEGMENTS or (span_bytes is not None and size_bytes > _MOST_SPANS * span_bytes):
            raise BadRequest(
                f"{len(segments):,} segments with {size_bytes:,} bytes are too much for one question",
                hint="name a shorter time with start and end",
            )

    def _job(self, question: Question, segments: list[Segment]) -> Job:
        return Job(
            text=question.text,
            files=[_file(self._files.root, segment) for segment in segments],
            start_us=question.start_us,
            end_us=question.end_us,
            spill=str((self._spill / f"sql-{self._clock.batch_id()}").absolute()),
            memory_bytes=self._settings.sql_memory_bytes,
            spill_bytes=self._settings.sql_spill_bytes,
            timeout_s=self._settings.sql_timeout_s,
        )


def _file(root: Path, segment: Segment) -> File:
    has_shapes = segment.texts is not None and segment.texts < segment.events
    return File(str((root / segment.path).absolute()), sorted(segment.columns), segment.has_texts, has_shapes)
