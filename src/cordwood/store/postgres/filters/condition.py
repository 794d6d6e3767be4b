"""A filter → a condition on a row of `logs`: true or false, never null, and no error, whatever the row holds."""

from typing import NamedTuple

from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import (
    And,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Leaf,
    Like,
    Not,
    Or,
    Regex,
    Time,
    Within,
    Words,
)
from cordwood.store.postgres.filters.checks import Check, check_of
from cordwood.store.postgres.filters.jsonpath import (
    HOLDS_KEPT_NUMBER,
    Places,
    anywhere,
    anywhere_exactly,
)
from cordwood.store.postgres.filters.values import Values
from cordwood.store.postgres.jsonb import escaped_text

_COLUMNS = {"level": "level", "service": "service", "timestamp": "ts", "_inserted_at": "inserted_at"}


class _Condition(NamedTuple):
    """SQL, and how dear it is: the cheaper of two is looked at first."""

    sql: str
    cost: int


def condition(found: Filter, values: Values) -> str:
    """SQL that is true of the rows that a filter selects; what it compares with is added to `values`.

    Raises BadQuery for a regular expression that PostgreSQL cannot search with, at its place in the expression."""
    return _condition(found, values).sql


def condition_on(found: Leaf, field: Field, values: Values) -> str:
    """SQL that is true of the rows in which the value of a field does what a filter asks of another, under whose name
    it goes now. Raises BadQuery as `condition` does."""
    if isinstance(found, Everything | Exists) or found.field == field:
        return condition(found, values)
    return _in_field(found, field, values).sql


def held_by(found: Leaf, value: str, values: Values) -> str:
    """SQL: whether a filter holds for a jsonb, which may be null. Raises BadQuery as `condition` does."""
    check = check_of(found)
    held = _at_places(check, Places.itself("held.value", values), values).sql
    return f"SELECT coalesce({held}, false) FROM (SELECT {value} AS value OFFSET 0) AS held"


def moment_text(time: str) -> str:
    """SQL: RFC 3339 with µs, in UTC."""
    return f"""to_char({time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def _condition(found: Filter, values: Values) -> _Condition:
    match found:
        case And(parts=parts):
            return _joined(" AND ", [_condition(part, values) for part in parts])
        case Or(parts=parts):
            return _joined(" OR ", [_condition(part, values) for part in parts])
        case Not(part=part):
            inner = _condition(part, values)
            return _Condition(f"NOT ({inner.sql})", inner.cost)
        case _:
            return _leaf(found, values)


def _joined(sign: str, parts: list[_Condition]) -> _Condition:
    # PostgreSQL may look at them in another order, but keeps this one where it sees no difference in cost.
    parts = sorted(parts, key=lambda part: part.cost)
    return _Condition(sign.join(f"({part.sql})" for part in parts), parts[-1].cost)


def _leaf(found: Leaf, values: Values) -> _Condition:
    match found:
        case Everything():
            return _Condition("true", 0)
        case Exists(field=field):
            return _exists(field, values)
        case Within(field=field) if field.derived in DERIVED_TIMES:
            return _Condition(_time_within(found, _COLUMNS[field.name], values), 0)
        case Words(field=None) | Regex(field=None):
            return _anywhere(check_of(found), values)
        case Words() | Regex():
            assert found.field is not None, "the case above"
            return _in_field(found, found.field, values)
        case Equals(field=field) | Like(field=field) | InNetwork(field=field) | Within(field=field):
            return _in_field(found, field, values)


def _exists(field: Field, values: Values) -> _Condition:
    if field.derived is None:
        return _Condition(Places(field.name, values).have("@ != null", is_spread=False), 1)
    if field.derived == "message":
        return _Condition("cordwood_message(data) IS NOT NULL", 2)
    return _Condition(f"{_COLUMNS.get(field.name, 'id')} IS NOT NULL", 0)


def _time_within(found: Within, column: str, values: Values) -> str:
    ends: list[str] = []
    for sign, bound in ((">", found.low), ("<", found.high)):
        if bound is not None:
            assert isinstance(bound.value, Time), "a derived time is compared with times"
            equal = "=" if bound.is_included else ""
            ends.append(f"{column} {sign}{equal} {values.bound(bound.value.us, 'timestamptz')}")
    return " AND ".join(ends)


def _in_field(found: Leaf, field: Field, values: Values) -> _Condition:
    if field.derived is not None:
        return _in_text(found, field.derived, values)
    return _at_places(check_of(found), Places(field.name, values), values)


def _at_places(check: Check, places: Places, values: Values) -> _Condition:
    if check.of_value is None:
        return _Condition(places.have(_any(check.sure)), check.cost)
    # One look tells most events that do not match; only of the others SQL looks at each value.
    looks = f"EXISTS (SELECT FROM ({places.values(_any(check.maybe))}) AS c WHERE {check.of_value(values)})"
    if not check.sure:
        return _Condition(f"{places.have(_any(check.maybe))} AND {looks}", 3)
    may_be = places.have(_any([*check.sure, *check.maybe]))
    return _Condition(f"{may_be} AND ({places.have(_any(check.sure))} OR {looks})", 3)


def _in_text(found: Leaf, derived: str, values: Values) -> _Condition:
    if isinstance(found, Equals) and derived in ("level", "service"):
        return _Condition(f"{derived} IS NOT NULL AND {derived} = {values.bound(escaped_text(found.text), 'text')}", 0)
    text = _TEXTS.get(derived, derived)
    check = check_of(found, text)
    return _Condition(f"coalesce({check.of_text(values)}, false)", 1 if derived in _COLUMNS else 2)


def _anywhere(check: Check, values: Values) -> _Condition:
    found = _any(check.sure)
    may_be, exactly = anywhere(found, values), anywhere_exactly(found, values)
    kept = values.bound(HOLDS_KEPT_NUMBER, "jsonpath")
    # The texts that a number is kept as are none of the event's.
    sql = f"{may_be} AND (NOT data @? {kept} OR {exactly})"
    if check.needle:
        # A fifth of the time where it is not found. In a CASE, as PostgreSQL would look at the path first.
        in_json = f'strpos(lower(data::text COLLATE "C"), {values.bound(check.needle, "text")}) > 0'
        sql = f"CASE WHEN {in_json} THEN {sql} ELSE false END"
    return _Condition(sql, 4)


def _any(conditions: list[str]) -> str:
    return " || ".join(f"({each})" for each in conditions)


_TEXTS = {
    "message": "cordwood_message(data)",
    "_id": "id::text",
    "timestamp": moment_text("ts"),
    "_inserted_at": moment_text("inserted_at"),
}
"""What is no text by itself."""
