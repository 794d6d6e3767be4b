"""Rows counted by minute, level and service in the transaction that stores or removes them (decision 18).

Such a transaction only adds to `rollup_changes`. A load that would add many for its events adds none: then its days do
not count what `holdings` says, are read, and later counted anew (`recounting`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import LiteralString, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cordwood.model.search.spans import MINUTE_US
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.jsonb import escaped_text

Pair: TypeAlias = tuple[str, str]
"""Level and service as columns have them; empty where there is none."""
Entries: TypeAlias = Mapping[tuple[int, str, str], int]
"""Events by minute since 1970, level and service."""

MOST_BYTES = 256
"""Of a service's name: an index takes 2,700."""
_FEW = 256
_EVENTS_FOR_ONE = 8
_SPARSE = 1 << 20


def kept_pair(level: str | None, service: str | None) -> Pair:
    return level or "", escaped_text(service or "")


def entries_of(times: NDArray[np.int64], numbers: NDArray[np.int64], pairs: Sequence[Pair]) -> Entries | None:
    """Of rows with these timestamps, in µs since 1970, and pairs, by number. None: too many for these rows."""
    if any(len(service.encode()) > MOST_BYTES for _, service in pairs):
        return None
    minutes = times // MINUTE_US
    first = int(minutes.min())
    keys = (minutes - first) * len(pairs) + numbers
    if int(keys.max()) < _SPARSE:
        counted = np.bincount(keys)
        found = np.flatnonzero(counted)
        counts = counted[found]
    else:
        found, counts = np.unique(keys, return_counts=True)
    if len(found) > _FEW + len(times) // _EVENTS_FOR_ONE:
        return None
    return {
        (first + key // len(pairs), *pairs[key % len(pairs)]): count
        for key, count in zip(found.tolist(), counts.tolist(), strict=True)
    }


def together(owned: Sequence[tuple[Tenant, Entries]]) -> Mapping[tuple[Tenant, int, str, str], int]:
    """The sums, by tenant, minute, level and service."""
    sums: Counter[tuple[Tenant, int, str, str]] = Counter()
    for tenant, entries in owned:
        sums.update({(tenant, *key): count for key, count in entries.items()})
    return sums


DAY_MINUTES = 1440
SPANS = (1, 5, 30, 60, DAY_MINUTES)
"""In minutes: what rows are counted by, each a part of the next. For every round span of a histogram (`spans.fitting`)
there is one of which it takes few."""
MINUTE: LiteralString = "floor(extract(epoch FROM ts) / 60)::bigint"

# Names that are too long for an index are never added, so they are not taken away either.
TAKEN_AWAY: LiteralString = f"""
    counted AS MATERIALIZED (
        SELECT tenant, {MINUTE} AS minute, coalesce(level, '') AS level, coalesce(service, '') AS service,
            count(*) AS events
        FROM gone GROUP BY 1, 2, 3, 4
    ), changed AS (
        INSERT INTO rollup_changes
        SELECT tenant, minute, level, service, -events FROM counted
        WHERE octet_length(service) <= {MOST_BYTES} AND NOT EXISTS (
            SELECT FROM rollup_days d
            WHERE d.tenant = counted.tenant AND d.day = floor(minute / {DAY_MINUTES}.0)::integer AND d.is_wide)
    )
"""
"""Takes rows away that `gone` has, with `tenant, ts, level, service`; goes on with `counted`."""

EMPTIED: LiteralString = """
    INSERT INTO rollup_changes
    SELECT tenant, start, level, service, -sum(events)
    FROM (
        SELECT tenant, start, level, service, events FROM rollups
        WHERE tenant = ANY($1::text[]) AND span = 1 AND start >= $2 AND start < $3
        UNION ALL
        SELECT * FROM rollup_changes WHERE tenant = ANY($1::text[]) AND minute >= $2 AND minute < $3
    ) AS told
    GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0
"""
"""Takes away all there is of some tenants between two minutes. While nobody can store rows of that time."""
