"""The rules of `cordwood.model.event` as DuckDB SQL: what `model.derive` says of one event, said of many at once.

The engine's reader picks the texts of the fields that the rules look at while it parses. It fails when an event
repeats one of those keys; `model.derive` itself has to be asked then. A property test holds the two together; the
measurements are in `docs/decisions/0004-segments-first-version.md`.
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


def _column(name: str) -> str:
    return f'"{name}"'


def _columns(names: Sequence[str]) -> str:
    return ", ".join(map(_column, names))


_PLAIN = TIMESTAMP_NAMES + LEVEL_NAMES + SERVICE_NAMES
_DOTTED = tuple(name for name in _PLAIN if "." in name)
_HEADS = tuple(dict.fromkeys(name.partition(".")[0] for name in _DOTTED))
FIELDS = tuple(dict.fromkeys([*_PLAIN, *_HEADS]))
"""The keys that the rules look at."""

NATIVE_FIELDS = "{" + ", ".join(f"{text(name)}: 'VARCHAR'" for name in FIELDS) + "}"
"""`columns` for `read_json`."""


def _nested(name: str) -> str:
    """The text of `head.rest` within the object at `head`. The engine gives that as compact JSON, in which a key is
    always spelt the same: one that occurs once there is not repeated."""
    head, _, rest = name.partition(".")
    held, key = _column(head), text(json.dumps(rest))
    single = f"json_transform({held}, {text(json.dumps({rest: 'VARCHAR'}))})[{text(rest)}]"
    members = f"list_zip(json_keys({held}), json_extract({held}, '$.*'))"
    last = f"list_filter({members}, lambda m: m[1] = {text(rest)})[-1][2]"
    repeated = f"json_transform('[' || {last} || ']', '[\"VARCHAR\"]')[1]"
    return f"""CASE WHEN left({held}, 1) = '{{' AND json_type(raw, {text(pointer([head]))}) = 'OBJECT' THEN
        CASE WHEN contains(substr({held}, strpos({held}, {key}) + {len(rest) + 2}), {key}) THEN {repeated}
        ELSE {single} END END"""


def _inner(name: str) -> str:
    """The column that holds what a dotted name leads to within an object."""
    return name.replace(".", "/")


def _candidates(names: Sequence[str]) -> str:
    """The columns that names lead to, in order: a literal key, then one level of nesting."""
    ways = ([name, _inner(name)] if "." in name else [name] for name in names)
    return _columns([column for way in ways for column in way])


def _searched(names: Sequence[str], value: str, test: str) -> str:
    """The first `value` of a candidate `x` that passes `test`, of `y`. Slow. As a list, so that `value` is planned
    once: spelt out for each candidate, planning took 140 ms a statement."""
    return f"list_filter(list_transform([{_candidates(names)}], lambda x: {value}), lambda y: {test})[1]"


# First the candidate that is nearly always the one that counts: the first that is there, in its usual spellings.
_ISO, _EPOCH, _QUICK_EPOCH = text(TIMESTAMP_PATTERN), text(EPOCH_PATTERN), text(r"\d{1,18}(?:\.0)?")
_QUICK_UNITS = " ".join(f"WHEN w < {limit} THEN w * {ns // 1000}" for limit, ns in EPOCH_UNITS if ns >= 1000)
_QUICK_WHOLE = f"CASE WHEN regexp_full_match(t, {_QUICK_EPOCH}) THEN TRY_CAST(split_part(t, '.', 1) AS BIGINT) END"
_QUICK_US = f"""CASE
    WHEN w > 0 THEN CASE {_QUICK_UNITS} ELSE w // 1000 END
    WHEN regexp_full_match(t, {_ISO}) AND left(t, 4) <> '0000' THEN epoch_us(TRY_CAST(t AS TIMESTAMPTZ)) END"""

_WHOLE = "split_part(x, '.', 1)::HUGEINT"
_FRACTION = "rpad(left(split_part(x, '.', 2), 9), 9, '0')::HUGEINT"
_UNIT_NS = "CASE " + " ".join(f"WHEN {_WHOLE} < {limit} THEN {ns}" for limit, ns in EPOCH_UNITS) + " END"
# As the engine spells it: capitals, a point, no blank before the zone. It has a year 0, which the rules do not.
_SPELT = r"regexp_replace(replace(upper(x), ',', '.'), ' ([Z+-])', '\1')"
_EXACT_US = f"""CASE
    WHEN x IS NULL THEN NULL
    WHEN regexp_full_match(x, {_ISO}) AND left(x, 4) <> '0000' THEN epoch_us(TRY_CAST({_SPELT} AS TIMESTAMPTZ))
    WHEN regexp_full_match(x, {_EPOCH}) AND {_WHOLE} > 0
        THEN (({_WHOLE} * 1000000000 + {_FRACTION}) * ({_UNIT_NS}) // 1000000000 // 1000)::BIGINT END"""
_IN_RANGE = f"BETWEEN {MIN_TIMESTAMP_US} AND {MAX_TIMESTAMP_US}"

_LEVEL_KEYS, _LEVEL_VALUES = (", ".join(map(text, names)) for names in (LEVELS.keys(), LEVELS.values()))


def _level(x: str) -> str:
    # Only ASCII: lower() would turn other letters (İ) into ASCII ones.
    known = f"[{_LEVEL_VALUES}][list_position([{_LEVEL_KEYS}], lower({x}))]"
    return f"CASE WHEN strlen({x}) = length({x}) THEN {known} END"


def _scalar(x: str) -> str:
    """NULL for what looks like a container, as `model.derive` has it."""
    return f"CASE WHEN left({x}, 1) NOT IN ('{{', '[') THEN {x} END"


def _service(x: str) -> str:
    return f"nullif({_scalar(x)}, '')"


def derived(events: str, kept: Sequence[str]) -> str:
    """A query for the columns `kept`, and `ts_us`, `derived_level`, `derived_service`: NULL when nothing is usable.

    `events` is a query for `raw`, the fields and `kept`. In steps, since the engine computes a step's columns once.
    """
    inner = ", ".join(f"{_nested(name)} AS {_column(_inner(name))}" for name in _DOTTED)
    # An object is no candidate; as the first one it would send the event the slow way.
    held = ", ".join(f"{_scalar(_column(head))} AS {_column(head)}" for head in _HEADS)
    candidates = f"SELECT * REPLACE ({held}), {inner} FROM ({events})"
    present = f"""SELECT *, coalesce({_candidates(TIMESTAMP_NAMES)}) AS t, coalesce({_candidates(LEVEL_NAMES)}) AS l,
        coalesce({_candidates(SERVICE_NAMES)}) AS s FROM ({candidates})"""
    quick = f"SELECT *, {_QUICK_WHOLE} AS w, {_level('l')} AS l_quick, {_service('s')} AS s_quick FROM ({present})"
    timed = f"SELECT *, {_QUICK_US} AS t_quick FROM ({quick})"
    exact_us = _searched(TIMESTAMP_NAMES, _EXACT_US, f"y {_IN_RANGE}")
    exact_level = _searched(LEVEL_NAMES, _level("x"), "y IS NOT NULL")
    exact_service = _searched(SERVICE_NAMES, _service("x"), "y IS NOT NULL")
    return f"""SELECT {", ".join(kept)},
        CASE WHEN t_quick {_IN_RANGE} THEN t_quick WHEN t IS NOT NULL THEN {exact_us} END AS ts_us,
        CASE WHEN l_quick IS NOT NULL THEN l_quick WHEN l IS NOT NULL THEN {exact_level} END AS derived_level,
        CASE WHEN s_quick IS NOT NULL THEN s_quick WHEN s IS NOT NULL THEN {exact_service} END AS derived_service
        FROM ({timed})"""
