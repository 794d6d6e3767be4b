"""The rules of `cordwood.model.event`, as DuckDB SQL: what `model.derive` says of one event, said of many at once.

A property test holds the two together.
"""

from collections.abc import Iterable

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


def pointer(keys: Iterable[str]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def text(value: str) -> str:
    """A constant of ours as an SQL literal. Never for what comes from outside: that is bound."""
    return "'" + value.replace("'", "''") + "'"


def _paths(name: str) -> list[str]:
    """A name as a literal key, then nested one level, as `model.derive` looks it up."""
    head, dot, rest = name.partition(".")
    return [pointer([name]), pointer([head, rest])] if dot else [pointer([name])]


_TIMESTAMPS = [path for name in TIMESTAMP_NAMES for path in _paths(name)]
_LEVELS = [path for name in LEVEL_NAMES for path in _paths(name)]
_SERVICES = [path for name in SERVICE_NAMES for path in _paths(name)]
_ALL = _TIMESTAMPS + _LEVELS + _SERVICES

_LEVEL_MAP = "MAP {" + ", ".join(f"{text(name)}: {text(level)}" for name, level in LEVELS.items()) + "}"


def _slice(offset: int, count: int) -> str:
    return f"v[{offset + 1}:{offset + count}]"


def _first(expression: str, candidates: str) -> str:
    """The first candidate `x` for which `expression` is not NULL. As a list, so that the expression is planned once:
    spelt out for each candidate, planning took 140 ms a statement."""
    return f"list_filter(list_transform({candidates}, lambda x: {expression}), lambda y: y IS NOT NULL)[1]"


EXTRACTED = "json_extract_string(raw, [" + ", ".join(map(text, _ALL)) + "])"
"""All candidates at once: the event is parsed one time."""

_ISO_US = "epoch_us(TRY_CAST(replace(upper(x), ',', '.') AS TIMESTAMPTZ))"
_WHOLE = "split_part(x, '.', 1)::HUGEINT"
_FRACTION = "rpad(left(split_part(x, '.', 2), 9), 9, '0')::HUGEINT"
_UNIT_NS = "CASE " + " ".join(f"WHEN {_WHOLE} < {limit} THEN {unit_ns}" for limit, unit_ns in EPOCH_UNITS) + " END"
_EPOCH_US = f"nullif((({_WHOLE} * 1000000000 + {_FRACTION}) * ({_UNIT_NS}) // 1000000000 // 1000), 0)::BIGINT"
_ANY_US = f"""CASE
    WHEN x IS NULL THEN NULL
    WHEN regexp_full_match(x, {text(TIMESTAMP_PATTERN)}) THEN {_ISO_US}
    WHEN regexp_full_match(x, {text(EPOCH_PATTERN)}) AND {_WHOLE} > 0 THEN {_EPOCH_US}
    END"""

TIMESTAMP_US = (
    f"list_filter(list_transform({_slice(0, len(_TIMESTAMPS))}, lambda x: {_ANY_US}), "
    f"lambda y: y BETWEEN {MIN_TIMESTAMP_US} AND {MAX_TIMESTAMP_US})[1]"
)
LEVEL = _first(f"{_LEVEL_MAP}[lower(x)]", _slice(len(_TIMESTAMPS), len(_LEVELS)))
# A container is never a usable text; the text alone tells, as in model.derive.
SERVICE = _first(
    "CASE WHEN x <> '' AND left(x, 1) NOT IN ('{', '[') THEN x END",
    _slice(len(_TIMESTAMPS) + len(_LEVELS), len(_SERVICES)),
)
"""Expressions over `v`, the extracted candidates. NULL when none is usable."""
