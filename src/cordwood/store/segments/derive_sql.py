"""The rules of `cordwood.model.event` as DuckDB SQL: what `model.derive` says of one event, said of many at once.

Two sources give the texts of the candidate fields. `NATIVE_FIELDS` lets the engine's reader pick them while it
parses; it fails when an event repeats one of those keys. `exact_fields` then copes with repeated keys, where the last
one counts. `docs/decisions/0004-segments-first-version.md` has the measurements; a property test holds these rules
and `model.derive` together.
"""

import json
from collections.abc import Iterable, Sequence

from cordwood.model.event import (
    EPOCH_PATTERN,
    EPOCH_UNITS,
    LEVEL_NAMES,
    LEVELS,
    MAX_TIMESTAMP_US,
    MIN_TIMESTAMP_US,
    SERVICE_NAMES,
    TIMESTAMP_NAMES,
    TIMESTAMP_PATTERN,
)


def text(value: str) -> str:
    """A constant of ours as an SQL literal. Never for what comes from outside: that is bound."""
    return "'" + value.replace("'", "''") + "'"


def pointer(keys: Iterable[str]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


_PLAIN = TIMESTAMP_NAMES + LEVEL_NAMES + SERVICE_NAMES
_HEADS = tuple(name.partition(".")[0] for name in _PLAIN if "." in name)
FIELDS = tuple(dict.fromkeys(_PLAIN + _HEADS))
"""The keys that the rules look at."""

NATIVE_FIELDS = "{" + ", ".join(f"{text(name)}: 'VARCHAR'" for name in FIELDS) + "}"
"""`columns` for `read_json`."""

_STRUCTURE = text(json.dumps(dict.fromkeys(FIELDS, "VARCHAR")))
_KEYS = "[" + ", ".join(map(text, FIELDS)) + "]"
# The engine takes the first of repeated keys, the rule the last: so only the members we need, last one first.
_TURNED = f"""'{{' || array_to_string(list_reverse(list_transform(
    list_filter(list_zip(json_keys(raw), json_extract(raw, '$.*')), lambda m: list_contains({_KEYS}, m[1])),
    lambda m: to_json(m[1]) || ':' || m[2])), ',') || '}}'"""


def exact_fields(lines: str) -> str:
    """A query for `doc` and the fields of each event of `lines` (a query for `raw`), repeated keys or not."""
    doc = f"CASE WHEN list_unique(json_keys(raw)) < len(json_keys(raw)) THEN {_TURNED} ELSE raw END"
    return f"""SELECT raw, doc, unnest(json_transform(doc, {_STRUCTURE}))
        FROM (SELECT raw, {doc} AS doc FROM ({lines}))"""


def _column(name: str) -> str:
    return f'f."{name}"'


def _usable(expression: str) -> str:
    """NULL for what looks like a container, as `model.derive` has it."""
    return f"CASE WHEN left({expression}, 1) NOT IN ('{{', '[') THEN {expression} END"


def _nested(name: str) -> str:
    """The text of `head.rest` within the object at `head`. The reader gives an object as compact JSON, in which a key
    is always spelt the same: one that occurs once is not repeated."""
    head, _, rest = name.partition(".")
    held, key = _column(head), text(json.dumps(rest))
    single = f"json_transform({held}, {text(json.dumps({rest: 'VARCHAR'}))})[{text(rest)}]"
    members = f"list_zip(json_keys({held}), json_extract({held}, '$.*'))"
    last = f"list_filter({members}, lambda m: m[1] = {text(rest)})[-1][2]"
    repeated = f"json_transform('[' || {last} || ']', '[\"VARCHAR\"]')[1]"
    return f"""CASE WHEN left({held}, 1) = '{{' AND json_type(doc, {text(pointer([head]))}) = 'OBJECT' THEN
        CASE WHEN contains(substr({held}, strpos({held}, {key}) + {len(key) - 2}), {key}) THEN {repeated}
        ELSE {single} END END"""


def _candidate(name: str) -> str:
    """The text that a name leads to: a literal key, then one level of nesting."""
    if "." not in name:
        return _column(name)
    return f"coalesce({_usable(_column(name))}, {_nested(name)})"


def _first_usable(names: Sequence[str], quick: str, exact: str) -> str:
    """The first candidate for which `exact` gives a value. Usually that is the first candidate there is, for which
    `quick` is enough: NULL, or the same value. Both are expressions over `x`."""
    candidates = [_candidate(name) for name in names]
    present = f"coalesce({', '.join(candidates)})"
    # As a list, so that `exact` is planned once: spelt out for each candidate, planning took 140 ms a statement.
    slow = f"list_filter(list_transform([{', '.join(candidates)}], lambda x: {exact}), lambda y: y IS NOT NULL)[1]"
    hit = quick.replace("{x}", present)
    return f"CASE WHEN {present} IS NOT NULL THEN coalesce({hit}, {slow}) END"


def _in_range(expression: str) -> str:
    return f"CASE WHEN {expression} BETWEEN {MIN_TIMESTAMP_US} AND {MAX_TIMESTAMP_US} THEN {expression} END"


def _epoch_us(whole: str) -> str:
    """Whole Unix time in any unit → µs, in 64 bits: for at most 18 digits."""
    units = " ".join(
        f"WHEN {whole} < {limit} THEN {whole} * {unit_ns // 1000}" for limit, unit_ns in EPOCH_UNITS if unit_ns >= 1000
    )
    return f"CASE WHEN {whole} = 0 THEN NULL {units} ELSE {whole} // 1000 END"


_QUICK_US = f"""CASE
    WHEN regexp_full_match({{x}}, {text(TIMESTAMP_PATTERN)}) THEN {_in_range("epoch_us(TRY_CAST({x} AS TIMESTAMPTZ))")}
    WHEN regexp_full_match({{x}}, '\\d{{1,18}}(?:\\.0)?')
        THEN {_in_range(_epoch_us("TRY_CAST(split_part({x}, '.', 1) AS BIGINT)"))}
    END""".replace("{{", "{").replace("}}", "}")

_WHOLE = "split_part(x, '.', 1)::HUGEINT"
_FRACTION = "rpad(left(split_part(x, '.', 2), 9), 9, '0')::HUGEINT"
_UNIT_NS = "CASE " + " ".join(f"WHEN {_WHOLE} < {limit} THEN {unit_ns}" for limit, unit_ns in EPOCH_UNITS) + " END"
_EXACT_US = _in_range(f"""(CASE
    WHEN x IS NULL THEN NULL
    WHEN regexp_full_match(x, {text(TIMESTAMP_PATTERN)})
        THEN epoch_us(TRY_CAST(replace(upper(x), ',', '.') AS TIMESTAMPTZ))
    WHEN regexp_full_match(x, {text(EPOCH_PATTERN)}) AND {_WHOLE} > 0
        THEN (({_WHOLE} * 1000000000 + {_FRACTION}) * ({_UNIT_NS}) // 1000000000 // 1000)::BIGINT
    END)""")

_LEVEL_KEYS = "[" + ", ".join(map(text, LEVELS)) + "]"
_LEVEL_VALUES = "[" + ", ".join(map(text, LEVELS.values())) + "]"
# Only ASCII: lower() would turn other letters (İ) into ASCII ones.
_LEVEL = f"CASE WHEN strlen({{x}}) = length({{x}}) THEN {_LEVEL_VALUES}[list_position({_LEVEL_KEYS}, lower({{x}}))] END"
_SERVICE = "CASE WHEN {x} <> '' AND left({x}, 1) NOT IN ('{', '[') THEN {x} END"

TIMESTAMP_US = _first_usable(TIMESTAMP_NAMES, _QUICK_US, _EXACT_US)
LEVEL = _first_usable(LEVEL_NAMES, _LEVEL, _LEVEL.replace("{x}", "x"))
SERVICE = _first_usable(SERVICE_NAMES, _SERVICE, _SERVICE.replace("{x}", "x"))
"""Expressions over `doc` and the fields `f.*`. NULL when no candidate is usable."""
