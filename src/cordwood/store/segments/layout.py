"""What a segment is: a Parquet file in a directory that tells its tenant and hour. `docs/reference/segments.md`."""

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

import pyarrow as pa

from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.group_index import GroupIndex

T = TypeVar("T")

NOT_AS_WRITTEN = "its bytes are not those that were written"

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


class _Here:
    """See `files.Hold`: files that are where they are read anyway."""

    is_here = True

    def fetch(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Directory:
    """The files of one segment store: see `files.Files`."""

    span_bytes: int | None = None
    glance_bytes = 0

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
        return name_of(tenant, now_us, name)

    def hour(self, now_us: int) -> str:
        """The two directories below a tenant's that take what is written now."""
        return hour_of(now_us)

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

    def hold(self, segments: Sequence[Segment], *, is_kept: bool = True) -> _Here:
        return _Here()

    def lots(self, segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        yield segments

    def each(self, work: Callable[[Segment], T], segments: Sequence[Segment]) -> list[T]:
        return [work(segment) for segment in segments]

    def index(self, segment: Segment) -> GroupIndex | None:
        return GroupIndex.of_file(self.root / segment.path)

    def verify(self, segment: Segment) -> None:
        if segment.digest is not None and digest_of(self.root / segment.path) != segment.digest:
            raise OSError(errno.EIO, NOT_AS_WRITTEN)

    def glance(self, segment: Segment) -> None:
        self.verify(segment)

    def listed(self) -> list[str]:
        return self._names_in(self.segments)

    def aside(self) -> list[str]:
        return self._names_in(self.orphans)

    def _names_in(self, directory: Path) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in directory.rglob("*.parquet"))

    def forget_durable(self, directory: Path) -> None:
        """A directory was removed: when it is made again it has to be synced again."""
        with self._turn:
            self._durable.discard(directory)


def name_of(tenant: Tenant, now_us: int, name: UUID) -> str:
    """The name of a segment that is written now, below the root of its store."""
    return f"segments/tenant={tenant}/{hour_of(now_us)}/{name}.parquet"


def hour_of(now_us: int) -> str:
    """The two directories below a tenant's that take what is written now."""
    return f"{datetime.fromtimestamp(now_us / 1e6, UTC):date=%Y-%m-%d/hour=%H}"


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
