"""Settings of the stores."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events stay."""

    url: Annotated[
        str,
        Meta(
            description="file: (segments in the data directory), file:PATH, or postgresql://USER:PASSWORD@HOST/DATABASE"
        ),
    ] = "file:"
    keep: Annotated[
        Literal["rows", "segments", "both"],
        Meta(
            description="what PostgreSQL keeps events as: rows, segments that it names, or both, "
            "where rows are for SQL and questions go to segments"
        ),
    ] = "rows"
    segments_dir: Annotated[
        str,
        Meta(
            description="directory of the segments that PostgreSQL names, the same for every process; "
            "empty: shared-segments in the data directory"
        ),
    ] = ""
    rows_days: Annotated[
        int, Meta(ge=0, description="days that rows beside segments are kept; 0: as long as the segments")
    ] = 0
    query_timeout_s: Annotated[
        float, Meta(description="seconds a read may take, streams included, before it is stopped")
    ] = 300.0
    retention_days: Annotated[
        int, Meta(ge=0, description="days that events are kept, by their timestamp; 0 keeps them for ever")
    ] = 0
    dead_letter_days: Annotated[int, Meta(ge=1, description="days that dead letters are kept")] = 30
    receipts_days: Annotated[
        int, Meta(ge=1, description="days that each batch has a record of its own, and so each receipt an answer")
    ] = 30
    idempotency_window_s: Annotated[
        float, Meta(ge=86_400, description="seconds that an Idempotency-Key is remembered; a day at least")
    ] = 86_400.0
    memory_bytes: Annotated[
        int, Meta(description="memory that the segment engine may use before it spills to disk")
    ] = 512 << 20
    partition_days_back: Annotated[int, Meta(description="days of PostgreSQL partitions made behind today")] = 30
    partition_days_ahead: Annotated[int, Meta(description="days of PostgreSQL partitions made ahead of today")] = 7

    @property
    def records_kept_s(self) -> float:
        """Repetitions of a request name the batch that came first: its record stays as long as they are known."""
        return max(self.receipts_days * 86_400.0, self.idempotency_window_s)
