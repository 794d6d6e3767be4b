"""Events counted in their files, as the ledger's word is not enough for an audit."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

from cordwood.model.ledger import DAY_US, Damage
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import damage

_DAYS = f"SELECT epoch_us(ts) // {DAY_US}, count(*) FROM read_parquet($1) GROUP BY ALL"


def count(
    engine: Engine, files: Files, segments: Sequence[Segment]
) -> tuple[Counter[tuple[Tenant, int]], list[Damage]]:
    """Events by tenant and day, and the segments that cannot be read. Reads everything: call it in a thread.

    Raises Unavailable.
    """
    counted: Counter[tuple[Tenant, int]] = Counter()
    damaged: list[Damage] = []
    reasons = files.each(lambda segment: damage(engine, files, segment), segments)
    for segment, reason in zip(segments, reasons, strict=True):
        if reason is None:
            counted.update(_days(engine, files, segment))
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
