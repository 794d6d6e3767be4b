"""Copies of files on this machine's disk: bounded, the least lately used go first, none that somebody reads; and those
that nobody has used for a day, so that what was deleted does not stay."""

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import islice
from pathlib import Path

from msgspec import Struct

from cordwood.store.segments.layout import hour_of

_UNUSED_S = 86_400.0
_LOOKED_AT = 64


class _Copy(Struct):
    size_bytes: int
    used_s: float
    is_trusted: bool
    """Checked by this process, or made by it: a crash may have left anything."""
    is_kept: bool


class Copies:
    """Files below `root`, by their names. Any thread may call it. What is held stays even where that is too much."""

    def __init__(self, root: Path, most_bytes: int, now: Callable[[], float] = time.time) -> None:
        """Takes over what is there. `now` is in seconds since 1970."""
        self._now = now
        self._root = root
        self._most_bytes = most_bytes
        self._turn = threading.Lock()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._holds: Counter[str] = Counter()
        self._kept: set[str] = set()
        self._making: dict[str, Future[None]] = {}
        self.bytes = 0
        found = [(path.stat(), path) for path in root.rglob("*.parquet")]
        for stat, path in sorted(found, key=lambda each: each[0].st_mtime):
            self._copies[str(path.relative_to(root))] = _Copy(
                stat.st_size, stat.st_mtime, is_trusted=False, is_kept=True
            )
            self.bytes += stat.st_size
        with self._turn:
            self._make_room()

    def hold(self, names: Sequence[str], *, is_kept: bool) -> None:
        """They stay until as many calls of `release`; and afterwards, as long as there is room, if they are kept."""
        with self._turn:
            self._holds.update(names)
            if is_kept:
                self._kept.update(names)
                for name in names:
                    if name in self._copies:
                        self._copies[name].is_kept = True

    def release(self, names: Sequence[str]) -> None:
        with self._turn:
            for name in names:
                self._holds[name] -= 1
                if self._holds[name] <= 0:
                    del self._holds[name]
                    self._kept.discard(name)
                    if name in self._copies and not self._copies[name].is_kept:
                        self._drop(name)
            self._make_room()

    def is_held(self, name: str) -> bool:
        with self._turn:
            return name in self._holds

    def has(self, name: str) -> bool:
        """Whether there is a copy that can be trusted."""
        with self._turn:
            copy = self._copies.get(name)
            if copy is None or not copy.is_trusted:
                return False
            self._use(name, copy)
            return True

    def is_found(self, name: str) -> bool:
        """Whether there is one, to be trusted or not."""
        with self._turn:
            return name in self._copies

    def ensure(self, name: str, size_bytes: int, make: Callable[[], None]) -> None:
        """A copy that can be trusted: `make` brings it to its place, once for all who ask meanwhile. To be held by
        whoever asks. Raises what `make` does."""
        with self._turn:
            copy = self._copies.get(name)
            if copy is not None and copy.is_trusted:
                self._use(name, copy)
                return
            making = self._making.get(name)
            is_mine = making is None
            if making is None:
                making = self._making[name] = Future()
        if is_mine:
            try:
                make()
                self.add(name, size_bytes)
            except BaseException as error:
                with self._turn:
                    del self._making[name]
                making.set_exception(error)
                raise
            with self._turn:
                del self._making[name]
            making.set_result(None)
        else:
            making.result()

    def add(self, name: str, size_bytes: int, *, is_kept: bool = False) -> None:
        """A complete file was put in its place."""
        with self._turn:
            before = self._copies.pop(name, None)
            self.bytes += size_bytes - (0 if before is None else before.size_bytes)
            self._copies[name] = _Copy(size_bytes, self._now(), is_trusted=True, is_kept=is_kept or name in self._kept)
            self._make_room()

    def move_in(self, made: Path, name: str) -> None:
        """Put a complete file in its place, at once as a whole. Raises OSError."""
        with self._turn:  # so that its directory does not go meanwhile
            (self._root / name).parent.mkdir(parents=True, exist_ok=True)
            made.replace(self._root / name)

    def forget(self, name: str) -> None:
        """It goes, also from under those who hold it."""
        with self._turn:
            self._drop(name)

    def _use(self, name: str, copy: _Copy) -> None:
        self._copies.move_to_end(name)
        copy.used_s = self._now()

    def drop_unused(self) -> None:
        """To be called now and then."""
        with self._turn:
            self._make_room()

    def _make_room(self) -> None:
        oldest = self._now() - _UNUSED_S
        for name, copy in list(islice(self._copies.items(), _LOOKED_AT)):
            if copy.used_s >= oldest:
                break
            if name not in self._holds:
                self._drop(name)
        if self.bytes <= self._most_bytes:
            return
        for name in [name for name in self._copies if name not in self._holds]:
            if self.bytes <= self._most_bytes:
                return
            self._drop(name)

    def _drop(self, name: str) -> None:
        copy = self._copies.pop(name, None)
        self.bytes -= 0 if copy is None else copy.size_bytes
        (self._root / name).unlink(missing_ok=True)

    def tidy(self, now_us: int) -> None:
        """Remove directories in which nothing is, and nothing is written any more."""
        current = hour_of(now_us)
        with self._turn:
            for path in sorted((each for each in self._root.rglob("*=*") if each.is_dir()), reverse=True):
                hour = path.name if path.name.startswith("date=") else f"{path.parent.name}/{path.name}"
                if hour.startswith("date=") and hour < current[: len(hour)]:
                    with contextlib.suppress(OSError):  # not empty
                        path.rmdir()
