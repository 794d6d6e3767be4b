"""Events counted in their files, as the ledger's word is not enough for an audit."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

from cordwood.model.ledger import DAY_US, Damage
from cordwood.model.search.spans import HOUR_US
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import damage
from cordwood.store.segments.rollup import entries_of

_DAYS = f"SELECT epoch_us(ts) // {DAY_US}, count(*) FROM read_parquet($1) GROUP BY ALL"

# A remainder has the sign of what was divided, also of times before 1970.
_ENTRIES = f"""
    SELECT (us - (us % {HOUR_US} + {HOUR_US}) % {HOUR_US}) // {HOUR_US}, level, service, count(*)
    FROM (SELECT epoch_us(ts) AS us, level, service FROM read_parquet($1)) GROUP BY ALL
"""
_OTHER_COUNTS = "its rollup does not count what its events say; they are well"


def count(
    engine: Engine, files: Files, segments: Sequence[Segment], rollups: Mapping[str, bytes]
) -> tuple[Counter[tuple[Tenant, int]], list[Damage]]:
    """Events by tenant and day; the segments that cannot be read, and those whose rollups, by path, say another thing
    than their events. Reads everything: call it in a thread.

    Raises Unavailable.
    """
    counted: Counter[tuple[Tenant, int]] = Counter()
    damaged: list[Damage] = []
    reasons = files.each(lambda segment: damage(engine, files, segment), segments)
    for segment, reason in zip(segments, reasons, strict=True):
        if reason is None:
            counted.update(_days(engine, files, segment))
            rollup = rollups.get(segment.path)
            if rollup is not None and not _is_true(engine, files, segment, rollup):
                damaged.append(Damage(segment.tenant, segment.path, segment.events, _OTHER_COUNTS))
        else:
            damaged.append(Damage(segment.tenant, segment.path, segment.events, reason))
    return counted, damaged


def _days(engine: Engine, files: Files, segment: Segment) -> Mapping[tuple[Tenant, int], int]:
    first, last = segment.min_us // DAY_US, segment.max_us // DAY_US
    if first == last:
        return {(segment.tenant, first): segment.events}
    with files.hold([segment], is_kept=False) as hold, engine.cursor() as cursor:
        with contextlib.suppress(OSError):  # what reads it tells
            hold.fetch()
        rows = cursor.execute(_DAYS, [str(files.root / segment.path)]).fetchall()
    return {(segment.tenant, day): events for day, events in rows}


def _is_true(engine: Engine, files: Files, segment: Segment, rollup: bytes) -> bool:
    """Whether a rollup counts what the segment has."""
    with files.hold([segment], is_kept=False) as hold, engine.cursor() as cursor:
        with contextlib.suppress(OSError):  # what reads it tells
            hold.fetch()
        rows = cursor.execute(_ENTRIES, [str(files.root / segment.path)]).fetchall()
    try:
        return entries_of(rollup) == {(hour, level, service): events for hour, level, service, events in rows}
    except ValueError:
        return False
