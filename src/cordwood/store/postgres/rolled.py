"""Counts of rows out of rollups, and of what rollups do not tell out of the rows themselves."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct

from cordwood.db.postgres import Connection
from cordwood.model.ledger import DAY_US
from cordwood.model.plan import Plan
from cordwood.model.search.spans import MINUTE_US
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.filters.condition import condition
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import unescaped_text
from cordwood.store.postgres.rolling import DAY_MINUTES, SPANS
from cordwood.store.rollups import Group, Tally, is_of_pairs

Range: TypeAlias = tuple[int, int]
"""From, and up to but not including."""

_MOST_RANGES = 64
"""Read beside rollups: of more, all is read at once."""


class Counted(Struct, frozen=True):
    """Counts, at most as many as were wanted, and how many events rollups told."""

    counts: Mapping[Group, int]
    rolled_up: int = 0


class _Shares(Struct, frozen=True):
    """What of a time range is told by whom."""

    told: Sequence[Range]
    """By rollups: minutes since 1970."""
    read: Sequence[Range]
    """µs since 1970."""


async def counted(
    connection: Connection, plan: Plan, tenant: Tenant, tally: Tally, most: int, left_s: Callable[[], float]
) -> Counted:
    """In the connection's snapshot. Raises BadQuery for what PostgreSQL cannot search with."""
    found = await told(connection, plan, tenant, tally, most, left_s)
    if found is not None:
        return found
    counts: Counter[Group] = Counter()
    sql, values = _of_rows(plan, tenant, tally, None, most)
    _add(counts, await connection.fetch(sql, *values, timeout=left_s()))
    return Counted(counts)


async def told(
    connection: Connection, plan: Plan, tenant: Tenant, tally: Tally, most: int, left_s: Callable[[], float]
) -> Counted | None:
    """The same where rollups help: None when all there is would have to be read."""
    if not is_of_pairs(plan.filter) or (tally.span_us or MINUTE_US) % MINUTE_US:
        return None
    shares = await _shares(connection, plan, tenant, left_s)
    if shares is None:
        return None
    counts: Counter[Group] = Counter()
    if shares.told:
        sql, values = _of_rollups(plan, tenant, tally, shares.told, most)
        _add(counts, await connection.fetch(sql, *values, timeout=left_s()))
    rolled_up = counts.total()
    if shares.read:
        sql, values = _of_rows(plan, tenant, tally, shares.read, most)
        _add(counts, await connection.fetch(sql, *values, timeout=left_s()))
    return Counted(dict(islice(counts.items(), most)), rolled_up)


def _add(counts: Counter[Group], rows: Sequence[Sequence[Any]]) -> None:
    for start_us, *texts, events in rows:
        counts[start_us, tuple(map(unescaped_text, texts))] += events


