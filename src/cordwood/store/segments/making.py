"""Tables → a segment: a complete, synced file that no catalog names yet."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.files import Files
from cordwood.store.segments.layout import BASE, digest_of
from cordwood.store.segments.parquet import Columns, SegmentFile, columns_of, row_groups


def make_segment(files: Files, name: str, tenant: Tenant, tables: Sequence[pa.Table]) -> Segment:
    """Write the rows to a file of that name, which goes again when this fails. Raises Unavailable, Refused."""
    return stream_segment(files, name, tenant, columns_of(tables), row_groups(tables))


def stream_segment(
    files: Files, name: str, tenant: Tenant, columns: Columns, groups: Iterable[Sequence[pa.Table]]
) -> Segment:
    """The same with one row group in memory at a time. Raises Unavailable, Refused, and what `groups` raises."""
    path = files.root / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with SegmentFile(path, columns) as file:
            for tables in groups:
                file.add(tables)
        # Before it is durable: from then on it may be elsewhere only.
        size_bytes, digest = path.stat().st_size, digest_of(path)
        files.make_durable(path)
    except OSError as error:
        files.remove(name)
        raise Unavailable(
            f"cannot write {path}: {error.strerror}", hint="free disk space, or look at the disk"
        ) from error
    except BaseException:
        files.remove(name)
        raise
    min_us, max_us = file.bounds
    return Segment(
        path=name,
        tenant=tenant,
        events=file.events,
        size_bytes=size_bytes,
        min_us=min_us,
        max_us=max_us,
        digest=digest,
        columns=frozenset(columns.schema.names) - frozenset(BASE.names),
        texts=file.texts,
        row_groups=file.row_groups,
        plain_bytes=file.plain_bytes,
        rollup=file.rollup,
    )
