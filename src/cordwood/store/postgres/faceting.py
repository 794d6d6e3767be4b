"""What rows hold, as one statement: each event is walked into its fields, and their values are counted.

A sample is of the events whose ids have a hash below a bound: about that share of them, and always the same ones.
"""

from collections.abc import Sequence
from typing import Any

from cordwood.model.census import Asked, FieldCount, named, scalar_of, types_of
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.filter_sql import Conditions
from cordwood.store.postgres.jsonb import NUMBER, SENTINEL, escaped_text, unescaped_text

_DERIVED = {"level": "level", "service": "service", "message": "cordwood_message(data)"}
_HASHES = 1 << 30


def statement(plan: Plan, tenant: Tenant, asked: Asked, share: float) -> tuple[str, list[object]]:
    """The statement that counts, and its values. `share`: of the events that match, 1 for all."""
    conditions = Conditions(plan, tenant, with_position=False)
    values = conditions.values

    def bound(value: object, kind: str) -> str:
        values.append(value)
        return f"${len(values)}::{kind}"

    where = conditions.where
    if share < 1:
        where += f" AND (uuid_hash_extended(id, 0) & {_HASHES - 1}) < {bound(round(share * _HASHES), 'bigint')}"
    field = asked.field
    wanted = further = only = ""
    derived = _DERIVED if field is None else {name: _DERIVED[name] for name in _DERIVED if name == field.derived}
    if field is not None:
        name = bound(escaped_text(field.name), "text")
        # The sent field of a derived name is another one.
        way = f"({name} = {{0}} OR starts_with({name}, {{0}} || '.'))" if not derived else "false"
        wanted = "WHERE " + way.format("e.key")
        further = "WHERE " + way.format("(w.name || '.' || e.key)")
        only = f"WHERE name = {name}"
    sql = _SQL.format(
        where=where,
        wanted=wanted,
        further=further,
        only=only,
        number=bound(NUMBER, "text"),
        whole=bound(SENTINEL + "json", "text"),
        derived=" ".join(
            f"UNION ALL SELECT id, false, '{name}', 's', {value} FROM picked WHERE {value} IS NOT NULL"
            for name, value in derived.items()
        ),
        prefix=bound(escaped_text(asked.prefix), "text"),
        top=bound(asked.top, "bigint"),
    )
    return sql, values


def counted(rows: Sequence[Any]) -> tuple[int, list[FieldCount]]:
    """How many events were looked at, and what they hold, out of the rows of that statement."""
    examined = 0
    kinds: dict[tuple[bool, str], tuple[str, int]] = {}
    top: dict[tuple[bool, str], list[tuple[str, str, int]]] = {}
    distinct: dict[tuple[bool, str], int] = {}
    for is_sent, name, kind, text, count, groups in rows:
        if name is None:
            examined = count
            continue
        key = (is_sent, name)
        if kind is None:
            kinds[key] = (text, count)
        else:
            top.setdefault(key, []).append((kind, text, count))
            distinct[key] = groups
    fields = []
    for key in sorted(kinds):
        is_sent, name = key
        known, events = kinds[key]
        ranked = sorted(top.get(key, ()), key=lambda each: (-each[2], each[0], each[1]))
        values = [(scalar_of(kind, unescaped_text(text) or ""), count) for kind, text, count in ranked]
        shown = unescaped_text(name) or ""
        fields.append(
            FieldCount(named(shown) if is_sent else shown, types_of(known), events, distinct.get(key, 0), values)
        )
    return examined, fields


_SQL = """
    WITH RECURSIVE picked AS MATERIALIZED (SELECT id, data, level, service FROM logs {where}),
    walk AS (
        SELECT p.id, e.key AS name, e.value FROM picked p, jsonb_each(p.data) e {wanted}
        UNION ALL
        SELECT w.id, w.name || '.' || e.key, e.value FROM walk w, jsonb_each(
            CASE WHEN jsonb_typeof(w.value) = 'object' AND NOT w.value ? {number} THEN w.value ELSE '{{}}' END
        ) e {further}
    ),
    typed AS (
        SELECT id, name, value, CASE jsonb_typeof(value)
            WHEN 'string' THEN 's' WHEN 'boolean' THEN 'b' WHEN 'array' THEN 'a' WHEN 'number' THEN 'n'
            WHEN 'object' THEN CASE WHEN value ? {number} THEN 'n' ELSE 'o' END
        END AS kind
        FROM walk WHERE name <> {whole}
    ),
    doubles AS (
        SELECT id, name, value, kind, CASE WHEN kind = 'n' THEN cordwood_value(value) END AS double,
            CASE WHEN jsonb_typeof(value) = 'number' THEN scale(value::numeric) = 0
                AND value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 END AS is_whole
        FROM typed WHERE kind IS NOT NULL
    ),
    spelt AS (
        SELECT id, name, kind, CASE
            WHEN kind IN ('s', 'b') THEN value #>> '{{}}'
            WHEN kind <> 'n' THEN NULL
            WHEN is_whole THEN value #>> '{{}}'
            WHEN abs(double) = 'Infinity' THEN NULL
            WHEN double = trunc(double) AND double >= -9223372036854775808 AND double < 9223372036854775808
                THEN double::bigint::text
            ELSE double::text
        END AS v
        FROM doubles
    ),
    leaves AS MATERIALIZED (
        SELECT DISTINCT id, is_sent, name, kind, v FROM (
            SELECT id, true AS is_sent, name,
                CASE WHEN kind <> 'n' THEN kind WHEN v ~ '^-?[0-9]+$' THEN 'i' ELSE 'f' END AS kind, v
            FROM spelt
            {derived}
        ) every {only}
    ),
    tallied AS (
        SELECT is_sent, name, kind, v, count(*) AS n FROM leaves
        WHERE v IS NOT NULL AND starts_with(v, {prefix}) GROUP BY is_sent, name, kind, v
    ),
    ranked AS (
        SELECT *, row_number() OVER (PARTITION BY is_sent, name ORDER BY n DESC, kind, v COLLATE "C") AS place,
            count(*) OVER (PARTITION BY is_sent, name) AS groups
        FROM tallied
    )
    SELECT is_sent, name, kind, v, n, groups FROM ranked WHERE place <= {top}
    UNION ALL
    SELECT is_sent, name, NULL, string_agg(DISTINCT kind, ''), count(DISTINCT id), 0 FROM leaves GROUP BY is_sent, name
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, count(*), 0 FROM picked
"""