async def _shares(connection: Connection, plan: Plan, tenant: Tenant, left_s: Callable[[], float]) -> _Shares | None:
    first = None if plan.start_us is None else plan.start_us // DAY_US
    last = None if plan.end_us is None else (plan.end_us - 1) // DAY_US
    days = await connection.fetch(_DAYS, tenant, first, last, timeout=left_s())
    if not days:
        return _Shares((), ())
    wrong = [row["day"] for row in days if not row["is_told"]]
    begin, end = days[0]["day"] * DAY_US, (days[-1]["day"] + 1) * DAY_US
    begin = begin if plan.start_us is None else max(begin, plan.start_us)
    end = end if plan.end_us is None else min(end, plan.end_us)
    told, read = list[Range](), list[Range]()
    for from_us, to_us in _without(wrong, begin, end):
        first_minute, behind_minute = -(-from_us // MINUTE_US), to_us // MINUTE_US
        if first_minute < behind_minute:
            told.append((first_minute, behind_minute))
    at = begin
    for first_minute, behind_minute in told:
        if at < first_minute * MINUTE_US:
            read.append((at, first_minute * MINUTE_US))
        at = behind_minute * MINUTE_US
    if at < end:
        read.append((at, end))
    return _Shares(told, read) if told and len(read) <= _MOST_RANGES else None


def _without(days: Sequence[int], begin_us: int, end_us: int) -> Iterator[Range]:
    """A time range without some days, which are in order."""
    for day in days:
        if begin_us < day * DAY_US:
            yield begin_us, min(day * DAY_US, end_us)
        begin_us = max(begin_us, (day + 1) * DAY_US)
    if begin_us < end_us:
        yield begin_us, end_us


def _pieces(minutes: Range, spans: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """A range cut into whole spans, the longest first: the span in minutes, from, up to."""
    first, behind = minutes
    if first >= behind:
        return
    span = spans[0]
    low, high = -(-first // span) * span, behind // span * span
    if low < high:
        yield span, low, high
        yield from _pieces((first, low), spans[1:])
        yield from _pieces((high, behind), spans[1:])
    else:
        yield from _pieces(minutes, spans[1:])


def _of_rollups(plan: Plan, tenant: Tenant, tally: Tally, told: Sequence[Range], most: int) -> tuple[str, list[object]]:
    span_us = tally.span_us
    spans = [span for span in reversed(SPANS) if span_us is None or span_us % (span * MINUTE_US) == 0]
    pieces = [piece for minutes in told for piece in _pieces(minutes, spans)]
    values: list[object] = [tenant, *map(list, zip(*pieces, strict=True)), *map(list, zip(*told, strict=True))]
    where = condition(plan.filter, Values(values))
    fields = "".join(f", {name}" for name in tally.fields)
    start = "0::bigint"
    if span_us is not None:
        values.append(span_us // MINUTE_US)
        span = f"${len(values)}::bigint"
        start = f"(start - ((start % {span}) + {span}) % {span}) * {MINUTE_US}"
    values.append(most)
    # The pieces are few: each is looked up in the index, whatever the planner takes their number to be.
    return (
        f"""
        SELECT {start}{fields}, sum(events)::bigint
        FROM (
            SELECT r.start, nullif(r.level, '') AS level, nullif(r.service, '') AS service, r.events
            FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) AS p(span, first, behind) CROSS JOIN LATERAL (
                SELECT * FROM rollups AS r WHERE r.tenant = $1 AND r.span = p.span
                    AND r.start >= p.first AND r.start < p.behind OFFSET 0
            ) AS r
            UNION ALL
            SELECT c.minute, nullif(c.level, ''), nullif(c.service, ''), c.events
            FROM rollup_changes AS c JOIN unnest($5::bigint[], $6::bigint[]) AS t(first, behind)
                ON c.minute >= t.first AND c.minute < t.behind
            WHERE c.tenant = $1
        ) AS told
        WHERE {where}
        GROUP BY {", ".join(str(number) for number in range(1, len(tally.fields) + 2))}
        HAVING sum(events) <> 0 LIMIT ${len(values)}::bigint
    """,
        values,
    )


def _of_rows(
    plan: Plan, tenant: Tenant, tally: Tally, read: Sequence[Range] | None, most: int
) -> tuple[str, list[object]]:
    conditions = Conditions(plan, tenant, with_position=False)
    values, where = conditions.values, conditions.where
    if read is not None:
        ways = []
        for first, behind in read:
            values += (first, behind)
            ways.append(f"(ts >= ${len(values) - 1} AND ts < ${len(values)})")
        where += f" AND ({' OR '.join(ways)})"
    fields = "".join(f", {name}" for name in tally.fields)
    start = "0::bigint"
    if tally.span_us is not None:
        values.append(tally.span_us)
        span = f"${len(values)}::bigint"
        # A remainder has the sign of what was divided: before 1970 too, a span begins at its earlier end.
        start = f"at_us - ((at_us % {span}) + {span}) % {span}"
    values.append(most)
    return (
        f"""
        SELECT {start}{fields}, count(*)
        FROM (SELECT (extract(epoch FROM ts) * 1000000)::bigint AS at_us{fields} FROM logs {where}) AS found
        GROUP BY {", ".join(str(number) for number in range(1, len(tally.fields) + 2))} LIMIT ${len(values)}::bigint
    """,
        values,
    )


# Of a day that has no events any more nothing is to be told.
_DAYS = f"""
    SELECT h.day, h.held = coalesce(d.events, 0) + coalesce(c.events, 0) AND d.is_wide IS NOT TRUE AS is_told
    FROM (
        SELECT day, stored - expired - deleted AS held FROM holdings
        WHERE tenant = $1 AND day >= coalesce($2::bigint, day) AND day <= coalesce($3::bigint, day)
    ) AS h LEFT JOIN rollup_days d ON d.tenant = $1 AND d.day = h.day LEFT JOIN (
        SELECT floor(minute / {DAY_MINUTES}.0)::integer AS day, sum(events) AS events FROM rollup_changes
        WHERE tenant = $1 GROUP BY 1
    ) AS c ON c.day = h.day
    ORDER BY h.day
"""
