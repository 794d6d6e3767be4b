"""Taking a backup beside a running platform.

Files first: they never change, and there are many. Then the databases, at a moment in which nobody writes to the queue:
what was accepted is then in the queue or in the store, and what is in both is known by its id. Last, the few files that
came meanwhile. A file that was merged away before it could be copied asks for a later moment.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from cordwood.backup.files import Unreadable, copied, digest_of, linked, sync_directories, writable
from cordwood.backup.manifest import Kept, Manifest, write
from cordwood.backup.parts import CATALOG, FILES, QUEUE, Embedded, Fault, Named, Step, Tell
from cordwood.clock import Clock
from cordwood.db.sqlite_copy import Moment, standing_still
from cordwood.errors import ConfigError, Unavailable
from cordwood.model.event import format_timestamp

_MOMENTS = 8
_NOT_AS_WRITTEN = "its bytes are not those that were written"


def take(
    source: Embedded, target: Path, release: str, clock: Clock, tell: Tell, *, is_linked: bool
) -> tuple[Manifest, list[Fault]]:
    """Copy everything into `target`, a new or empty directory; with `is_linked`, files get a second name instead.

    Files that are missing or damaged are told, and the rest is copied. Raises ConfigError, Unavailable: then the backup
    is not complete.
    """
    _require_empty(target, source.files)
    with writable(target):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        (target / FILES).mkdir()
    copying = _Copying(source, target, tell, is_linked=is_linked)
    copying.fetch(source.named_in(source.catalog))
    for _ in range(_MOMENTS):
        taken_us = clock.now_us()
        databases = copying.fetch_databases()
        named = source.named_in(target / CATALOG)
        copying.fetch(named)
        if not copying.vanished_since(named):
            break
    else:
        raise Unavailable(
            f"segments went away {_MOMENTS} times while they were being copied", hint="try again when less is deleted"
        )
    files, faults = copying.settle(named)
    sync_directories(target)
    manifest = Manifest(cordwood=release, taken_at=format_timestamp(taken_us), databases=databases, files=files)
    write(manifest, target)
    sync_directories(target)
    return manifest, faults


class _Copying:
    """What has been copied so far, and what could not be."""

    def __init__(self, source: Embedded, target: Path, tell: Tell, *, is_linked: bool) -> None:
        self._source = source
        self._target = target
        self._tell = tell
        self._is_linked = is_linked
        self._digests: dict[str, bytes | None] = {}
        self._absent: dict[str, str] = {}
        self._bytes = 0

    def fetch(self, named: Sequence[Named]) -> None:
        """Copy those that are not copied yet. Raises Unavailable."""
        missing = [each for each in named if each.path not in self._digests]
        of_bytes = self._bytes + sum(each.size_bytes for each in missing)
        for each in missing:
            self._fetch_one(each)
            self._bytes += each.size_bytes
            self._tell(Step(len(self._digests), self._bytes, of_bytes))

    def _fetch_one(self, named: Named) -> None:
        here, there = self._source.files / named.path, self._target / FILES / named.path
        with writable(there):
            there.parent.mkdir(parents=True, exist_ok=True)
        self._absent.pop(named.path, None)
        try:
            if self._is_linked:
                linked(here, there)
                self._digests[named.path] = named.digest
            else:
                self._digests[named.path] = copied(here, there)
        except FileNotFoundError:
            self._absent[named.path] = "its file is not there"
        except Unreadable as error:
            self._absent[named.path] = f"it cannot be read: {error}"
            with writable(there):
                there.unlink(missing_ok=True)

    def fetch_databases(self) -> list[Kept]:
        """Copy the databases as they are now, over what was copied of them before. Raises Unavailable."""
        source = self._source
        with contextlib.ExitStack() as opened:
            moments = {}
            with contextlib.nullcontext() if source.queue is None else standing_still(source.queue):
                if source.queue is not None:
                    moments[QUEUE] = opened.enter_context(Moment(source.queue))
                moments[CATALOG] = opened.enter_context(Moment(source.catalog))
            for name, path in source.books.items():
                if path.exists():
                    moments[name] = opened.enter_context(Moment(path))
            paths = {QUEUE: source.queue, CATALOG: source.catalog, **source.books}
            return [self._kept(name, moment, paths[name] or Path()) for name, moment in moments.items()]

    def _kept(self, name: str, moment: Moment, original: Path) -> Kept:
        path = self._target / name
        with writable(path):
            path.unlink(missing_ok=True)
            path.touch(mode=original.stat().st_mode & 0o777)
        moment.copy_to(path)
        try:
            return Kept(name, path.stat().st_size, digest_of(path).hex())
        except Unreadable as error:
            raise Unavailable(f"cannot read {path} back: {error}", hint="look at the disk") from error

    def vanished_since(self, named: Sequence[Named]) -> bool:
        """Whether one of these could not be copied because it is no segment any more."""
        absent = {each.path for each in named if each.path in self._absent}
        return bool(absent) and not absent <= {each.path for each in self._source.named_in(self._source.catalog)}

    def settle(self, named: Sequence[Named]) -> tuple[list[Kept], list[Fault]]:
        """Keep these and no others; what is in the backup, and what is wrong with it. Raises Unavailable."""
        for path in self._digests.keys() - {each.path for each in named}:
            with writable(self._target / FILES / path):
                (self._target / FILES / path).unlink()
        kept, faults = [], []
        for each in named:
            reason = self._absent.get(each.path)
            if reason is not None:
                faults.append(Fault(each.path, "missing", each.events, reason))
                continue
            digest = self._digests[each.path]
            kept.append(
                Kept(f"{FILES}/{each.path}", each.size_bytes, (each.digest or digest or b"").hex(), each.events)
            )
            if each.digest is not None and digest != each.digest:
                faults.append(Fault(each.path, "damaged", each.events, _NOT_AS_WRITTEN))
        return kept, faults


def _require_empty(target: Path, files: Path) -> None:
    try:
        is_free = not target.exists() or (target.is_dir() and not any(target.iterdir()))
    except OSError as error:
        raise ConfigError(f"cannot look into {target}: {error.strerror}", hint="choose another directory") from error
    if not is_free:
        raise ConfigError(f"{target} is not empty", hint="a backup gets a directory of its own: name a new one")
    if target.resolve().is_relative_to(files.resolve()):
        raise ConfigError(f"{target} is within the store that is to be copied", hint="choose another directory")
