"""A thread that reads the sources one after the other, so that whoever sends can watch the clock."""

import errno
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from cordwood.client.source import Read
from cordwood.errors import Corrupt

STDIN = "-"

_BLOCK_BYTES = 256 << 10
_QUEUED = 16


class Trouble(msgspec.Struct, frozen=True):
    """A source that could not be read, or not to its end."""

    source: str
    error: str


class End(msgspec.Struct, frozen=True):
    """There is no more, or no more was wanted; without `is_expected`, the reading itself is broken."""

    is_expected: bool


class _Stopped(Exception):
    """Reading was stopped inside a source: unlike at its end, what is held of a line is not an event."""


Item = Read | Trouble | End

Reading = Callable[[str, Iterator[bytes]], Iterator[Read]]
"""A source's name and its bytes → its events. The source is opened when the first bytes are asked for."""


class Feed:
    """Reads in the background, a bounded distance ahead."""

    def __init__(self, sources: Sequence[str], read: Reading) -> None:
        self.read_bytes = 0
        """Bytes read so far, as they lie in the files."""
        self._sources = sources
        self._reading = read
        self._items: queue.Queue[Item] = queue.Queue(_QUEUED)
        self._stopped = threading.Event()
        # A daemon: reading a silent standard input cannot be interrupted, and must not keep the process.
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def next(self, timeout_s: float | None) -> Item | None:
        """What was read next; None when there was nothing for so long."""
        try:
            return self._items.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Read no further; `next` still gives what had been read."""
        self._stopped.set()

    def _run(self) -> None:
        is_expected = False
        try:
            for source in self._sources:
                self._read(source)
            is_expected = True
        except _Stopped:
            is_expected = True
        finally:
            # Whoever waits must not wait for ever, whatever happened here.
            self._items.put(End(is_expected))

    def _read(self, source: str) -> None:
        name = name_of(source)
        before = self.read_bytes
        try:
            for item in self._reading(name, self._blocks(source)):
                self._items.put(item)
        except OSError as error:
            self._items.put(Trouble(name, error.strerror or str(error)))
        except Corrupt as error:
            self._items.put(Trouble(name, error.message))
        # Also what was read in another way than through us, or left out.
        self.read_bytes = max(self.read_bytes, before + (size_of([source]) or 0))

    def _blocks(self, source: str) -> Iterator[bytes]:
        descriptor = _stdin() if source == STDIN else os.open(source, os.O_RDONLY)
        try:
            while block := os.read(descriptor, _BLOCK_BYTES):
                if self._stopped.is_set():
                    raise _Stopped
                self.read_bytes += len(block)
                yield block
        finally:
            if source != STDIN:
                os.close(descriptor)


def _stdin() -> int:
    """Raises OSError, also where there is none, or not any more."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, ValueError) as error:
        raise OSError(errno.EBADF, "standard input is closed") from error


def size_of(sources: Sequence[str]) -> int | None:
    """Bytes in all the sources together, or None when that is not known before reading."""
    try:
        paths = [Path(source) for source in sources]
        return sum(path.stat().st_size for path in paths) if all(path.is_file() for path in paths) else None
    except OSError:
        return None


def name_of(source: str) -> str:
    """How people know it."""
    return "<stdin>" if source == STDIN else source
