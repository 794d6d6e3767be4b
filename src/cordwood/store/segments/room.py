"""Room on the disk of the segments, and the part of it that writing leaves alone."""

from pathlib import Path

from cordwood.db.disk import Free, Reserve
from cordwood.errors import Unavailable

_RESERVE_BYTES, _MOST = 64 << 20, 0.025
"""Room for the catalog, and for acks in a queue on the same disk. Less than the queue leaves free, so that a disk which
takes no more batches still stores those that it has taken."""


class Room:
    """Synchronous; call it in a thread, as a network disk may block."""

    def __init__(self, root: Path) -> None:
        self._reserve = Reserve(root, _RESERVE_BYTES, most=_MOST)

    def require(self) -> None:
        """Raises Unavailable when the reserve is touched."""
        disk = self._disk()
        if disk.room_bytes < 0:
            raise Unavailable(
                f"the disk of {self._reserve.directory} has {disk.free_bytes:,} bytes free; "
                f"{disk.reserve_bytes:,} are kept for the books",
                hint=f"free space on the disk of {self._reserve.directory}",
            )

    def has_some(self) -> bool:
        """Whether something that takes room before it gives some back may begin. Raises Unavailable."""
        return self._disk().room_bytes > 0

    def _disk(self) -> Free:
        try:
            return self._reserve.look()
        except OSError as error:
            raise Unavailable(
                f"cannot use {self._reserve.directory}: {error.strerror}", hint="look at the disk"
            ) from error
