"""What a disk has left, and the part of it that is not to be used up."""

import os
from pathlib import Path

from msgspec import Struct


class Free(Struct, frozen=True):
    """A disk as this user may write to it."""

    free_bytes: int
    reserve_bytes: int

    @property
    def room_bytes(self) -> int:
        """What may be written before the reserve is touched; negative when it is."""
        return self.free_bytes - self.reserve_bytes


class Reserve:
    """`wanted_bytes` that stay free on the disk of `directory`, or a share of a disk too small to spare so much."""

    def __init__(self, directory: Path, wanted_bytes: int, *, most: float) -> None:
        """`most` is the share of the whole disk that may be set aside."""
        self.directory = directory
        self._wanted_bytes = wanted_bytes
        self._most = most

    def look(self) -> Free:
        """As it is now: a system call of a microsecond, but one that a dead network disk may block. Raises OSError."""
        found = os.statvfs(self.directory)
        size_bytes = found.f_blocks * found.f_frsize
        return Free(found.f_bavail * found.f_frsize, min(self._wanted_bytes, int(size_bytes * self._most)))
