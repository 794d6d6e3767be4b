"""Copying a file, and knowing that the copy is what was written."""

import hashlib
import os
import shutil
from pathlib import Path

from cordwood.errors import Unavailable

_PIECE_BYTES = 1 << 20


class Unreadable(Exception):
    """The file to copy cannot be read; there may be a part of a copy."""


def copied(source: Path, target: Path) -> bytes:
    """Copy a file, with its permissions, synced. Returns the digest of what was read, BLAKE2b-128.

    Raises Unreadable; FileNotFoundError, of the source; Unavailable: the copy cannot be written.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        reading = source.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(error.strerror) from error
    with reading, writable(target):
        with target.open("xb") as writing:
            while piece := _piece(reading.fileno()):
                digest.update(piece)
                writing.write(piece)
            writing.flush()
            os.fsync(writing.fileno())
        shutil.copymode(source, target)
    return digest.digest()


def linked(source: Path, target: Path) -> None:
    """Give a file that never changes a second name. Raises FileNotFoundError, of the source; Unavailable."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(
            f"cannot link {target} to {source}: {error.strerror}",
            hint="--link needs a directory on the same file system: choose one, or leave --link out",
        ) from error


def digest_of(path: Path) -> bytes:
    """BLAKE2b-128 of a file. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError as error:
        raise Unreadable(error.strerror) from error


class writable:  # noqa: N801  # reads as what it demands
    """`with writable(path)`: what the system says against writing there becomes Unavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise Unavailable(
                f"cannot write {self._path}: {error.strerror}", hint="free disk space, or make it writable"
            ) from error


def sync_directories(root: Path) -> None:
    """Make the entries of a directory, and of all below it, survive a power cut. Raises Unavailable."""
    with writable(root):
        for folder, _, _ in os.walk(root, topdown=False):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _piece(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except OSError as error:
        raise Unreadable(error.strerror) from error
