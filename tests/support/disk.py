"""Disks of a few megabytes, to be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.not_here import NotHere


@contextmanager
def mounted(directory: Path, size_mb: int) -> Iterator[None]:
    """A disk of its own for `directory`, which is made. Raises NotHere where that is not allowed."""
    directory.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "cordwood-test", str(directory)]
    if os.geteuid() or subprocess.run(command, check=False).returncode:
        raise NotHere("filling a disk needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def free_bytes(directory: Path) -> int:
    """What is left on its disk."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def fill(filler: Path, left_bytes: int) -> None:
    """Write a file that leaves so much of its disk."""
    with filler.open("ab", buffering=0) as file:
        while (more := free_bytes(filler.parent) - left_bytes) > 0:
            file.write(bytes(min(more, 1 << 20)))
