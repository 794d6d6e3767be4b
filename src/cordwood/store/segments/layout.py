"""What a segment is: a Parquet file in a directory that tells its tenant and hour. `docs/reference/segments.md`."""

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cordwood.model.tenant import Tenant

COLUMNS = ("batch_id", "ordinal", "ts", "inserted_at", "level", "service", "raw")
"""UUID · UINT32 · timestamp µs UTC · timestamp µs UTC · text · text · the event's JSON as it was sent."""

PARQUET_OPTIONS = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 65536"


class Directory:
    """The files of one segment store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = root / "catalog.sqlite"
        self.lock = root / "writer.lock"
        self.segments = root / "segments"
        self.staging = root / "staging"

    def new_segment(self, tenant: Tenant, arrived_us: int, name: UUID) -> str:
        """The path, relative to the root, of a segment of events that arrived in this hour."""
        hour = datetime.fromtimestamp(arrived_us / 1e6, UTC)
        return f"segments/tenant={tenant}/date={hour:%Y-%m-%d}/hour={hour:%H}/{name}.parquet"


def sync(path: Path) -> None:
    """Make a file and the directory entries that lead to it survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
