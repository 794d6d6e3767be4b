"""Looking after segments that nobody asks for: is each still as it was written?"""

import structlog

from cordwood.clock import Clock
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import glanced_damage
from cordwood.store.segments.naming import Changing

log = structlog.get_logger()

_BYTES_A_ROUND = 16 << 20
"""About 3 MB a second: 100 GB are looked through in a working day, and nobody notices."""


class Scrubber:
    """Reads some segments each round, one after the other, and starts again. Synchronous, one round at a time."""

    def __init__(self, files: Files, catalog: Changing, engine: Engine, clock: Clock) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._last = ""

    def tend(self) -> None:
        """One round: those known to be damaged, as somebody may have mended them, then the next ones.

        Raises Unavailable.
        """
        known = self._catalog.damaged()
        segments = self._catalog.all_segments(None)
        ahead = [segment for segment in segments if segment.path > self._last] or segments
        left = _BYTES_A_ROUND
        for segment in [*(each for each in segments if each.path in known), *ahead]:
            if left <= 0:
                return
            reason = glanced_damage(self._engine, self._files, segment)
            if reason != known.get(segment.path) and self._catalog.names(segment.path):
                if reason is not None:
                    log.error("segment_damaged", path=segment.path, events=segment.events, reason=reason)
                self._catalog.note_damage(segment.path, reason, self._clock.now_us())
            if segment.path not in known:
                self._last = segment.path
                left -= max(segment.size_bytes, self._files.glance_bytes)
