"""What takes the room in segments: read from their footers, and the services from their columns."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import duckdb
from msgspec import Struct

from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.care import FieldSize, PartSize, ServiceRows, Survey, TenantSize
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine, Row, translated
from cordwood.store.segments.files import Files
from cordwood.store.segments.layout import BASE

_FILES_AT_ONCE = 256

_COLUMNS = """
    SELECT path_in_schema, sum(total_compressed_size)::BIGINT, sum(total_uncompressed_size)::BIGINT,
        count(DISTINCT file_name)
    FROM parquet_metadata($files) GROUP BY ALL
"""
_SERVICES = "SELECT service, count(*) FROM read_parquet($files) GROUP BY ALL"


class _Column(Struct):
    """What one column takes in all segments that have it."""

    bytes: int = 0
    uncompressed_bytes: int = 0
    segments: int = 0


def survey(
    engine: Engine, files: Files, segments: Sequence[Segment], is_over: Callable[[], bool] = lambda: False
) -> Survey:
    """Synchronous, reads every footer and one column: call it in a thread. Raises Unavailable, also once it
    `is_over`, which is asked between a few files and the next."""
    columns: dict[str, _Column] = {}
    services: Counter[tuple[Tenant, str | None]] = Counter()
    unreadable: list[str] = []
    for tenant, group in _by_tenant(segments):
        for lot in _lots(engine, files, group, unreadable, is_over):
            for name, size_bytes, uncompressed_bytes, having in lot.columns:
                column = columns.setdefault(name, _Column())
                column.bytes += size_bytes
                column.uncompressed_bytes += uncompressed_bytes
                column.segments += having
            services.update({(tenant, service): events for service, events in lot.services})
    all_bytes = sum(segment.size_bytes for segment in segments)
    filter_bytes = sum(files.each(lambda segment: _filter_bytes(files, segment, is_over), segments))
    values_bytes = sum(column.bytes for column in columns.values())
    return Survey(
        kind="segments",
        events=sum(segment.events for segment in segments),
        segments=len(segments),
        rows=None,
        bytes=all_bytes,
        parts=[
            PartSize("values", values_bytes),
            PartSize("filters", filter_bytes),
            PartSize("footers", all_bytes - values_bytes - filter_bytes),
        ],
        tenants=[
            TenantSize(
                tenant=tenant,
                events=sum(segment.events for segment in group),
                segments=len(group),
                bytes=sum(segment.size_bytes for segment in group),
            )
            for tenant, group in _by_tenant(segments)
        ],
        services=[
            ServiceRows(tenant, service, events)
            for (tenant, service), events in sorted(services.items(), key=_most_first)
        ],
        fields=_fields(columns),
        unreadable=unreadable,
    )


def _filter_bytes(files: Files, segment: Segment, is_over: Callable[[], bool]) -> int:
    _go_on(is_over)
    try:
        found = files.index(segment)
    except OSError:
        return 0
    return 0 if found is None else found.size_bytes


class _Lot(Struct, frozen=True):
    """What the engine says of some files."""

    columns: Sequence[Row]
    services: Sequence[Row]


def _most_first(counted: tuple[tuple[Tenant, str | None], int]) -> tuple[Tenant, int, str]:
    (tenant, service), events = counted
    return tenant, -events, service or ""


def _by_tenant(segments: Sequence[Segment]) -> list[tuple[Tenant, list[Segment]]]:
    groups: dict[Tenant, list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.tenant, []).append(segment)
    return sorted(groups.items())


def _go_on(is_over: Callable[[], bool]) -> None:
    if is_over():
        raise Unavailable("nobody waits for this survey any more")


def _lots(
    engine: Engine,
    files: Files,
    segments: Sequence[Segment],
    unreadable: list[str],
    is_over: Callable[[], bool],
) -> Iterator[_Lot]:
    """Many files at once; where one of them cannot be read, each for itself, and that one is named."""
    for some in _few_at_once(files, segments):
        _go_on(is_over)
        if (lot := _lot(engine, files, some)) is not None:
            yield lot
            continue
        for segment in some:
            _go_on(is_over)
            if (lot := _lot(engine, files, [segment])) is not None:
                yield lot
            else:
                unreadable.append(segment.path)


def _few_at_once(files: Files, segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
    for lot in files.lots(segments):
        for start in range(0, len(lot), _FILES_AT_ONCE):
            yield lot[start : start + _FILES_AT_ONCE]


def _lot(engine: Engine, files: Files, segments: Sequence[Segment]) -> _Lot | None:
    """None where a file cannot be read. Raises Unavailable."""
    named = {"files": [str(files.root / segment.path) for segment in segments]}
    cursor = engine.open()
    try:
        with files.hold(segments, is_kept=False) as hold:
            hold.fetch()
            return _Lot(cursor.execute(_COLUMNS, named).fetchall(), cursor.execute(_SERVICES, named).fetchall())
    except (OSError, duckdb.IOException, duckdb.DataError, duckdb.InvalidInputException):
        return None
    except duckdb.InterruptException as error:
        raise translated(error) from error
    finally:
        engine.release(cursor)


def _fields(columns: dict[str, _Column]) -> list[FieldSize]:
    """Columns by the field that they are of, the largest first."""
    fields: dict[tuple[str, bool], list[tuple[str, _Column]]] = {}
    for name, column in columns.items():
        field, _, kind = (name, "", "") if name in BASE.names else name.rpartition(":")
        fields.setdefault((field, bool(kind)), []).append((kind, column))
    sizes = [
        FieldSize(
            field=field,
            types=sorted(kind for kind, _ in of_field if kind),
            bytes=sum(column.bytes for _, column in of_field),
            uncompressed_bytes=sum(column.uncompressed_bytes for _, column in of_field),
            segments=max(column.segments for _, column in of_field),
        )
        for (field, _), of_field in fields.items()
    ]
    return sorted(sizes, key=lambda size: (-size.bytes, size.field))
