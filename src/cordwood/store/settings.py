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
            description="place of the segments that PostgreSQL names, the same for every process: a directory, or "
            "s3://BUCKET/PREFIX; empty: shared-segments in the data directory"
        ),
    ] = ""
    s3_endpoint: Annotated[
        str,
        Meta(
            description="http:// or https:// URL of the object storage, where it is not Amazon's; "
            "empty: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL"
        ),
    ] = ""
    s3_region: Annotated[
        str, Meta(description="region of the bucket; empty: AWS_REGION or AWS_DEFAULT_REGION, else us-east-1")
    ] = ""
    s3_access_key: Annotated[
        str,
        Meta(
            description="access key id for the bucket; empty: AWS_ACCESS_KEY_ID, or what the machine's role, container "
            "or web identity gives"
        ),
    ] = ""
    s3_secret_key: Annotated[
        str, Meta(description="secret access key that goes with it; empty: AWS_SECRET_ACCESS_KEY")
    ] = ""
    s3_virtual_hosted: Annotated[
        bool, Meta(description="name the bucket in the host, as BUCKET.HOST, rather than in the path")
    ] = False
    s3_timeout_s: Annotated[
        float, Meta(gt=0, description="seconds that the object storage may be silent before a request has failed")
    ] = 10.0
    s3_cache_bytes: Annotated[
        int,
        Meta(
            ge=1 << 20,
            description="copies of segments in object storage that a process keeps on its disk, in the data directory",
        ),
    ] = 4 << 30
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
        int,
        Meta(
            description="memory that the segment engine may use before it spills to disk; "
            "of rows, what `extract` goes on with"
        ),
    ] = 512 << 20
    sql_timeout_s: Annotated[
        float, Meta(gt=0, description="seconds an SQL question may take, streams included, before it is stopped")
    ] = 60.0
    sql_memory_bytes: Annotated[
        int, Meta(ge=64 << 20, description="memory that an SQL question over segments may use before it spills to disk")
    ] = 256 << 20
    sql_spill_bytes: Annotated[
        int,
        Meta(
            ge=1 << 20,
            description="room on the disk that an SQL question may use: beyond that memory, or for temporary files of "
            "PostgreSQL",
        ),
    ] = 1 << 30
    partition_days_back: Annotated[int, Meta(description="days of PostgreSQL partitions made behind today")] = 30
    partition_days_ahead: Annotated[int, Meta(description="days of PostgreSQL partitions made ahead of today")] = 7

    @property
    def records_kept_s(self) -> float:
        """Repetitions of a request name the batch that came first: its record stays as long as they are known."""
        return max(self.receipts_days * 86_400.0, self.idempotency_window_s)
