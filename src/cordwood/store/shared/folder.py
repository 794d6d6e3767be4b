"""A directory that all processes share: on one machine, or on a shared file system."""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.store.segments.layout import Directory, hour_of, sync
from cordwood.store.segments.sweep import remove_old

_MARK = "catalog-id"
_DAY_US = 86_400_000_000


class Folder(Directory):
    """See `Place`."""

    noun = "directory"
    same = "every process needs the same directory: mount it, or set CORDWOOD_STORE_SEGMENTS_DIR to it"

    def __init__(self, root: Path, clock: Clock) -> None:
        super().__init__(root)
        self.name = str(root)
        self._clock = clock

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def check(self) -> None:
        pass

    def mark(self) -> str | None:
        try:
            return (self.root / _MARK).read_text().strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unavailable(f"cannot read {self.root / _MARK}: {error}", hint="look at the disk") from error

    def put_mark(self, text: str) -> None:
        if self.catalog.exists():
            raise Unavailable(
                f"{self.root} holds the segments of an embedded store",
                hint="set CORDWOOD_STORE_SEGMENTS_DIR to an empty directory",
            )
        made = self.root / f"{_MARK}.{os.getpid()}"
        try:
            for each in (self.segments, self.orphans):
                each.mkdir(parents=True, exist_ok=True)
            made.write_text(f"{text}\n")
            sync(made)
            made.replace(self.root / _MARK)
            sync(self.root)
            sync(self.root.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                made.unlink()
            raise Unavailable(
                f"cannot write to {self.root}: {error.strerror}", hint="make it writable for this user"
            ) from error

    def ages(self, names: Sequence[str]) -> dict[str, float]:
        now = time.time()
        found: dict[str, float] = {}
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # its writer has taken it back
                found[name] = now - (self.root / name).stat().st_mtime
        return found

    def discard(self, names: Sequence[str]) -> None:
        for name in names:
            self.remove(name)

    def put_aside(self, names: Sequence[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                aside = (self.root / name).rename(self.orphans / Path(name).name)
                aside.touch()

    def tidy(self, kept_s: float) -> None:
        remove_old(self.orphans, kept_s)
        last = hour_of(self._clock.now_us() - _DAY_US)
        for folder, _, _ in os.walk(self.segments, topdown=False):
            path = Path(folder)
            hour = path.name if path.name.startswith("date=") else f"{path.parent.name}/{path.name}"
            if hour.startswith("date=") and hour < last[: len(hour)]:
                with contextlib.suppress(OSError):  # not empty
                    path.rmdir()
                    self.forget_durable(path)
