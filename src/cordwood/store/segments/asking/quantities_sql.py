"""What texts and numbers mean as quantities, as SQL: the formulas of `language.quantities` and `model.event`.

Arguments are SQL, of texts unless they say otherwise. What means nothing gives null.
"""

from cordwood.language.quantities import DURATION_PATTERN, NUMBER_PATTERN, SIZE_PATTERN
from cordwood.model.event import (
    EPOCH_PATTERN,
    EPOCH_UNITS,
    MAX_TIMESTAMP_US,
    MIN_TIMESTAMP_US,
    TIMESTAMP_PATTERN,
)
from cordwood.model.search.units import DURATIONS, SIZES

_DAY_US, _HOUR_US, _MINUTE_US, _SECOND_US = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000
_NUMBER = r"(\d+(?:\.\d+)?)"
_UNITS = [("w", "w"), ("d", "d"), ("h", "h"), ("m", "m"), ("s", "s"), ("ms", "ms"), ("us", "[uµμ]s"), ("ns", "ns")]
_CAPTURED_DURATION = "^[+-]?" + "".join(f"(?:{_NUMBER}{unit})?" for _, unit in _UNITS) + "$"
_MAX_WHOLE = 1 << 53


def begins_as_quantity(text: str) -> str:
    """Whether a text begins with a sign or digit, as all quantities do (and a few others): next to nothing to look at,
    and the engine leaves out row groups by it."""
    return f"({text} >= '+' AND {text} < ':')"


def number_of(text: str) -> str:
    """The double that a text spells."""
    return f"CASE WHEN regexp_full_match({text}, {_quoted(NUMBER_PATTERN)}) THEN TRY_CAST({text} AS DOUBLE) END"


def duration_of(text: str) -> str:
    """The nanoseconds that a text spells, as a double: its parts are added from the left."""
    names = ", ".join(_quoted(name) for name, _ in _UNITS)
    parts = " + ".join(
        f"coalesce(TRY_CAST(d['{name}'] AS DOUBLE), 0::DOUBLE) * {DURATIONS[name]}::DOUBLE" for name, _ in _UNITS
    )
    taken = f"regexp_extract({text}, {_quoted(_CAPTURED_DURATION)}, [{names}])"
    total = f"list_transform([{taken}], lambda d: {parts})[1]"
    return f"""CASE WHEN regexp_full_match({text}, {_quoted(DURATION_PATTERN)}) AND {text} NOT IN ('', '+', '-')
        THEN CASE WHEN starts_with({text}, '-') THEN -{total} ELSE {total} END END"""


def size_of(text: str) -> str:
    """The bytes that a text spells, as a double."""
    units = " ".join(f"WHEN '{unit}' THEN {factor}::DOUBLE" for unit, factor in SIZES.items())
    taken = f"regexp_extract({text}, {_quoted(f'^{SIZE_PATTERN}$')}, ['n', 'u'])"
    product = f"list_transform([{taken}], lambda z: TRY_CAST(z['n'] AS DOUBLE) * CASE z['u'] {units} END)[1]"
    return f"CASE WHEN regexp_full_match({text}, {_quoted(SIZE_PATTERN)}) THEN {product} END"


def time_of(text: str) -> str:
    """µs since 1970 UTC, of what is usable as a timestamp."""
    is_date = f"regexp_full_match({text}, {_quoted(TIMESTAMP_PATTERN)}) AND NOT starts_with({text}, '0000')"
    found = f"""CASE
        WHEN regexp_full_match({text}, {_quoted(EPOCH_PATTERN)}) THEN {_epoch(text)}
        WHEN {is_date} THEN {_iso(text)}
        END"""
    return f"""list_transform([{found}], lambda t:
        CASE WHEN t BETWEEN {MIN_TIMESTAMP_US}::BIGINT AND {MAX_TIMESTAMP_US}::BIGINT THEN t END)[1]"""


def _epoch(text: str) -> str:
    whole = f"TRY_CAST(split_part({text}, '.', 1) AS HUGEINT)"
    fraction = f"TRY_CAST(rpad(left(split_part({text}, '.', 2), 9), 9, '0') AS HUGEINT)"
    units = " ".join(f"WHEN w < {limit}::HUGEINT THEN {unit}::HUGEINT" for limit, unit in EPOCH_UNITS)
    ns = f"(w * CASE {units} END + {fraction} * CASE {units} END // 1000000000::HUGEINT)"
    return f"list_transform([{whole}], lambda w: CASE WHEN w > 0 THEN {ns} // 1000::HUGEINT END)[1]"


def _iso(text: str) -> str:
    def part(start: int, us: int) -> str:
        return f"coalesce(TRY_CAST(substr({text}, {start}, 2) AS BIGINT), 0) * {us}::BIGINT"

    days = f"(TRY_CAST(left({text}, 10) AS DATE) - DATE '1970-01-01')::BIGINT * {_DAY_US}::BIGINT"
    seconds = f"CASE WHEN substr({text}, 17, 1) = ':' THEN {part(18, _SECOND_US)} ELSE 0 END"
    digits = f"regexp_extract({text}, '[.,](\\d+)', 1)"
    fraction = f"TRY_CAST(rpad(left({digits}, 6), 6, '0') AS BIGINT)"
    zone = f"regexp_extract(substr({text}, 12), '([+-])(\\d\\d):?(\\d\\d)?$', ['s', 'h', 'm'])"
    offset = (
        f"list_transform([{zone}], lambda o: CASE o['s'] WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END::BIGINT * "
        f"(coalesce(TRY_CAST(o['h'] AS BIGINT), 0) * {_HOUR_US}::BIGINT "
        f"+ coalesce(TRY_CAST(o['m'] AS BIGINT), 0) * {_MINUTE_US}::BIGINT))[1]"
    )
    return f"({days} + {part(12, _HOUR_US)} + {part(15, _MINUTE_US)} + {seconds} + {fraction} - {offset})::HUGEINT"


def number_text(double: str) -> str:
    """A double's canonical text: whole ones below 2⁵³ without a point, others as the shortest that reads back."""
    is_whole = f"abs({double}) < {_MAX_WHOLE}::DOUBLE AND trunc({double}) = {double}"
    return f"CASE WHEN {is_whole} THEN CAST(TRY_CAST({double} AS BIGINT) AS VARCHAR) ELSE CAST({double} AS VARCHAR) END"


def _quoted(text: str) -> str:
    """A constant of ours in SQL."""
    return "'" + text.replace("'", "''") + "'"
