"""What a segment is: a Parquet file in a directory that tells its tenant and hour. `docs/reference/segments.md`."""

import contextlib
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from cordwood.model.tenant import Tenant

BASE = pa.schema(
    [
        pa.field("batch_id", pa.uuid(), nullable=False),
        pa.field("ordinal", pa.uint32(), nullable=False),
        pa.field("ts", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("inserted_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("level", pa.string()),
        pa.field("service", pa.string()),
        pa.field("shape", pa.string()),
        pa.field("raw", pa.string()),
    ]
)
"""The columns of every segment. An event has either a `shape`, and its values in further columns, or all its text in
`raw`."""

_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "json": pa.string()}


def field_of(column: str) -> pa.Field:
    """A further column, by its name: `path:type`."""
    return pa.field(column, _TYPES[column.rpartition(":")[2]])


class Directory:
    """The files of one segment store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = root / "catalog.sqlite"
        self.lock = root / "writer.lock"
        self.segments = root / "segments"
        # What engines put aside when memory is short: of any process, readers too.
        self.spill = root / "spill"
        # What a crash left behind, kept for a while in case it was no crash but a lost catalog.
        self.orphans = root / "orphans"
        self._durable: set[Path] = set()
        self._turn = threading.Lock()

    def new_segment(self, tenant: Tenant, now_us: int, name: UUID) -> str:
        """The path, relative to the root, of a segment that is written now."""
        return f"segments/tenant={tenant}/{self.hour(now_us)}/{name}.parquet"

    def hour(self, now_us: int) -> str:
        """The two directories below a tenant's that take what is written now."""
        return f"{datetime.fromtimestamp(now_us / 1e6, UTC):date=%Y-%m-%d/hour=%H}"

    def remove(self, name: str) -> None:
        """Remove a file that no catalog names. Where that fails, it is an orphan, which the next start puts aside."""
        with contextlib.suppress(OSError):
            (self.root / name).unlink()

    def make_durable(self, path: Path) -> None:
        """Make a new file, and every directory that leads to it, survive a power cut. Raises OSError."""
        sync(path)
        sync(path.parent)
        for parent in path.parent.parents:
            # A directory is synced once per process: after that it holds no new entry on the way to this file.
            with self._turn:
                if parent == self.root.parent or path.parent in self._durable:
                    break
            sync(parent)
        with self._turn:
            self._durable.add(path.parent)

    def forget_durable(self, directory: Path) -> None:
        """A directory was removed: when it is made again it has to be synced again."""
        with self._turn:
            self._durable.discard(directory)


def sync(path: Path) -> None:
    """Write a file's, or a directory's, content to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest_of(path: Path) -> bytes:
    """BLAKE2b-128 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
