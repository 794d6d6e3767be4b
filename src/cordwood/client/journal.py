"""What an import remembers: for each file, which of its parts the server has answered for."""

import fcntl
import hashlib
import os
import threading
from pathlib import Path
from typing import Self

import msgspec

from cordwood.errors import ConfigError

_VERSION = 1


class Identity(msgspec.Struct, frozen=True):
    """A file as it was when its import began; when any of it differs, it is another file."""

    path: str
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises OSError."""
        stat = path.stat()
        return cls(str(path.resolve()), stat.st_size, stat.st_mtime_ns)

    def key(self, how: str, part: int) -> str:
        """The idempotency key of a part, the same in every run that reads the file the same way."""
        text = msgspec.json.encode((self.path, self.size_bytes, self.mtime_ns, how, part))
        return f"import-{hashlib.blake2b(text, digest_size=16).hexdigest()}"


class _Line(msgspec.Struct, omit_defaults=True):
    """A line of the journal: its head, a file that begins, a part that was answered, or a file that is whole."""

    version: int = 0
    target: str = ""
    file: Identity | None = None
    part: int | None = None
    events: int = 0
    parts: int | None = None


class _File(msgspec.Struct):
    identity: Identity
    answered: dict[int, int] = msgspec.field(default_factory=dict)
    """Part → its events."""
    parts: int | None = None
    """How many there are, once the end has been read."""


class Journal:
    """An append-only file of JSON lines. A line that a crash cut off was never written: its part is sent again, under
    the same key. Safe to use from several threads.

    Raises ConfigError when it is not ours, of an import to elsewhere, or in use; OSError.
    """

    def __init__(self, path: Path, target: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not truncated, and not removed at the end: the lock is on this very file.
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._files: dict[str, _File] = {}
        self._lock = threading.Lock()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigError(f"another import uses {path}", hint="wait for it, or name another --state") from error
        try:
            self._load(path, target)
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        os.close(self._descriptor)

    def begin(self, identity: Identity, *, again: bool) -> str | None:
        """Take up a file; why not, when it is not the file that was begun. `again` forgets what is known of it."""
        with self._lock:
            known = self._files.get(identity.path)
            if known is not None and not again:
                if known.identity == identity:
                    return None
                events = sum(known.answered.values())
                return (
                    f"it has changed since {events:,} of its events were imported; --again imports it from its "
                    "beginning"
                )
            self._files[identity.path] = _File(identity)
            self._write(_Line(file=identity))
        return None

    def is_whole(self, identity: Identity) -> bool:
        """Every part of it was answered."""
        with self._lock:
            file = self._files[identity.path]
            return file.parts is not None and len(file.answered) >= file.parts

    def events(self, identity: Identity) -> int:
        """How many events of it were answered."""
        with self._lock:
            return sum(self._files[identity.path].answered.values())

    def answered_of(self, identity: Identity, part: int) -> int | None:
        """How many events of a part were answered; None when it was not."""
        with self._lock:
            return self._files[identity.path].answered.get(part)

    def answered(self, identity: Identity, part: int, events: int) -> None:
        """The server has said of each event whether it accepts it."""
        with self._lock:
            self._files[identity.path].answered[part] = events
            self._write(_Line(file=identity, part=part, events=events))

    def ended(self, identity: Identity, parts: int) -> None:
        """The file was read to its end, and has so many parts."""
        with self._lock:
            self._files[identity.path].parts = parts
            self._write(_Line(file=identity, parts=parts))

    def _write(self, line: _Line) -> None:
        os.write(self._descriptor, msgspec.json.encode(line) + b"\n")

    def _load(self, path: Path, target: str) -> None:
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        try:
            lines = msgspec.json.Decoder(_Line).decode_lines(whole)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{path} is no state of an import: {error}", hint="name another --state") from error
        if not lines:
            if text and not text.startswith(b'{"version":'):
                raise ConfigError(f"{path} is no state of an import", hint="name another --state")
            os.ftruncate(self._descriptor, 0)
            self._write(_Line(version=_VERSION, target=target))
            return
        if lines[0].version != _VERSION:
            raise ConfigError(f"{path} is no state of an import", hint="name another --state")
        if lines[0].target != target:
            raise ConfigError(
                f"{path} is the state of an import to another server, by another key, or read in another way",
                hint="name another --state",
            )
        os.ftruncate(self._descriptor, len(whole))
        for line in lines[1:]:
            self._remember(line)

    def _remember(self, line: _Line) -> None:
        if line.file is None:
            return
        if line.part is None and line.parts is None:
            self._files[line.file.path] = _File(line.file)
        elif (file := self._files.get(line.file.path)) is not None:
            if line.part is not None:
                file.answered[line.part] = line.events
            else:
                file.parts = line.parts


def target_of(url: str, api_key: str | None, how: str) -> str:
    """Names where an import goes and how it reads, telling no key."""
    return hashlib.blake2b(msgspec.json.encode((url.rstrip("/"), api_key, how)), digest_size=16).hexdigest()
