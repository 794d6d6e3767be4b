"""A number as SQL, wherever it is kept: in a column, or as JSON."""

from msgspec import Struct

from cordwood.store.segments.asking.binding import Values
from cordwood.store.segments.asking.quantities_sql import number_text

_MAX_WHOLE = 1 << 53
"""Below it, doubles compare as the whole numbers do that they are the nearest of."""


class Numeric(Struct, frozen=True):
    """SQL for one number."""

    double: str
    """By value."""
    text: str
    """Its canonical text."""
    spelling: str
    """As Python spells it, by which it is a time."""
    whole: str | None = None
    """A column of 64-bit integers: the engine leaves out row groups where that is compared itself."""

    def compared(self, sign: str, bound: float, values: Values) -> str:
        """With a double. `sign` is one of = < <= > >=."""
        if self.whole is None or abs(bound) >= _MAX_WHOLE:
            return f"{self.double} {sign} {values.bind(bound)}"
        least = int(bound // 1)
        if bound == least:
            return f"{self.whole} {sign} {values.bind(least)}"
        if sign == "=":
            return "false"
        return f"{self.whole} {'<=' if sign[0] == '<' else '>'} {values.bind(least)}"


def of_integers(column: str) -> Numeric:
    """A column of 64-bit integers."""
    text = f"CAST({column} AS VARCHAR)"
    return Numeric(f"CAST({column} AS DOUBLE)", text, text, column)


def of_doubles(column: str) -> Numeric:
    """A column of doubles."""
    return Numeric(column, number_text(column), f"CAST({column} AS VARCHAR)")


def of_json(kind: str, text: str) -> Numeric:
    """A number whose `json_type` and `json_extract_string` these are: the engine gives integers digit by digit, also
    where it calls them doubles since no integer of its own holds them."""
    double = f"TRY_CAST({text} AS DOUBLE)"
    canonical = f"""CASE WHEN {kind} <> 'DOUBLE' AND TRY_CAST({text} AS BIGINT) IS NOT NULL THEN {text}
        ELSE {number_text(double)} END"""
    return Numeric(double, canonical, f"CASE {kind} WHEN 'DOUBLE' THEN CAST({double} AS VARCHAR) ELSE {text} END")
