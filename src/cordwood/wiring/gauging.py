"""What a process tells of itself and of its disk, whenever its metrics are asked for."""

import math
import platform
import shutil
from pathlib import Path

from cordwood import __version__, metrics


def tell_of_process(service: str, data_dir: Path) -> None:
    """From now on."""
    metrics.BUILD.info({"service": service, "version": __version__, "python": platform.python_version()})
    metrics.DISK_FREE_BYTES.set_function(lambda: _room(data_dir)[0])
    metrics.DISK_SIZE_BYTES.set_function(lambda: _room(data_dir)[1])


def _room(directory: Path) -> tuple[float, float]:
    """Bytes free, and bytes at all, where the directory is, or will be. Not known while the disk cannot be asked."""
    try:
        # Made later, if at all: a service may keep nothing there.
        there = next(each for each in (directory.absolute(), *directory.absolute().parents) if each.exists())
        usage = shutil.disk_usage(there)
    except OSError:
        return math.nan, math.nan
    return usage.free, usage.total
