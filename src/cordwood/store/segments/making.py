"""Tables → a segment: a complete, synced file that no catalog names yet."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.layout import BASE, Directory, digest_of
from cordwood.store.segments.parquet import write_parquet


def make_segment(directory: Directory, name: str, tenant: Tenant, tables: Sequence[pa.Table]) -> Segment:
    """Write the rows to a file of that name, which goes again when this fails. Raises Unavailable, Refused."""
    path = directory.root / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = write_parquet(path, tables)
        directory.make_durable(path)
        size_bytes, digest = path.stat().st_size, digest_of(path)
    except OSError as error:
        directory.remove(name)
        raise Unavailable(
            f"cannot write {path}: {error.strerror}", hint="free disk space, or look at the disk"
        ) from error
    except BaseException:
        directory.remove(name)
        raise
    bounds = [pc.min_max(table["ts"].cast(pa.int64())) for table in tables]
    return Segment(
        path=name,
        tenant=tenant,
        events=sum(table.num_rows for table in tables),
        size_bytes=size_bytes,
        min_us=min(each["min"].as_py() for each in bounds),
        max_us=max(each["max"].as_py() for each in bounds),
        digest=digest,
        columns=frozenset(schema.names) - frozenset(BASE.names),
        texts=sum(table.num_rows - table["raw"].null_count for table in tables),
    )
