"""Files that nobody needs any more: replaced segments, what a crash left, what an engine put aside."""

import contextlib
import shutil
import time
from pathlib import Path

import structlog

from cordwood.clock import Clock
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.layout import Directory

log = structlog.get_logger()

_ORPHANS_KEPT_S = 7 * 86_400.0


class Sweeper:
    """Synchronous; call it in a thread of the writing process, one at a time."""

    def __init__(self, directory: Directory, catalog: Catalog, clock: Clock, grace_s: float) -> None:
        """A query lasts less than `grace_s`."""
        self._directory = directory
        self._catalog = catalog
        self._clock = clock
        self._grace_s = grace_s

    def start(self) -> None:
        """Put aside what a crash left. Only while no write can be under way."""
        named = self._catalog.named()
        unnamed = [
            path
            for path in self._directory.segments.rglob("*.parquet")
            if str(path.relative_to(self._directory.root)) not in named
        ]
        # Not removed at once: a crash leaves only what is still in the broker, but if the catalog was lost, or an
        # older one restored, these files are the events.
        for path in unnamed:
            aside = path.rename(self._directory.orphans / path.name)
            aside.touch()
        if unnamed:
            log.warning("orphans_put_aside", files=len(unnamed), to=str(self._directory.orphans))

    def tend(self) -> None:
        """Remove what is old enough. Raises Unavailable."""
        replaced = self._catalog.garbage(self._clock.now_us() - int(self._grace_s * 1e6))
        for path in replaced:
            file = self._directory.root / path
            file.unlink(missing_ok=True)
            self._remove_empty(file.parent)
        if replaced:
            self._catalog.forget_garbage(replaced)
        remove_old(self._directory.orphans, _ORPHANS_KEPT_S)
        remove_old(self._directory.spill, self._grace_s)

    def _remove_empty(self, hour: Path) -> None:
        """Remove the directories of an hour and its date when nothing is in them, and nothing comes any more."""
        current = hour.parent.parent / self._directory.hour(self._clock.now_us())
        for directory in (hour, hour.parent):
            if current.is_relative_to(directory):
                return
            try:
                directory.rmdir()
            except OSError:  # not empty
                return
            self._directory.forget_durable(directory)


def remove_old(directory: Path, age_s: float) -> None:
    """Remove entries that were last changed longer ago than that."""
    oldest = time.time() - age_s
    for entry in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its owner was faster
            newest = max(path.stat().st_mtime for path in (entry, *entry.rglob("*")))
            if newest < oldest:
                remove = shutil.rmtree if entry.is_dir() else Path.unlink
                remove(entry)
